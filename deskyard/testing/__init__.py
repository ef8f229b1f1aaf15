"""What tests of every ticket store share: `check_store`, which holds a store to its contract case by case.

In come a store and `Behind`, what its people do behind the API's back; out go the cases that failed, with a sentence
each. A case makes its own tickets, so cases run in any order and on a real help desk too; it cleans nothing up.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from deskyard.connectors.base.ticket_store import TicketStore
from deskyard.testing import read_cases, write_cases
from deskyard.testing.harness import Behind, Broken

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
    "health": read_cases.is_well,
    "catalogue": read_cases.lists_what_it_has,
    "unknown ticket": read_cases.knows_no_unknown_ticket,
    "read back": write_cases.reads_back,
    "no blind retry": write_cases.writes_once,
    "late repeat": write_cases.lets_a_later_hand_stand,
    "nothing to write": write_cases.writes_nothing_that_stands,
    "people win": write_cases.lets_people_win,
    "conflict shown": write_cases.shows_what_stands_against_it,
    "person known": write_cases.knows_a_person_from_a_machine,
    "version": write_cases.checks_the_version,
    "unknown values": write_cases.refuses_what_it_does_not_have,
    "closed queue": write_cases.refuses_a_closed_queue,
    "absent agent": write_cases.refuses_an_absent_agent,
    "unsupported": write_cases.says_what_it_can_not_do,
    "pages": read_cases.pages_in_order,
    "same moment": read_cases.loses_none_of_the_cursors_moment,
    "late commit": read_cases.loses_none_that_was_committed_late,
    "changes while reading": read_cases.loses_none_while_tickets_change,
    "cursor of a moment": read_cases.begins_where_it_is_told,
    "strange cursor": read_cases.refuses_a_strange_cursor,
    "echo": read_cases.knows_its_own_writing,
    "moves": read_cases.tells_who_moved_it,
    "forged webhook": read_cases.trusts_no_forged_webhook,
    "true webhook": read_cases.reads_a_true_webhook,
}
"""What a store must do, by name; a test may run them one by one."""
