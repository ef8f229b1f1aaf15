"""The states of a ticket, and which of them mean that it is solved."""

from typing import Final, Literal

Status = Literal["new", "open", "waiting", "resolved", "closed"]

UNSOLVED_STATUSES: Final[tuple[Status, ...]] = ("new", "open", "waiting")
"""The states of a ticket that somebody still has to work on, or waits for."""

SOLVED: Final[tuple[Status, ...]] = ("resolved", "closed")
"""The states of a ticket that is done with."""


def is_solved(status: str | None) -> bool:
    """Whether a ticket in this state is done with; None (no state known) and states of other systems are not.

    >>> is_solved("closed"), is_solved("waiting"), is_solved(None)
    (True, False, False)
    """
    return status in SOLVED
