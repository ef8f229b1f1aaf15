"""What tests of every ticket store share: `check_store`, which holds a store to its contract case by case.

In come a store and `Behind`, what its people do behind the API's back; out go the cases that failed, with a sentence
each. A case makes its own tickets, so cases run in any order and on a real help desk too; it cleans nothing up.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from deskyard.stores.contract import TicketStore
from deskyard.testing import reading, writing
from deskyard.testing.behind import Behind, Broken

__all__ = ["CASES", "Behind", "Broken", "Failure", "check_store"]

Case = Callable[[TicketStore, Behind], None]


@dataclass(frozen=True, slots=True)
class Failure:
    """A case that a store fails, and how."""

    case: str
    told: str


def check_store(store: TicketStore, behind: Behind) -> list[Failure]:
    """Every case of `CASES` that the store fails; empty for one that keeps the contract."""
    failures = []
    for name, case in CASES.items():
        try:
            case(store, behind)
        except Exception as error:  # whatever a store does instead of answering is a failure of that case
            told = str(error) if isinstance(error, Broken) else f"{type(error).__name__}: {error}"
            failures.append(Failure(name, told))
    return failures


CASES: Final[dict[str, Case]] = {
    "health": reading.is_well,
    "catalogue": reading.lists_what_it_has,
    "unknown ticket": reading.knows_no_unknown_ticket,
    "read back": writing.reads_back,
    "no blind retry": writing.writes_once,
    "late repeat": writing.lets_a_later_hand_stand,
    "nothing to write": writing.writes_nothing_that_stands,
    "people win": writing.lets_people_win,
    "conflict shown": writing.shows_what_stands_against_it,
    "person known": writing.knows_a_person_from_a_machine,
    "version": writing.checks_the_version,
    "unknown values": writing.refuses_what_it_does_not_have,
    "closed queue": writing.refuses_a_closed_queue,
    "absent agent": writing.refuses_an_absent_agent,
    "unsupported": writing.says_what_it_can_not_do,
    "pages": reading.pages_in_order,
    "same moment": reading.loses_none_of_the_cursors_moment,
    "late commit": reading.loses_none_that_was_committed_late,
    "changes while reading": reading.loses_none_while_tickets_change,
    "cursor of a moment": reading.begins_where_it_is_told,
    "strange cursor": reading.refuses_a_strange_cursor,
    "echo": reading.knows_its_own_writing,
    "moves": reading.tells_who_moved_it,
    "forged webhook": reading.trusts_no_forged_webhook,
    "true webhook": reading.reads_a_true_webhook,
}
"""What a store must do, by name; a test may run them one by one."""
