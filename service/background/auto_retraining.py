"""Automatic retraining: requests by the `[retrain]` rule of the policy are checked every minute and started once.

The training runs in a child process (`service.background.training_process`). Without `[retrain]` in the policy no
training starts by itself: the requests are shown on `/models`, and a person starts it.
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
"""Seconds between two checks."""


def start_retraining(context: AppContext, training: TrainingProcess, actor: Actor, *, promote: bool) -> None:
    """Start a retraining by a person and record the request; `promote`: the result may become the champion.

    Raises StoreConflict while another training is running; then nothing is recorded."""
    training.retrain(actor.name, promote=promote)
    at = datetime.now(UTC)
    with context.database.writing() as conn:
        retraining_requests.request_retraining(conn, "person", actor.name, at)
        retraining_requests.claim_pending(conn, at)


@dataclass(frozen=True)
class AutoRetrainer:
    """Starts retrainings that are due, in one service process."""

    context: AppContext
    training: TrainingProcess

    def run(self, stop: threading.Event) -> None:
        """Check every minute until `stop` is set."""
        while not stop.wait(INTERVAL):
            try:
                self.start_if_due(datetime.now(UTC))
            except Exception:
                log.exception("retraining_failed")

    def start_if_due(self, at: datetime) -> bool:
        """Start a retraining if one is due; returns whether one was started."""
        with self.context.database.reading() as conn:
            rule, active = Policies.current(conn).policy.retrain, active_model.get_active(conn)
        if rule is None or active is None:
            return False
        with self.context.database.reading() as conn:
            due_reasons = retraining_requests.find_due_reasons(
                conn,
                self._trained_at(active),
                at,
                parse_span(rule.every) if rule.every else None,
                rule.corrections or None,
            )
            if not due_reasons and not any(
                _is_automatic(request.reason, rule) for request in retraining_requests.list_pending(conn)
            ):
                return False
        with self.context.database.writing() as conn:
            for reason, detail in due_reasons:
                retraining_requests.request_retraining(conn, reason, detail, at)
            if not retraining_requests.claim_pending(conn, at):
                return False
        try:
            self.training.retrain("deskyard", promote=rule.promote)
        except StoreConflict:
            with self.context.database.writing() as conn:
                retraining_requests.release_claim(conn)
            return False
        log.info("retraining", reasons=[reason for reason, _ in due_reasons])
        return True

    def _trained_at(self, active: ActiveModel) -> datetime:
        """When the active model was trained, or, if its manifest does not say, when it was put in use."""
        from deskyard.registry import (
            bundle,
        )  # imported here, so that the service starts without machine-learning libraries

        try:
            return datetime.fromisoformat(
                bundle.read_manifest_and_card(self.context.models.folder / active.name)[2]["at"]
            )
        except (BundleError, KeyError, ValueError):
            return active.at


def _is_automatic(reason: str, rule: RetrainingRule) -> bool:
    return reason != "drift" or rule.drift
