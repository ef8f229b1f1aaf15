"""The model in use by this process: the one the database names, exchanged while requests go on.

In come the folder of models and the database; out goes a `Champion`, always: a missing or broken model must not stop
tickets from being taken. A request takes the champion once and ends on the model it began with. Nothing here decides.
"""

import threading
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog

from deskyard.db.database import Database
from deskyard.domain.decision import Reason
from deskyard.domain.ticket import Ticket
from deskyard.errors import DeskyardError
from deskyard.registry import active_model
from deskyard.registry.active_model import ActiveModel

if TYPE_CHECKING:
    from deskyard.registry.bundle import Bundle

log: Final = structlog.get_logger(__name__)

INTERVAL: Final = 1.0
"""Seconds between two looks at which model is in use."""

RETRY_SECONDS: Final = 10.0
"""Seconds until a model that could not be used is tried again."""

_NO_MODEL: Final = Reason("no_model", "there is no model yet: `deskyard train` makes one")


@dataclass(frozen=True, slots=True)
class Champion:
    """The bundle in use, or None with the reason; `refused` says why a newer one is not in use."""

    bundle: "Bundle | None"
    missing_reason: Reason | None
    refusal: str | None = None

    @property
    def digest(self) -> str | None:
        """The bundle's digest; None without one."""
        return self.bundle.digest if self.bundle else None


class ModelWatcher:
    """The champion of this process, and the looking out for another; safe to share between threads."""

    def __init__(self, folder: Path, database: Database) -> None:
        """Nothing is opened until a champion is asked for."""
        self.folder = folder
        self._database = database
        self._champion: Champion | None = None
        self._failed: tuple[object, float] = (None, 0.0)
        self._lock = threading.Lock()

    @property
    def is_loaded(self) -> bool:
        """Whether asking for the champion takes no time."""
        return self._champion is not None

    @property
    def champion(self) -> Champion:
        """The model in use; the first asking waits until it is loaded."""
        if self._champion is None:
            self.refresh()
        return self._champion or Champion(None, _NO_MODEL)

    @champion.setter
    def champion(self, champion: Champion) -> None:
        self._champion = champion

    def refresh(self) -> Champion:
        """Look at which model is in use, and exchange ours if it is another and can be used; never raises."""
        with self._lock:
            self._champion = self._reload(self._champion)
            return self._champion

    def watch(self, stop: threading.Event) -> None:
        """Refresh until told to stop; for a thread of its own."""
        self.refresh()
        while not stop.wait(INTERVAL):
            self.refresh()

    def _reload(self, current: Champion | None) -> Champion:
        wanted: object = None
        try:
            with self._database.reading() as conn:
                row = active_model.get_active(conn)
            if current and current.bundle and row and current.digest == row.digest:
                return replace(current, refusal=None)
            wanted = row or _initial_champion(self.folder)
            if wanted is None:
                return current or Champion(None, _NO_MODEL)
            if current and self._failed[0] == wanted and time.monotonic() - self._failed[1] < RETRY_SECONDS:
                return current
            return self._load(row)
        except DeskyardError as error:
            reason = f"the model can't be used: {error}"
        except Exception as error:  # whatever a damaged folder makes a reader raise, tickets are still taken
            log.exception("champion_failed", folder=str(self.folder))
            reason = f"the model can't be used ({type(error).__name__}): run `deskyard check`"
        self._failed = (wanted, time.monotonic())
        log.error("champion_refused", reason=reason)
        if current and current.bundle:
            return replace(current, refusal=reason)
        return Champion(None, Reason("model_broken", reason))

    def _load(self, row: ActiveModel | None) -> Champion:
        from deskyard.registry import (  # only here: without a model the service needs no learning library
            bundle,
            promotion,
        )

        if row is not None:
            loaded = promotion.open_active_bundle(self.folder, row)
        else:
            loaded = bundle.load_bundle(bundle.find_bundle(self.folder))
            with self._database.writing() as conn:
                active_model.set_active(conn, loaded.name, loaded.digest, "deskyard", datetime.now(UTC))
        # Stemmers and contracts are made at first use, which takes seconds: better now than in somebody's request.
        loaded.predict([Ticket(id="", subject="Warming up", body="Прогрев")])
        loaded.contracts()
        log.info("champion", name=loaded.name, digest=loaded.digest)
        return Champion(loaded, None)


def _initial_champion(folder: Path) -> bytes | None:
    """What the folder says about which bundle to begin with, where none was put in use yet."""
    current = folder / "CURRENT"
    return current.read_bytes() if current.is_file() else None
