"""The model that this process uses: the one named in the database, replaced while requests are running.

There is always a `Champion`, because tickets must be received even if the model is missing or broken. A request reads
the champion once and finishes with the model it began with.
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
"""Seconds between two checks of which model is in use."""

RETRY_SECONDS: Final = 10.0
"""Seconds until a model that could not be loaded is tried again."""

_NO_MODEL: Final = Reason("no_model", "there is no model yet: `deskyard train` makes one")


@dataclass(frozen=True, slots=True)
class Champion:
    """The bundle in use, or None with the reason; `refusal` says why a newer one could not be loaded."""

    bundle: "Bundle | None"
    missing_reason: Reason | None
    refusal: str | None = None

    @property
    def digest(self) -> str | None:
        """The bundle's digest; None without one."""
        return self.bundle.digest if self.bundle else None


class ModelWatcher:
    """Holds the champion of this process and replaces it when the database names another; safe to share between
    threads."""

    def __init__(self, folder: Path, database: Database) -> None:
        """`folder` is the folder of bundles. The model is loaded when the champion is first read."""
        self.folder = folder
        self._database = database
        self._champion: Champion | None = None
        self._failed: tuple[object, float] = (None, 0.0)
        self._lock = threading.Lock()

    @property
    def is_loaded(self) -> bool:
        """Whether the champion has been loaded, so that reading it does not block."""
        return self._champion is not None

    @property
    def champion(self) -> Champion:
        """The model in use; the first access loads it."""
        if self._champion is None:
            self.refresh()
        return self._champion or Champion(None, _NO_MODEL)

    @champion.setter
    def champion(self, champion: Champion) -> None:
        with self._lock:  # or a refresh that has begun would put the former one back
            self._champion = champion

    def refresh(self) -> Champion:
        """Load the model that the database names, if it is another one and can be used; never raises."""
        with self._lock:
            self._champion = self._reload(self._champion)
            return self._champion

    def watch(self, stop: threading.Event) -> None:
        """Refresh every `INTERVAL` seconds until `stop` is set; runs in a thread of its own."""
        self.refresh()
        while not stop.wait(INTERVAL):
            self.refresh()

    def _reload(self, current: Champion | None) -> Champion:
        requested: object = None
        try:
            with self._database.reading() as conn:
                row = active_model.get_active(conn)
            if current and current.bundle and row and current.digest == row.digest:
                return replace(current, refusal=None)
            requested = row or _initial_champion(self.folder)
            if requested is None:
                return current or Champion(None, _NO_MODEL)
            if current and self._failed[0] == requested and time.monotonic() - self._failed[1] < RETRY_SECONDS:
                return current
            return self._load(row)
        except DeskyardError as error:
            reason = f"the model can't be used: {error}"
        except Exception as error:  # whatever a damaged folder makes a reader raise, tickets are still received
            log.exception("champion_failed", folder=str(self.folder))
            reason = f"the model can't be used ({type(error).__name__}): run `deskyard check`"
        self._failed = (requested, time.monotonic())
        log.error("model_refused", reason=reason)
        if current and current.bundle:
            return replace(current, refusal=reason)
        return Champion(None, Reason("model_broken", reason))

    def _load(self, row: ActiveModel | None) -> Champion:
        # Imported here so that the service starts without machine-learning libraries.
        from deskyard.registry import bundle, promotion

        if row is not None:
            loaded = promotion.open_active_bundle(self.folder, row)
        else:
            loaded = bundle.load_bundle(bundle.find_bundle(self.folder))
            with self._database.writing() as conn:
                active_model.set_active(conn, loaded.name, loaded.digest, "deskyard", datetime.now(UTC))
        # Stemmers and contracts are made at first use, which takes seconds: do it now, not during a request.
        loaded.predict([Ticket(id="", subject="Warming up", body="Прогрев")])
        loaded.contracts()
        log.info("champion", name=loaded.name, digest=loaded.digest)
        return Champion(loaded, None)


def _initial_champion(folder: Path) -> bytes | None:
    """The content of the file that names the first champion, for a database that names none yet; None without one."""
    current = folder / "CURRENT"
    return current.read_bytes() if current.is_file() else None
