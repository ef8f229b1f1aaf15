"""What the API answers, as JSON."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, Field
from sqlalchemy import Row

from deskyard.audit import Deed
from deskyard.comparison import Comparison
from deskyard.desk.agents import Agent
from deskyard.desk.comments import Comment
from deskyard.desk.journey import Actor, ActorKind, Step
from deskyard.desk.queues import Queue
from deskyard.desk.tickets import Filed, Status
from deskyard.foreign.connections import StoreConnection
from deskyard.journal import Entry
from deskyard.policies import Version
from deskyard.taxonomy import Turn, of
from deskyard.ticket import Target

if TYPE_CHECKING:
    from deskyard.bundle import Bundle


class Share(BaseModel):
    """A label and how probable it is."""

    label: str
    confidence: float


class Why(BaseModel):
    """A reason: `code` for programs, `text` for people."""

    code: str
    text: str


class Decided(BaseModel):
    """What is done for one target."""

    label: str | None
    confidence: float
    action: Literal["route", "suggest", "leave"]
    top: list[Share]
    reasons: list[Why]


class Placed(BaseModel):
    """The queue, and why this one."""

    queue: str
    reason: Why


class Receipt(BaseModel):
    """A ticket as it was placed. `category`, `priority` and `assignee` are null until somebody is sure."""

    id: str
    source: str
    external_id: str | None
    queue: str
    category: str | None
    priority: str | None
    assignee: str | None
    created_at: datetime
    received_at: datetime


class Brief(Receipt):
    """A ticket of the desk as it is now, without its texts. `version` counts its changes."""

    status: Status
    updated_at: datetime
    version: int

    @classmethod
    def of(cls, filed: Filed) -> "Brief":
        """As it is now."""
        return cls(**_brief(filed))


def _brief(filed: Filed) -> dict[str, Any]:
    return {
        "id": str(filed.id),
        "source": filed.ticket.source,
        "external_id": filed.external_id,
        "queue": filed.queue,
        "category": filed.category,
        "priority": filed.priority,
        "assignee": filed.assignee,
        "created_at": filed.ticket.created_at,
        "received_at": filed.received_at,
        "status": filed.status,
        "updated_at": filed.updated_at,
        "version": filed.version,
    }


class Answer(BaseModel):
    """What the sender of a ticket is told, each time the same; `model` and `policy` are digests.

    `changed` is true when the ticket was here before and is sent with other content, which changes nothing.
    """

    ticket: Receipt
    decisions: dict[str, Decided]
    placement: Placed
    decision: str
    model: str | None
    policy: str
    changed: bool


class Who(BaseModel):
    """Who did it: a person, a machine, or a rule of the desk."""

    kind: ActorKind
    name: str

    @classmethod
    def of(cls, actor: Actor) -> "Who":
        """The same, for JSON."""
        return cls(kind=actor.kind, name=actor.name)


class Event(BaseModel):
    """One change of one field of a ticket; `decision` is the number of the decision behind it, if there is one."""

    at: datetime
    actor: Who
    field: str
    was: str | None = Field(alias="from")
    became: str | None = Field(alias="to")
    why: str
    decision: str | None

    @classmethod
    def of(cls, step: Step) -> "Event":
        """The same, for JSON."""
        said = {"at": step.at, "actor": Who.of(step.actor), "field": step.field, "from": step.was, "to": step.became}
        decision = None if step.decision is None else str(step.decision)
        return cls.model_validate({**said, "why": step.why, "decision": decision})


class Said(BaseModel):
    """A comment: public ones are for the requester too, internal ones for the desk only; shared ones for others too."""

    id: str
    at: datetime
    actor: Who
    public: bool
    shared: bool
    text: str

    @classmethod
    def of(cls, comment: Comment) -> "Said":
        """The same, for JSON."""
        return cls(
            id=str(comment.id),
            at=comment.at,
            actor=Who.of(comment.actor),
            public=comment.public,
            shared=comment.shared,
            text=comment.text,
        )


class Whole(Brief):
    """A ticket as it is now, with its texts, what was decided when it came, what happened and what was said since.

    From `erased_at` on, its texts and whoever wrote them are gone.
    """

    subject: str
    body: str
    channel: str
    language: str
    requester: str
    organisation: str
    fields: dict[str, str]
    erased_at: datetime | None
    decisions: dict[str, Decided]
    placement: Placed | None
    decision: str | None
    model: str | None
    policy: str | None
    journey: list[Event]
    comments: list[Said]

    @classmethod
    def told(cls, filed: Filed, entry: Entry | None, journey: Sequence[Step], said: Sequence[Comment]) -> "Whole":
        """Put together from the desk and the journal."""
        ticket = filed.ticket
        return cls(
            **_brief(filed),
            subject=ticket.subject,
            body=ticket.body,
            channel=ticket.channel,
            language=ticket.language,
            requester=ticket.requester,
            organisation=ticket.organisation,
            fields=dict(ticket.fields),
            erased_at=filed.erased_at,
            decisions=entry.content["decisions"] if entry else {},
            placement=entry.content["placement"] if entry else None,
            decision=str(entry.id) if entry else None,
            model=entry.bundle if entry else None,
            policy=entry.policy if entry else None,
            journey=[Event.of(step) for step in journey],
            comments=[Said.of(comment) for comment in said],
        )


class Decision(BaseModel):
    """A decision as the journal keeps it: what was done, and all that it hung on.

    `ticket_hash` is the HMAC-SHA-256 of the ticket as it was then, under a key that is erased with its texts;
    `catalogue` what the desk had of the queues and agents that it asked about; `set` the values the ticket got.
    """

    id: str
    at: datetime
    ticket: str
    ticket_hash: str
    decisions: dict[str, Decided]
    placement: Placed
    set: dict[str, str]
    catalogue: dict[str, Any]
    model: str | None
    policy: str | None

    @classmethod
    def of(cls, entry: Entry) -> "Decision":
        """The same, for JSON."""
        return cls(
            id=str(entry.id),
            at=entry.at,
            ticket=str(entry.ticket_id),
            ticket_hash=entry.ticket_hash,
            model=entry.bundle,
            policy=entry.policy,
            **entry.content,
        )


class Word(BaseModel):
    """A word of the ticket, or a field's value, and what it adds for the label (below 0: against it), in log-odds."""

    word: str
    weight: float


