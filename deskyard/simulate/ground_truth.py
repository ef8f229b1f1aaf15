"""Writes a synthetic history to disk, with its ground truth in side files.

Beside the history are `<stem>.moves.csv` (changes of queue), `<stem>.truth.csv` (true labels, flags and the oracle's
predictions, one row per ticket) and `<stem>.truth.json` (settings, desk, ceiling).
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from deskyard.domain.ticket import TARGETS
from deskyard.simulate.files import split_name, write_json
from deskyard.simulate.world import SimulatedTicket, SimulatedWorld
from deskyard.tabular.writer import open_writer

HISTORY_COLUMNS: Final = (
    "id", "created_at", "subject", "body", "category", "priority", "queue", "assignee", "requester", "organisation",
    "channel", "language", "first_response_at", "resolved_at", "x_product",
)  # fmt: skip
"""The columns of a history; data/README.md says what each one is."""

MOVE_COLUMNS: Final = ("id", "at", "actor", "field", "from", "to")
TRUTH_COLUMNS: Final = (
    "id", "true_category", "true_priority", "true_queue", "true_assignee", "oracle_category", "oracle_priority",
    "oracle_queue", "oracle_assignee", "near_copy_of", "flags",
)  # fmt: skip

_ABOUT_TEXT: Final = (
    "Synthetic: made by `deskyard simulate`; no person, company or ticket in it is real. `ceiling` is the share of "
    "tickets whose recorded label is the one that an oracle picks who knows the grammar and all its probabilities and "
    "reads each ticket by itself; `expected` is the mean of the oracle's own probabilities. `newest_fifth` is the same "
    "on the newest fifth, where a time-ordered 80/20 split tests."
)

ProgressWrapper = Callable[[Iterable[SimulatedTicket], int], Iterable[SimulatedTicket]]


class CeilingCounter:
    """Counts how often the oracle is correct, by target; add the tickets in the order of time."""

    def __init__(self, count: int) -> None:
        """`count` tickets will be added; the last fifth of them is also counted separately."""
        self.count, self.seen = count, 0
        self._first_new = count - count // 5
        self._right, self._newest = Counter[str](), Counter[str]()
        self._confidence: dict[str, float] = defaultdict(float)

    def add(self, simulated: SimulatedTicket) -> None:
        """Count one ticket."""
        for target in TARGETS:
            right = simulated.labels[target] == simulated.truth.oracle[target]
            self._right[target] += right
            self._newest[target] += right and self.seen >= self._first_new
            self._confidence[target] += simulated.truth.oracle_confidence[target]
        self.seen += 1

    def to_table(self) -> dict[str, dict[str, float]]:
        """Target → measured, expected and newest_fifth, each in [0, 1]; empty if nothing was counted."""
        if not self.seen:
            return {}
        newest = max(self.count - self._first_new, 1)
        return {
            target: {
                "measured": round(self._right[target] / self.seen, 4),
                "expected": round(self._confidence[target] / self.seen, 4),
                "newest_fifth": round(self._newest[target] / newest, 4),
            }
            for target in TARGETS
        }


def side_file_paths(path: Path) -> tuple[Path, Path, Path]:
    """The paths of the moves, the truth of the tickets, and the overall truth for a history at `path`.

    >>> [side.name for side in side_file_paths(Path("history.csv.gz"))]
    ['history.moves.csv', 'history.truth.csv', 'history.truth.json']
    """
    stem, _ = split_name(path)
    return (
        path.with_name(f"{stem}.moves.csv"),
        path.with_name(f"{stem}.truth.csv"),
        path.with_name(f"{stem}.truth.json"),
    )


def write_history(
    world: SimulatedWorld, count: int, path: Path, watch: ProgressWrapper = lambda tickets, _: tickets
) -> dict[str, Any]:
    """Write a history of `count` tickets with its side files; returns the content of `<stem>.truth.json`.

    `watch(tickets, count)` may show progress. Raises BadInput for an unknown extension or a path that can't be
    written; no incomplete file is left then.
    """
    moves_path, truth_path, summary_path = side_file_paths(path)
    ceiling = CeilingCounter(count)
    tickets = world.tickets(count)
    with (
        open_writer(path, HISTORY_COLUMNS) as history,
        open_writer(moves_path, MOVE_COLUMNS) as moves,
        open_writer(truth_path, TRUTH_COLUMNS) as truth,
    ):
        for simulated in watch(tickets, count):
            history.write(dict(zip(HISTORY_COLUMNS, history_row(simulated), strict=True)))
            truth.write(dict(zip(TRUTH_COLUMNS, _truth_row(simulated), strict=True)))
            for move in simulated.moves:
                row = (move.id, _iso_or_empty(move.at), move.actor, move.field, move.before, move.after)
                moves.write(dict(zip(MOVE_COLUMNS, row, strict=True)))
            ceiling.add(simulated)
    summary = describe_world(world, count, ceiling)
    write_json(summary_path, summary)
    return summary


def request_bodies(tickets: Iterable[SimulatedTicket]) -> Iterator[dict[str, Any]]:
    """The bodies of POST /v1/tickets: what is known at filing, without labels."""
    for simulated in tickets:
        ticket = simulated.ticket
        yield {
            "source": ticket.source,
            "external_id": ticket.id,
            "subject": ticket.subject,
            "body": ticket.body,
            "requester": ticket.requester,
            "organisation": ticket.organisation,
            "channel": ticket.channel,
            "language": ticket.language,
            "fields": dict(ticket.fields),
        }


def history_row(simulated: SimulatedTicket) -> tuple[str, ...]:
    """A ticket as a row of `HISTORY_COLUMNS`: times in ISO 8601 with +00:00, missing values as ""."""
    ticket, labels = simulated.ticket, simulated.labels
    return (
        ticket.id, _iso_or_empty(ticket.created_at), ticket.subject, ticket.body,
        labels["category"], labels["priority"], labels["queue"], labels["assignee"],
        ticket.requester, ticket.organisation, ticket.channel, ticket.language,
        _iso_or_empty(simulated.first_response_at), _iso_or_empty(simulated.resolved_at),
        ticket.fields.get("product", ""),
    )  # fmt: skip


def describe_world(world: SimulatedWorld, count: int, ceiling: CeilingCounter) -> dict[str, Any]:
    """The overall truth of a history: settings, ceiling, agents, the rename, the burst."""
    desk = world.desk
    burst = world.burst_window(count)
    return {
        "synthetic": True,
        "about": _ABOUT_TEXT,
        "seed": world.settings.seed,
        "tickets": ceiling.seen,
        "settings": world.settings.to_json(),
        "ceiling": ceiling.to_table(),
        "categories": {scenario.category: scenario.queue for scenario in desk.scenarios.values()},
        "vip_organisations": sorted(desk.vip),
        "rename": {"old": desk.rename["old"], "new": desk.rename["new"], "at": _iso_or_empty(desk.renamed_at)}
        if desk.renamed_at
        else None,
        "burst": {"from": _iso_or_empty(burst[0]), "to": _iso_or_empty(burst[1])} if burst else None,
        "agents": [
            {
                "login": agent.login,
                "skills": dict(agent.skills),
                "weekdays": list(agent.weekdays),
                "hours": list(agent.hours),
                "joined": _iso_or_empty(agent.joined),
                "left": _iso_or_empty(agent.left),
                "absences": [[_iso_or_empty(begin), _iso_or_empty(end)] for begin, end in agent.absences],
            }
            for agent in desk.agents
        ],
    }


def _truth_row(simulated: SimulatedTicket) -> tuple[str, ...]:
    true, oracle, truth = simulated.truth.labels, simulated.truth.oracle, simulated.truth
    return (
        simulated.ticket.id, true["category"], true["priority"], true["queue"], true["assignee"], oracle["category"],
        oracle["priority"], oracle["queue"], oracle["assignee"], truth.near_copy_of, " ".join(sorted(truth.flags)),
    )  # fmt: skip


def _iso_or_empty(moment: datetime | None) -> str:
    return moment.isoformat() if moment else ""
