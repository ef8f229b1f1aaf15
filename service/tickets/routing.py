"""The road of a ticket: predict, decide, and place it in one transaction.

In comes a ticket, out goes the answer that its sender gets, the same one however often the ticket is sent. `route`
alone opens and commits the transaction; desk and journal take its session. A ticket is never refused because of the
model: what can't be scored goes to triage with the reason.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from deskyard.desk import catalogue as floor
from deskyard.desk import ticket_history, tickets
from deskyard.desk.ticket_history import Actor, Step
from deskyard.desk.tickets import LABELS
from deskyard.domain.catalogue import Catalogue
from deskyard.domain.ticket import Ticket
from deskyard.inference.decide import Judgement
from deskyard.journal.journal import Entry, Journal
from deskyard.policy.policy import PLACING, Policy, Verdict
from deskyard.policy.versions import Policies
from deskyard.review import blind_review
from deskyard.sync.notifications import ROUTED, WAITS
from service.runtime import judge
from service.runtime.context import Hands, Yard
from service.runtime.model_watcher import Champion
from service.tickets import decision_record
from service.tickets.decision_record import Decided, InForce, Judged


@dataclass(frozen=True, slots=True)
class Arrival:
    """A ticket as it came in; `key` names the request of one without an id: sent again, it is no second ticket."""

    ticket: Ticket
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """What the sender is told, and whether the ticket is new."""

    answer: dict[str, Any]
    is_new: bool


def route(yard: Yard, ticket: Ticket, key: str | None = None) -> Answered:
    """Place a ticket. What is answered is stored."""
    return route_all(yard, [Arrival(ticket, key)])[0]


def route_all(yard: Yard, arrivals: Sequence[Arrival]) -> list[Answered]:
    """Place tickets in one transaction, in order; all of them are stored, or none is and it raises."""
    with yard.database.reading() as conn:
        answers = [_known(conn, arrival) for arrival in arrivals]
        in_force = Policies.current(conn).policy
    champion, at = yard.models.champion, datetime.now(UTC)
    new = {i: _filed_by(arrivals[i].ticket, at) for i, answer in enumerate(answers) if answer is None}
    deciding = decision_record.InForce(champion, in_force, at)
    judged = deciding.judge(new)
    if new:
        with yard.database.writing() as conn:
            whole = floor.catalogue(conn, *_asked_about(one.judgement for one in judged.values()))
            placed = _Placing(deciding)
            for i, ticket in new.items():
                placed.place(conn, i, ticket, arrivals[i].key, judged[i], whole)
            entries = placed.record(conn)
            placed.ask_blindly(conn, entries)
            if yard.hands is not None:
                placed.tell(conn, yard.hands, entries)
            for i, ticket in new.items():  # those not placed were delivered a second time in the same moment
                if i in entries:
                    answers[i] = Answered(_answer(entries[i].ticket_id, ticket, at, entries[i]), True)
                else:
                    answers[i] = _known(conn, arrivals[i])
    return [_there(answer) for answer in answers]


class _Placing:
    """Tickets being filed in one transaction, and what the journal and their journeys will say of it."""

    def __init__(self, deciding: InForce) -> None:
        self.deciding, self.at = deciding, deciding.at
        self.decided: dict[int, Decided] = {}

    def place(
        self, conn: Connection, i: int, ticket: Ticket, key: str | None, judged: Judged, whole: Catalogue
    ) -> None:
        """File a ticket where its judgement sends it, unless it is there already."""
        catalogue = whole.part(judged.judgement.queues, judged.judgement.agents)
        verdict = judged.judgement.enact(catalogue)
        queue, values = verdict.placement.queue, {change.field: change.value for change in verdict.changes}
        number = tickets.file(conn, ticket, queue, values, at=self.at, key=key, salt=judged.seal.salt)
        if number is None:
            return
        seen = {"source": ticket.source, "external_id": ticket.id or None}
        self.decided[i] = Decided(self.deciding.stamp(number, judged), verdict, catalogue, seen, queue)

    def record(self, conn: Connection) -> dict[int, Entry]:
        """Write it all down; the decision of each ticket that was placed."""
        entries = decision_record.record(conn, list(self.decided.values()))
        made = dict(zip(self.decided, entries, strict=True))
        journeys = {}
        for i, one in self.decided.items():
            journeys[one.stamp.ticket_id] = list(self._steps(one.verdict, made[i].id))
        ticket_history.take_all(conn, journeys)
        return made

    def ask_blindly(self, conn: Connection, entries: Mapping[int, Entry]) -> None:
        """A share of what was routed will be sorted by a person who does not see where."""
        share = self.deciding.policy.asked_blindly
        routed = {
            one.stamp.ticket_id: entries[i].id
            for i, one in self.decided.items()
            if one.verdict.placement.reason.code in PLACING and blind_review.chosen(one.stamp.ticket_hash, share)
        }
        blind_review.ask(conn, routed, self.at)

    def tell(self, conn: Connection, hands: Hands, entries: Mapping[int, Entry]) -> None:
        """Whoever wants to know is told of each ticket that was placed."""
        for i, one in self.decided.items():
            placement = one.verdict.placement
            event = ROUTED if placement.reason.code in PLACING else WAITS
            hands.told(conn, one.stamp.ticket_id, placement.queue, entries[i].id, event)

    def _steps(self, verdict: Verdict, decision: int) -> Iterator[Step]:
        machine = Actor("machine", self.deciding.champion.digest or "deskyard")
        placement = verdict.placement
        yield Step(self.at, machine, "queue", None, placement.queue, placement.reason.text, decision)
        for change in verdict.changes:
            actor = machine if change.by == "machine" else Actor("rule", "desk")
            yield Step(self.at, actor, change.field, None, change.value, change.why, decision)


def score(
    champion: Champion, in_force: Policy, catalogue: Catalogue, asked: Sequence[Ticket], *, explain: bool = False
) -> dict[str, Any]:
    """What `route` would do with each ticket, and why the model thinks so; nothing is read or written."""
    at = datetime.now(UTC)
    asked = [_filed_by(ticket, at) for ticket in asked]
    items = [judge.plain(judgement.enact(catalogue)) for judgement in judge.judge(champion, in_force, asked, at.date())]
    if explain:
        items = [item | judge.explained(champion, ticket) for item, ticket in zip(items, asked, strict=True)]
    return {"items": items, "model": champion.digest, "policy": in_force.digest}


def _filed_by(ticket: Ticket, at: datetime) -> Ticket:
    """The ticket with a time of filing: its own, or that it came at."""
    return replace(ticket, created_at=ticket.created_at or at)


def _asked_about(judgements: Iterable[Judgement]) -> tuple[frozenset[str], frozenset[str]]:
    """The queues and agents that any of them could choose."""
    queues, agents = frozenset[str](), frozenset[str]()
    for judgement in judgements:
        queues, agents = queues | judgement.queues, agents | judgement.agents
    return queues, agents


def _there(answer: Answered | None) -> Answered:
    if answer is None:
        raise LookupError("a ticket that was just found is gone")
    return answer


def _known(conn: Connection, arrival: Arrival) -> Answered | None:
    """The first answer again, if the ticket was here before."""
    known = tickets.known(conn, arrival.ticket.source, arrival.ticket.id, arrival.key)
    if known is None:
        return None
    entry = Journal.first_decision(conn, known.id)
    if entry is None:
        raise LookupError(f"ticket {known.id} has no decision in the journal")
    changed = _filed_by(arrival.ticket, known.ticket.created_at or known.received_at) != known.ticket
    return Answered(_answer(known.id, known.ticket, known.received_at, entry) | {"changed": changed}, False)


def _answer(number: int, ticket: Ticket, received_at: datetime, entry: Entry) -> dict[str, Any]:
    """What the sender is told, made from what is stored and never changes."""
    content = entry.content
    return {
        "ticket": {
            "id": str(number),
            "source": ticket.source,
            "external_id": ticket.id or None,
            "queue": content["placement"]["queue"],
            **{name: content["set"].get(name) for name in LABELS},
            "created_at": _iso(ticket.created_at or received_at),
            "received_at": _iso(received_at),
        },
        "decisions": content["decisions"],
        "placement": content["placement"],
        "decision": str(entry.id),
        "model": entry.bundle,
        "policy": entry.policy,
        "changed": False,
    }


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
