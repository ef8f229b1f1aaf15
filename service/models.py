"""The model in use: the champion's bundle, or the sentence that says why there is none.

In comes the folder of models, out goes a `Champion`, always: a missing or broken model must not stop tickets from
being taken. Nothing here decides.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog

from deskyard.decision import Reason
from deskyard.errors import DeskyardError
from deskyard.ticket import Ticket

if TYPE_CHECKING:
    from deskyard.bundle import Bundle

log: Final = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Champion:
    """The bundle in use, or None with the reason."""

    bundle: "Bundle | None"
    missing: Reason | None

    @property
    def digest(self) -> str | None:
        """The bundle's digest; None without one."""
        return self.bundle.digest if self.bundle else None


def open_champion(models: Path) -> Champion:
    """The bundle that `CURRENT` in the folder names; never raises."""
    if not (models / "CURRENT").is_file():
        return Champion(None, Reason("no_model", "there is no model yet: `deskyard train` makes one"))
    try:
        from deskyard import bundle  # only here: without a model the service needs no learning library

        folder = bundle.champion(models)
        if folder is None:
            return Champion(None, Reason("no_model", "there is no model yet: `deskyard train` makes one"))
        loaded = bundle.load(folder)
        # Stemmers and contracts are made at first use, which takes seconds: better now than in somebody's request.
        loaded.predict([Ticket(id="", subject="Warming up", body="Прогрев")])
        loaded.contracts()
        return Champion(loaded, None)
    except DeskyardError as error:
        reason = f"the model can't be used: {error}"
    except Exception as error:  # whatever a damaged folder makes a reader raise, tickets are still taken
        log.exception("champion_failed", folder=str(models))
        reason = f"the model can't be used ({type(error).__name__}): run `deskyard check`"
    log.error("champion_broken", reason=reason)
    return Champion(None, Reason("model_broken", reason))
