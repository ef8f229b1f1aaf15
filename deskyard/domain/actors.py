"""Who does something on a desk: a person, a machine or a rule."""

from dataclasses import dataclass
from typing import Final, Literal

ActorKind = Literal["person", "machine", "rule"]


ANONYMOUS_REQUESTER: Final = "requester"
"""How a requester is called who gave no name, or whose name was erased."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something: a person, a machine (a model, another program), or a rule of the desk."""

    kind: ActorKind
    name: str