class FlipTold(BaseModel):
    """Without `words` (wherever they stand in the ticket) `label` would be the most probable; none can be left out."""

    words: list[str]
    label: str


class Because(BaseModel):
    """Why `label` and not `against`, the second best, in log-odds: each word's part, and each head's.

    `base` and the words add up to the head "linear"; the heads add up to the log-odds of the belief. `flip` is null
    where no few words decide.
    """

    label: str
    against: str
    words: list[Word]
    base: float
    heads: dict[str, float]
    flip: FlipTold | None


class SimilarTicket(BaseModel):
    """A past ticket that the model learnt from, its similarity (0 to 1), and what people decided on it."""

    id: str
    similarity: float
    labels: dict[str, str]


class Score(BaseModel):
    """What would be done with one ticket; with `explain=1` also why, and similar past tickets, nearest first."""

    decisions: dict[str, Decided]
    placement: Placed
    because: dict[str, Because] | None = None
    similar: list[SimilarTicket] | None = None


class Scores(BaseModel):
    """One score a ticket, in the order of the request."""

    items: list[Score]
    model: str | None
    policy: str


class QueueSeen(BaseModel):
    """A queue of the desk; the defaults are what a ticket gets there unless somebody says otherwise."""

    name: str
    description: str
    open: bool
    default_priority: str | None
    default_assignee: str | None
    created_at: datetime

    @classmethod
    def of(cls, queue: Queue) -> "QueueSeen":
        """As it is now."""
        return cls.model_validate(queue, from_attributes=True)


class AgentSeen(BaseModel):
    """Somebody who takes tickets of `queues`, while `present`."""

    name: str
    present: bool
    queues: list[str]
    created_at: datetime

    @classmethod
    def of(cls, agent: Agent) -> "AgentSeen":
        """As now."""
        return cls(name=agent.name, present=agent.present, queues=list(agent.queues), created_at=agent.created_at)


class Agents(BaseModel):
    """A page of agents; `next_cursor` continues the list and is null at its end."""

    items: list[AgentSeen]
    next_cursor: str | None


class Queues(BaseModel):
    """A page of queues; `next_cursor` continues the list and is null at its end."""

    items: list[QueueSeen]
    next_cursor: str | None


class Tickets(BaseModel):
    """A page of tickets; `next_cursor` continues the list and is null at its end."""

    items: list[Brief]
    next_cursor: str | None


class ModelSeen(BaseModel):
    """The model in use."""

    name: str
    digest: str
    targets: list[str]


