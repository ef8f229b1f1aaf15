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
from deskyard.registry.active_model import Active

if TYPE_CHECKING:
    from deskyard.registry.bundle import Bundle

log: Final = structlog.get_logger(__name__)

EVERY: Final = 1.0
"""Seconds between two looks at which model is in use."""

PATIENCE: Final = 10.0
"""Seconds until a model that could not be used is tried again."""

_NONE: Final = Reason("no_model", "there is no model yet: `deskyard train` makes one")


@dataclass(frozen=True, slots=True)
class Champion:
    """The bundle in use, or None with the reason; `refused` says why a newer one is not in use."""

    bundle: "Bundle | None"
    missing: Reason | None
    refused: str | None = None

    @property
    def digest(self) -> str | None:
        """The bundle's digest; None without one."""
        return self.bundle.digest if self.bundle else None


class Models:
    """The champion of this process, and the looking out for another; safe to share between threads."""

    def __init__(self, folder: Path, database: Database) -> None:
        """Nothing is opened until a champion is asked for."""
        self.folder = folder
        self._database = database
        self._champion: Champion | None = None
        self._failed: tuple[object, float] = (None, 0.0)
        self._one_at_a_time = threading.Lock()

    @property
    def loaded(self) -> bool:
        """Whether asking for the champion takes no time."""
        return self._champion is not None

    @property
    def champion(self) -> Champion:
        """The model in use; the first asking waits until it is loaded."""
        if self._champion is None:
            self.refresh()
        return self._champion or Champion(None, _NONE)

    @champion.setter
    def champion(self, champion: Champion) -> None:
        self._champion = champion

    def refresh(self) -> Champion:
        """Look at which model is in use, and exchange ours if it is another and can be used; never raises."""
        with self._one_at_a_time:
            self._champion = self._newest(self._champion)
            return self._champion

    def watch(self, stop: threading.Event) -> None:
        """Refresh until told to stop; for a thread of its own."""
        self.refresh()
        while not stop.wait(EVERY):
            self.refresh()

    def _newest(self, present: Champion | None) -> Champion:
        wanted: object = None
        try:
            with self._database.reading() as conn:
                row = active_model.current(conn)
            if present and present.bundle and row and present.digest == row.digest:
                return replace(present, refused=None)
            wanted = row or _begin_with(self.folder)
            if wanted is None:
                return present or Champion(None, _NONE)
            if present and self._failed[0] == wanted and time.monotonic() - self._failed[1] < PATIENCE:
                return present
            return self._opened(row)
        except DeskyardError as error:
            reason = f"the model can't be used: {error}"
        except Exception as error:  # whatever a damaged folder makes a reader raise, tickets are still taken
            log.exception("champion_failed", folder=str(self.folder))
            reason = f"the model can't be used ({type(error).__name__}): run `deskyard check`"
        self._failed = (wanted, time.monotonic())
        log.error("champion_refused", reason=reason)
        if present and present.bundle:
            return replace(present, refused=reason)
        return Champion(None, Reason("model_broken", reason))

    def _opened(self, row: Active | None) -> Champion:
        from deskyard.registry import (  # only here: without a model the service needs no learning library
            bundle,
            promotion,
        )

        if row is not None:
            loaded = promotion.opened(self.folder, row)
        else:
            loaded = bundle.load(bundle.find(self.folder))
            with self._database.writing() as conn:
                active_model.put(conn, loaded.name, loaded.digest, "deskyard", datetime.now(UTC))
        # Stemmers and contracts are made at first use, which takes seconds: better now than in somebody's request.
        loaded.predict([Ticket(id="", subject="Warming up", body="Прогрев")])
        loaded.contracts()
        log.info("champion", name=loaded.name, digest=loaded.digest)
        return Champion(loaded, None)


def _begin_with(folder: Path) -> bytes | None:
    """What the folder says about which bundle to begin with, where none was put in use yet."""
    current = folder / "CURRENT"
    return current.read_bytes() if current.is_file() else None
