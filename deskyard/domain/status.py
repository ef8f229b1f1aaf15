"""The statuses of a ticket, and which of them mean that it is solved."""

from typing import Final, Literal

Status = Literal["new", "open", "waiting", "resolved", "closed"]

UNSOLVED_STATUSES: Final[tuple[Status, ...]] = ("new", "open", "waiting")
"""The statuses of a ticket that is still worked on or waited for."""

SOLVED: Final[tuple[Status, ...]] = ("resolved", "closed")
"""The statuses of a ticket that is finished."""


def is_solved(status: str | None) -> bool:
    """Whether a ticket of this status is finished; None (not known) and statuses of other systems are not.

    >>> is_solved("closed"), is_solved("waiting"), is_solved(None)
    (True, False, False)
    """
    return status in SOLVED