class ModelCard(ModelSeen):
    """The model in use with its card: what it learnt from, and how well it was judged. `made`: when and where."""

    card: dict[str, Any]
    made: dict[str, Any]

    @classmethod
    def of(cls, bundle: "Bundle") -> "ModelCard":
        """The same, for JSON."""
        seen = {"name": bundle.name, "digest": bundle.digest, "targets": list(bundle.targets)}
        return cls.model_validate({**seen, "card": bundle.card, "made": bundle.made})


class BundleSeen(BaseModel):
    """A bundle in the folder of models. `at`: when it was trained ("" where nobody said); `trouble`: why it can't be
    read."""

    name: str
    digest: str
    at: str
    targets: list[Target]
    state: Literal["in use", "challenger", "kept", "broken"]
    trouble: str


class BundlesSeen(BaseModel):
    """All bundles, the newest first."""

    items: list[BundleSeen]


class ComparisonSeen(BaseModel):
    """Two models on the same tickets; `promote`: the second has earned the first one's place, `verdict` says why."""

    promote: bool
    verdict: str
    comparison: Comparison

    @classmethod
    def of(cls, found: Comparison | None) -> "ComparisonSeen | None":
        """The same, for JSON."""
        return cls(promote=found.promote, verdict=found.verdict, comparison=found) if found else None


class ChallengerSeen(BaseModel):
    """The model that is asked about each new ticket beside the one in use, since when, and about how many (`asked`).
    `past`: as they were compared on tickets that neither had learnt from; `live`: by what people made of new ones."""

    name: str
    digest: str
    since: datetime
    actor: str
    asked: int
    past: ComparisonSeen | None
    live: ComparisonSeen | None


class ChallengerNamed(BaseModel):
    """A bundle by its name, as `GET /v1/models` lists it."""

    name: str = Field(min_length=1, max_length=255)


class WishSeen(BaseModel):
    """Why a retraining is or was wanted, and what came of it: a bundle's name and a sentence."""

    model_config = {"from_attributes": True}

    at: datetime
    why: Literal["schedule", "corrections", "drift", "person"]
    text: str
    begun_at: datetime | None
    ended_at: datetime | None
    bundle: str
    outcome: str


class RetrainingSeen(BaseModel):
    """What is wanted and has not ended, the retraining that ended last, and whether a training is under way in this
    home."""

    wanted: list[WishSeen]
    last: WishSeen | None
    running: bool


class PolicySeen(BaseModel):
    """A version of the policy. `text` is its TOML; number 0 is the one of a fresh install, which nobody wrote."""

    number: int
    digest: str
    at: datetime | None
    actor: str
    text: str

    @classmethod
    def of(cls, version: Version) -> "PolicySeen":
        """The same, for JSON."""
        return cls(
            number=version.number,
            digest=version.policy.digest,
            at=version.at,
            actor=version.actor,
            text=version.text,
        )


class PolicyVersions(BaseModel):
    """The newest versions, newest first."""

    items: list[PolicySeen]


class TurnAsked(BaseModel):
    """A turn of the taxonomy, as the policy's TOML writes it: one of `rename`, `merge`, `split`, `retire`, and what it
    becomes. `on`: the day (UTC) from which it holds; today where none is said."""

    model_config = {"extra": "forbid"}

    on: date | None = None
    target: str
    rename: str | None = None
    merge: list[str] | None = None
    split: str | None = None
    retire: str | None = None
    to: str | list[str] | None = None
    why: str = Field(default="", max_length=1000, description="Why, for the audit log.")

    def turn(self, today: date) -> Turn:
        """The turn that is meant. Raises BadInput where it says none."""
        said = self.model_dump(mode="json", exclude_none=True, exclude={"why"})
        return of({"on": today.isoformat(), **said})


class TurnSeen(BaseModel):
    """A turn of the taxonomy: from the day `on`, `labels` of a target are `to` (nothing where they are retired)."""

    on: date
    target: str
    kind: Literal["rename", "merge", "split", "retire"]
    labels: list[str]
    to: list[str]

    @classmethod
    def of(cls, turn: Turn) -> "TurnSeen":
        """The same, for JSON."""
        return cls(on=turn.on, target=turn.target, kind=turn.kind, labels=list(turn.labels), to=list(turn.to))


