"""The conformance suite of ticket stores: `check_store` checks a store case by case.

It takes a store and a `StoreHarness`, which acts as people do in the help desk, and returns the cases that failed, with
a sentence each. Every case makes its own tickets and cleans nothing up, so cases run in any order, also on a real help
desk.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from deskyard.connectors.base.ticket_store import TicketStore
from deskyard.testing import read_cases, write_cases
from deskyard.testing.harness import ContractViolation, StoreHarness

__all__ = ["CASES", "ContractViolation", "Failure", "StoreHarness", "check_store"]

ConformanceCase = Callable[[TicketStore, StoreHarness], None]


@dataclass(frozen=True, slots=True)
class Failure:
    """A case that a store fails, and a sentence that says how."""

    case: str
    message: str


def check_store(store: TicketStore, harness: StoreHarness) -> list[Failure]:
    """The cases of `CASES` that the store fails; empty if it conforms."""
    failures = []
    for name, case in CASES.items():
        try:
            case(store, harness)
        except Exception as error:  # any error that a store raises is a failure of the case
            message = str(error) if isinstance(error, ContractViolation) else f"{type(error).__name__}: {error}"
            failures.append(Failure(name, message))
    return failures


CASES: Final[dict[str, ConformanceCase]] = {
    "health": read_cases.is_healthy,
    "catalogue": read_cases.lists_what_it_has,
    "unknown ticket": read_cases.reports_unknown_tickets,
    "read back": write_cases.reads_back,
    "no blind retry": write_cases.writes_once,
    "late repeat": write_cases.keeps_later_changes,
    "nothing to write": write_cases.skips_values_already_set,
    "people win": write_cases.lets_people_win,
    "conflict shown": write_cases.returns_the_conflicting_ticket,
    "person known": write_cases.keeps_values_set_by_people,
    "version": write_cases.checks_the_version,
    "unknown values": write_cases.refuses_unknown_values,
    "closed queue": write_cases.refuses_a_closed_queue,
    "absent agent": write_cases.refuses_an_absent_agent,
    "unsupported": write_cases.reports_unsupported_fields,
    "pages": read_cases.pages_in_order,
    "same moment": read_cases.loses_none_of_the_cursors_moment,
    "late commit": read_cases.loses_none_that_was_committed_late,
    "changes while reading": read_cases.loses_none_while_tickets_change,
    "cursor of a moment": read_cases.starts_at_the_cursor,
    "strange cursor": read_cases.refuses_an_unknown_cursor,
    "echo": read_cases.recognises_its_own_writes,
    "moves": read_cases.reports_who_changed_it,
    "forged webhook": read_cases.rejects_forged_webhooks,
    "true webhook": read_cases.accepts_a_valid_webhook,
}
"""Name → case; a test may run them one by one."""
