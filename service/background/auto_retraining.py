"""Retraining by itself: what the policy asks for is noticed, wished for, and begun once, whoever notices it.

In come the policy and the journal, once a minute; out goes a child process (`service.background.training_process`).
Without `[retrain]` in the policy nothing begins by itself: what is wanted is shown on `/models`, and a person begins
it.
"""

import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import structlog

from deskyard.domain.actors import Actor
from deskyard.errors import BundleError, StoreConflict
from deskyard.policy.policy import RetrainingRule
from deskyard.policy.versions import Policies
from deskyard.registry import active_model, retraining_requests
from deskyard.registry.active_model import ActiveModel
from deskyard.text.dates import parse_span
from service.background.training_process import TrainingProcess
from service.runtime.context import AppContext

log: Final = structlog.get_logger(__name__)

INTERVAL: Final = 60.0
"""Seconds between two looks."""


def start_retraining(context: AppContext, training: TrainingProcess, actor: Actor, *, promote: bool) -> None:
    """A person begins a retraining, and it is written down who; `promote`: it may take the champion's place.

    Raises StoreConflict while another training is under way; then nothing is written."""
    training.retrain(actor.name, promote=promote)
    at = datetime.now(UTC)
    with context.database.writing() as conn:
        retraining_requests.request_retraining(conn, "person", actor.name, at)
        retraining_requests.claim_pending(conn, at)


@dataclass(frozen=True)
class AutoRetrainer:
    """What begins retrainings in one process."""

    yard: AppContext
    learning: TrainingProcess

    def run(self, stop: threading.Event) -> None:
        """Look until told to stop."""
        while not stop.wait(INTERVAL):
            try:
                self.start_if_due(datetime.now(UTC))
            except Exception:
                log.exception("retraining_failed")

    def start_if_due(self, at: datetime) -> bool:
        """Begin a retraining if one is due; whether one was begun."""
        with self.yard.database.reading() as conn:
            rule, now = Policies.current(conn).policy.retrain, active_model.get_active(conn)
        if rule is None or now is None:
            return False
        with self.yard.database.reading() as conn:
            found = retraining_requests.find_due_reasons(
                conn,
                self._trained_at(now),
                at,
                parse_span(rule.every) if rule.every else None,
                rule.corrections or None,
            )
            if not found and not any(_is_automatic(wish.why, rule) for wish in retraining_requests.list_pending(conn)):
                return False
        with self.yard.database.writing() as conn:
            for why, text in found:
                retraining_requests.request_retraining(conn, why, text, at)
            if not retraining_requests.claim_pending(conn, at):
                return False
        try:
            self.learning.retrain("deskyard", promote=rule.promote)
        except StoreConflict:
            with self.yard.database.writing() as conn:
                retraining_requests.release_claim(conn)
            return False
        log.info("retraining", why=[why for why, _ in found])
        return True

    def _trained_at(self, now: ActiveModel) -> datetime:
        """When the model in use was trained; when it was put in use, where it does not say."""
        from deskyard.registry import bundle  # only here: without a model the service needs no learning library

        try:
            return datetime.fromisoformat(bundle.read_manifest_and_card(self.yard.models.folder / now.name)[2]["at"])
        except (BundleError, KeyError, ValueError):
            return now.at


def _is_automatic(reason: str, rule: RetrainingRule) -> bool:
    return reason != "drift" or rule.drift
