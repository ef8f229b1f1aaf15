"""deskyard learns from a help desk's history and routes new tickets with measured precision.

    >>> import deskyard
    >>> deskyard.Ticket(id="1", subject="VPN does not connect").subject
    'VPN does not connect'

`deskyard.load("champion").predict(df)` predicts a DataFrame of tickets; `deskyard.train(history)` fits a model. Names
are imported when they are first used, so that importing the package is cheap.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from deskyard.version import __version__

if TYPE_CHECKING:
    from deskyard.domain.ticket import Ticket as Ticket
    from deskyard.inference.loading import load as load

__all__ = ["Ticket", "__version__", "load", "train"]

_NAMES: Final = {
    "Ticket": "deskyard.domain.ticket:Ticket",
    "load": "deskyard.inference.loading:load",
    "train": "training.pipeline.run:train_model",
}
"""Public name → its definition ("module:name")."""


def __getattr__(name: str) -> Any:
    """The public name, imported now; raises AttributeError for any other."""
    if name not in _NAMES:
        raise AttributeError(f"module 'deskyard' has no attribute {name!r}")
    module, attribute = _NAMES[name].split(":")
    found = globals()[name] = getattr(import_module(module), attribute)
    return found


def __dir__() -> list[str]:
    """The public names and what every module has."""
    return sorted({*globals(), *_NAMES})