class TaskSeen(BaseModel):
    """What a split leaves to people: the newest tickets that still bear the old label (those the caller may see), how
    many do, and how often people have chosen each of the new ones since."""

    turn: TurnSeen
    tickets: list[str]
    waiting: int
    chosen: dict[str, int]


class TaxonomySeen(BaseModel):
    """The turns, in the order of their days, and what splits leave to people."""

    turns: list[TurnSeen]
    tasks: list[TaskSeen]


class GoalSeen(BaseModel, from_attributes=True):
    """A label (null: the whole target) that would be routed if `lacking` more tickets of it were labelled; `weekly` of
    it come. `weeks`: when that is reached, the goals before it done first; null: never at this rate."""

    target: Target
    label: str | None
    lacking: int
    weekly: float
    weeks: int | None


class LabelWanted(BaseModel):
    """A ticket to label, or to look at once more: what stands ("": nothing), what the model thinks and how sure it was
    before anybody had spoken, and whose contract it helps."""

    ticket: int
    target: Target
    stands: str
    thinks: str
    confidence: float
    why: Literal["wanted", "doubtful"]
    helps: str
    subject: str
    body: str


class LabelsSeen(BaseModel):
    """What people should label: goals and tickets, the most useful first; labels that look wrong, the surest first."""

    per_week: int
    goals: list[GoalSeen]
    wanted: list[LabelWanted]
    doubtful: list[LabelWanted]


class Alive(BaseModel):
    """The process runs."""

    status: Literal["alive"] = "alive"


class Ready(BaseModel):
    """Tickets can be taken. Without a model they all go to triage, and `why` says why."""

    status: Literal["ready"] = "ready"
    model: ModelSeen | None
    why: str | None


class DeedSeen(BaseModel):
    """Something that somebody did; `subject` is what it was done to."""

    id: str
    at: datetime
    actor: Who
    deed: str
    subject: str

    @classmethod
    def of(cls, deed: Deed) -> "DeedSeen":
        """The same, for JSON."""
        return cls(id=str(deed.id), at=deed.at, actor=Who.of(deed.actor), deed=deed.deed, subject=deed.subject)


class Audit(BaseModel):
    """A page of deeds, newest first; `next_cursor` continues the list and is null at its end."""

    items: list[DeedSeen]
    next_cursor: str | None


class Heard(BaseModel):
    """What a webhook told: its events, and those that are not our own writing coming back."""

    events: int
    news: int


class StoreSeen(BaseModel):
    """A foreign help desk or mailbox. `trouble`: what went wrong last; `hold_until`: it asked not to be called before.

    `deliveries`: how many are waiting, working, done and parked.
    """

    name: str
    kind: str
    place: str
    since: datetime
    intake: list[str]
    pulled_at: datetime | None
    held_until: datetime | None
    trouble: str | None
    deliveries: dict[str, int]

    @classmethod
    def of(cls, connection: StoreConnection, counted: dict[str, int]) -> "StoreSeen":
        """As now."""
        return cls(
            name=connection.name,
            kind=connection.kind,
            place=connection.place,
            since=connection.since,
            intake=list(connection.intake),
            pulled_at=connection.pulled_at,
            held_until=connection.held_until,
            trouble=connection.trouble or None,
            deliveries=counted,
        )


class Stores(BaseModel):
    """All connections, oldest first; `works`: this process delivers."""

    items: list[StoreSeen]
    works: bool


class DeliverySeen(BaseModel):
    """What is to be written into a foreign ticket, and what became of it. `why`: field → reason, where not all went
    well."""

    id: str
    store: str
    ticket: str
    external_id: str
    decision: str
    set: dict[str, str | None]
    state: Literal["waiting", "working", "done", "parked"]
    result: str | None
    why: dict[str, str]
    tries: int
    due_at: datetime
    created_at: datetime
    ended_at: datetime | None

    @classmethod
    def of(cls, row: Row[Any], store: str) -> "DeliverySeen":
        """As now."""
        return cls(
            id=str(row.id),
            store=store,
            ticket=str(row.ticket_id),
            external_id=row.ref,
            decision=str(row.decision),
            set=row.wanted,
            state=row.state,
            result=row.result or None,
            why=row.why,
            tries=row.tries,
            due_at=row.due_at,
            created_at=row.created_at,
            ended_at=row.ended_at,
        )


class Deliveries(BaseModel):
    """A page of deliveries, oldest first; `next_cursor` continues the list and is null at its end."""

    items: list[DeliverySeen]
    next_cursor: str | None
