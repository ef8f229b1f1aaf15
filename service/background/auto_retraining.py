"""Retraining by itself: what the policy asks for is noticed, wished for, and begun once, whoever notices it.

In come the policy and the journal, once a minute; out goes a child process (`service.background.training_process`). Without `[retrain]` in
the policy nothing begins by itself: what is wanted is shown on `/models`, and a person begins it.
"""

import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import structlog

from deskyard.desk.ticket_history import Actor
from deskyard.errors import BundleError, StoreConflict
from deskyard.policy.policy import Retrain
from deskyard.policy.versions import Policies
from deskyard.registry import active_model, retraining_requests
from deskyard.registry.active_model import Active
from deskyard.text.dates import span
from service.background.training_process import Learning
from service.runtime.context import Yard

log: Final = structlog.get_logger(__name__)

EVERY: Final = 60.0
"""Seconds between two looks."""


def begin(yard: Yard, learning: Learning, actor: Actor, *, promote: bool) -> None:
    """A person begins a retraining, and it is written down who; `promote`: it may take the champion's place.

    Raises StoreConflict while another training is under way; then nothing is written."""
    learning.retrain(actor.name, promote=promote)
    at = datetime.now(UTC)
    with yard.database.writing() as conn:
        retraining_requests.want(conn, "person", actor.name, at)
        retraining_requests.claim(conn, at)


@dataclass(frozen=True)
class Retraining:
    """What begins retrainings in one process."""

    yard: Yard
    learning: Learning

    def keep(self, stop: threading.Event) -> None:
        """Look until told to stop."""
        while not stop.wait(EVERY):
            try:
                self.look(datetime.now(UTC))
            except Exception:
                log.exception("retraining_failed")

    def look(self, at: datetime) -> bool:
        """Begin a retraining if one is due; whether one was begun."""
        with self.yard.database.reading() as conn:
            rule, now = Policies.current(conn).policy.retrain, active_model.current(conn)
        if rule is None or now is None:
            return False
        with self.yard.database.reading() as conn:
            found = retraining_requests.due(
                conn,
                self._trained(now),
                at,
                span(rule.every) if rule.every else None,
                rule.corrections or None,
            )
            if not found and not any(_begins(wish.why, rule) for wish in retraining_requests.held(conn)):
                return False
        with self.yard.database.writing() as conn:
            for why, text in found:
                retraining_requests.want(conn, why, text, at)
            if not retraining_requests.claim(conn, at):
                return False
        try:
            self.learning.retrain("deskyard", promote=rule.promote)
        except StoreConflict:
            with self.yard.database.writing() as conn:
                retraining_requests.let_go(conn)
            return False
        log.info("retraining", why=[why for why, _ in found])
        return True

    def _trained(self, now: Active) -> datetime:
        """When the model in use was trained; when it was put in use, where it does not say."""
        from deskyard.registry import bundle  # only here: without a model the service needs no learning library

        try:
            return datetime.fromisoformat(bundle.peek(self.yard.models.folder / now.name)[2]["at"])
        except (BundleError, KeyError, ValueError):
            return now.at


def _begins(why: str, rule: Retrain) -> bool:
    return why != "drift" or rule.drift
