"""The actors that change tickets: people, machines and rules."""

from dataclasses import dataclass
from typing import Final, Literal

ActorKind = Literal["person", "machine", "rule"]


ANONYMOUS_REQUESTER: Final = "requester"
"""The name of a requester who gave none, or whose name was erased."""


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, a machine (a model or another program), or a rule of the desk."""

    kind: ActorKind
    name: str
