"""Tables as SQLAlchemy sees them: the built-in desk, the journal, policies, the model in use, who may come in, and what
is kept of foreign help desks.

SQLite by default, PostgreSQL for many machines, so nothing here is known to one of them only. Rows change through
`deskyard.desk`, `deskyard.journal`, `deskyard.policies`, `deskyard.active_model`, `deskyard.challengers`,
`deskyard.wanted`, `deskyard.access`, `deskyard.foreign` and `deskyard.accuracy`; the shape changes through
`deskyard.migrations`.
"""

import re
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeEngine

PREFIXES: Final = (
    "desk_", "journal_", "policy_", "active_", "access_", "store_", "notice_", "engine_", "report_", "learning_",
)  # fmt: skip
"""Our tables begin like this; any other table in the database belongs to somebody else."""

_NOT_STORABLE: Final = re.compile("[\x00\ud800-\udfff]")


def storable(text: str) -> str:
    r"""The text as every database keeps it: NUL and lone surrogates become U+FFFD, the rest stays as it is.

    PostgreSQL refuses both, and UTF-8 has no bytes for a lone surrogate, yet JSON may carry them.

    >>> storable("a\x00b\ud800c") == "a\ufffdb\ufffdc", storable("Почта 📧")
    (True, 'Почта 📧')
    """
    return _NOT_STORABLE.sub("\ufffd", text)


class Moment(TypeDecorator[datetime]):
    """A moment with its time zone, kept in UTC; in SQLite as ISO 8601 text that sorts by time.

    A datetime without a zone is refused with ValueError: nobody could say which moment it is.
    """

    impl = String(32)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """PostgreSQL has a type for it."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(DateTime(timezone=True))
        return dialect.type_descriptor(String(32))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """To UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        utc = value.astimezone(UTC)
        return utc if dialect.name == "postgresql" else utc.isoformat(timespec="microseconds")

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """From UTC."""
        if value is None:
            return None
        return (value if isinstance(value, datetime) else datetime.fromisoformat(value)).astimezone(UTC)


ROW_ID: Final = BigInteger().with_variant(Integer(), "sqlite")
"""SQLite counts rows by itself only in a column that is called INTEGER."""

_NUMBERED: Final = {"sqlite_autoincrement": True}
"""A number is never given twice, not even after the last row was deleted."""


class Base(DeclarativeBase):
    """The tables of deskyard, with names for every constraint (a migration can only change what has a name)."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - the name and kind that SQLAlchemy looks for
        str: Text(),
        int: ROW_ID,
        datetime: Moment(),
        dict[str, str]: JSON(),
        dict[str, str | None]: JSON(),
        list[str]: JSON(),
    }


class QueueRow(Base):
    """A queue of the built-in desk. A closed queue takes no new tickets."""

    __tablename__ = "desk_queues"
    __table_args__ = (UniqueConstraint("name"), _NUMBERED)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    description: Mapped[str] = mapped_column(default="")
    open: Mapped[bool] = mapped_column(default=True)
    default_priority: Mapped[str | None]
    default_assignee: Mapped[str | None]
    created_at: Mapped[datetime]


class AgentRow(Base):
    """Somebody who takes tickets. Nothing new is given to an agent who is not present."""

    __tablename__ = "desk_agents"
    __table_args__ = (UniqueConstraint("name"), _NUMBERED)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    present: Mapped[bool]
    created_at: Mapped[datetime]


class ServiceRow(Base):
    """An agent serves a queue."""

    __tablename__ = "desk_service"

    agent_id: Mapped[int] = mapped_column(ForeignKey("desk_agents.id"), primary_key=True)
    queue_id: Mapped[int] = mapped_column(ForeignKey("desk_queues.id"), primary_key=True)


class TicketRow(Base):
    """A ticket of the built-in desk: in exactly one queue at every moment, by construction.

    (`source`, `external_id`) is unique, and so is (`source`, `key`); a ticket with neither is always a new one.
    `version` counts its changes. `salt` is the key of its hashes in the journal, and goes with its texts (`erased_at`).
    """

    __tablename__ = "desk_tickets"
    __table_args__ = (
        UniqueConstraint("source", "external_id"),
        Index(None, "source", "key", unique=True),
        Index(None, "queue_id", "id"),
        Index(None, "updated_at", "id"),
        Index(None, "status", "queue_id", "received_at"),
        Index(None, "received_at"),
        Index(None, "requester", "id"),
        _NUMBERED,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int]
    source: Mapped[str]
    external_id: Mapped[str | None]
    key: Mapped[str | None]
    subject: Mapped[str]
    body: Mapped[str]
    channel: Mapped[str]
    language: Mapped[str]
    requester: Mapped[str]
    organisation: Mapped[str]
    fields: Mapped[dict[str, str]]
    created_at: Mapped[datetime]
    received_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    queue_id: Mapped[int] = mapped_column(ForeignKey("desk_queues.id"))
    category: Mapped[str | None]
    priority: Mapped[str | None]
    assignee: Mapped[str | None]
    status: Mapped[str]
    salt: Mapped[str] = mapped_column(default="", server_default="")
    erased_at: Mapped[datetime | None]


class CommentRow(Base):
    """What somebody said about a ticket: to its requester too (`public`), or to the desk only. Only ever added to.

    `shared`: a public answer that may be shown to whoever asks something like it.
    """

    __tablename__ = "desk_comments"
    __table_args__ = (
        Index(None, "ticket_id", "id"),
        Index(None, "ticket_id", "key", unique=True),
        Index("ix_desk_comments_shared", "id", sqlite_where=text("shared"), postgresql_where=text("shared")),
        _NUMBERED,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("desk_tickets.id"))
    at: Mapped[datetime]
    actor_kind: Mapped[str]
    actor: Mapped[str]
    public: Mapped[bool]
    text: Mapped[str]
    key: Mapped[str | None]
    shared: Mapped[bool] = mapped_column(default=False, server_default=false())


class JourneyRow(Base):
    """One change of one field of a ticket: who, when, from what, to what, why. Only ever added to.

    `decision`: the journal's number of the decision that made it; `undoes`: of the decision that it takes back.
    """

    __tablename__ = "desk_journey"
    __table_args__ = (Index(None, "ticket_id", "id"), _NUMBERED)

    id: Mapped[int] = mapped_column(primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("desk_tickets.id"))
    at: Mapped[datetime]
    actor_kind: Mapped[str]
    actor: Mapped[str]
    field: Mapped[str]
    was: Mapped[str | None]
    became: Mapped[str | None]
    why: Mapped[str]
    decision: Mapped[int | None]
    undoes: Mapped[int | None]


class EntryRow(Base):
    """One entry of the journal. `ticket_id` is no foreign key: what happened stays when a ticket is erased."""

    __tablename__ = "journal_entries"
    __table_args__ = (Index(None, "ticket_id", "id"), Index(None, "kind", "at"), _NUMBERED)

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    kind: Mapped[str]
    ticket_id: Mapped[int]
    ticket_hash: Mapped[str]
    bundle: Mapped[str | None]
    policy: Mapped[str | None]
    content: Mapped[str]


class PolicyRow(Base):
    """One version of the policy, as TOML; the newest is in force. Only ever added to."""

    __tablename__ = "policy_versions"
    __table_args__ = (_NUMBERED,)

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str]
    digest: Mapped[str]
    text: Mapped[str]


class TripRow(Base):
    """The circuit breaker took a label out: at which ticket, how many of how many tickets were wrong since the
    suspicion began, what was promised, and by which model. It is over when `closed_at`; `closed_ticket` is the newest
    ticket of that moment, and only newer ones count from then on."""

    __tablename__ = "policy_trips"
    __table_args__ = (Index(None, "target", "label"), _NUMBERED)

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    target: Mapped[str]
    label: Mapped[str]
    ticket_id: Mapped[int]
    wrong: Mapped[int]
    of: Mapped[int]
    promised: Mapped[float]
    bundle: Mapped[str]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None]
    closed_ticket: Mapped[int | None]


class ActiveModelRow(Base):
    """The model put in use at a moment; the newest is in use. Only ever added to."""

    __tablename__ = "active_model"
    __table_args__ = (_NUMBERED,)

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str]
    name: Mapped[str]
    digest: Mapped[str]


class ChallengerRow(Base):
    """The bundle named as challenger at a moment; the newest counts, one without a name ends it.

    `read_to`: the journal's entry up to which it has been asked about new tickets.
    """

    __tablename__ = "learning_challengers"
    __table_args__ = (_NUMBERED,)

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str]
    name: Mapped[str]
    digest: Mapped[str]
    read_to: Mapped[int]


class ShadowRow(Base):
    """What a challenger said of one target of a new ticket, and the model in use; nothing was done about it.

    `champion` is the digest of the model in use, `said` and `ours` are labels, and `..._routed` tells whether a
    contract would have let it be set.
    """

    __tablename__ = "learning_answers"

    digest: Mapped[str] = mapped_column(primary_key=True)
    ticket_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    target: Mapped[str] = mapped_column(primary_key=True)
    champion: Mapped[str]
    at: Mapped[datetime]
    said: Mapped[str]
    said_routed: Mapped[bool]
    ours: Mapped[str]
    ours_routed: Mapped[bool]


class WishRow(Base):
    """Why a retraining is wanted, and what came of it. `held` is `why` until it ended: one reason is wanted once."""

    __tablename__ = "learning_wishes"
    __table_args__ = (UniqueConstraint("held"), _NUMBERED)

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    why: Mapped[str]
    text: Mapped[str]
    held: Mapped[str | None]
    begun_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    bundle: Mapped[str]
    outcome: Mapped[str]


class KeyRow(Base):
    """A key to the service: what it may do, and the SHA-256 of the secret, which itself is kept nowhere."""

    __tablename__ = "access_keys"
    __table_args__ = (UniqueConstraint("name"), UniqueConstraint("sha256"), _NUMBERED)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    role: Mapped[str]
    sha256: Mapped[str]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    revoked_at: Mapped[datetime | None]


class UserRow(Base):
    """Somebody who signs in to the pages.

    `password` is an argon2 hash (scrypt for those who have not signed in since version 0.1), empty for who signs in
    elsewhere; `totp` the key of the second factor. `queues`: those whose tickets may be seen, all if empty.
    """

    __tablename__ = "access_users"
    __table_args__ = (UniqueConstraint("name"), _NUMBERED)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    role: Mapped[str]
    password: Mapped[str]
    totp: Mapped[str | None]
    totp_used: Mapped[int] = mapped_column(default=0)
    queues: Mapped[list[str]]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    disabled_at: Mapped[datetime | None]


class SessionRow(Base):
    """A browser in which somebody is signed in: the SHA-256 of its cookie, and when it was last heard of."""

    __tablename__ = "access_sessions"
    __table_args__ = (UniqueConstraint("sha256"), Index(None, "user_id"), _NUMBERED)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("access_users.id"))
    sha256: Mapped[str]
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]


class InvitationRow(Base):
    """A word that lets whoever shows it make the first user: its SHA-256, and until when."""

    __tablename__ = "access_invitations"
    __table_args__ = (UniqueConstraint("sha256"), _NUMBERED)

    id: Mapped[int] = mapped_column(primary_key=True)
    sha256: Mapped[str]
    until: Mapped[datetime]


class LeaseRow(Base):
    """Somebody looks at a ticket on the review desk, and until when nobody else is shown it."""

    __tablename__ = "desk_leases"

    ticket_id: Mapped[int] = mapped_column(ForeignKey("desk_tickets.id"), primary_key=True, autoincrement=False)
    holder: Mapped[str]
    until: Mapped[datetime]


class BlindRow(Base):
    """A routed ticket that a person sorts without the machine's answer, to measure how often it is right.

    `decision`: the journal's entry. `answer`: the queue that the person chose, once somebody did.
    """

    __tablename__ = "desk_blind"
    __table_args__ = (Index(None, "answered_at"),)

    ticket_id: Mapped[int] = mapped_column(ForeignKey("desk_tickets.id"), primary_key=True, autoincrement=False)
    decision: Mapped[int]
    at: Mapped[datetime]
    answer: Mapped[str | None]
    answered_by: Mapped[str | None]
    answered_at: Mapped[datetime | None]


class StatusLinkRow(Base):
    """The secret address at which a requester sees how a ticket stands, as its SHA-256; and what they thought of it.

    `stars`: 1 to 5, None until they rate it.
    """

    __tablename__ = "desk_status_links"
    __table_args__ = (UniqueConstraint("sha256"),)

    ticket_id: Mapped[int] = mapped_column(ForeignKey("desk_tickets.id"), primary_key=True, autoincrement=False)
    sha256: Mapped[str]
    created_at: Mapped[datetime]
    stars: Mapped[int | None]
    said: Mapped[str]
    rated_at: Mapped[datetime | None]


class AuditRow(Base):
    """Somebody did something that no ticket's journey tells: keys, policy, models, queues, agents. Only added to."""

    __tablename__ = "access_audit"
    __table_args__ = (_NUMBERED,)

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    actor_kind: Mapped[str]
    actor: Mapped[str]
    deed: Mapped[str]
    subject: Mapped[str]


class ConnectionRow(Base):
    """A foreign help desk or mailbox that deskyard works with. `place` is its URL without secrets.

    `active`: we work with it. `since`: tickets filed before are none of ours. `intake`: the queues we sort, all if
    empty. `cursor`: how far it was read. `held_until`: it asked not to be called before. `trouble`: what went wrong
    last, empty when all is well.
    """

    __tablename__ = "store_connections"
    __table_args__ = (UniqueConstraint("name"), _NUMBERED)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    kind: Mapped[str]
    place: Mapped[str]
    hook_sha256: Mapped[str | None]
    since: Mapped[datetime]
    intake: Mapped[list[str]]
    per_minute: Mapped[int | None]
    active: Mapped[bool]
    cursor: Mapped[str | None]
    held_until: Mapped[datetime | None]
    pulled_at: Mapped[datetime | None]
    trouble: Mapped[str]
    created_at: Mapped[datetime]


class MirrorRow(Base):
    """The desk's ticket that mirrors a foreign one: its name there, and when and at which version it was read last."""

    __tablename__ = "store_tickets"
    __table_args__ = (UniqueConstraint("connection_id", "ref"),)

    ticket_id: Mapped[int] = mapped_column(ForeignKey("desk_tickets.id"), primary_key=True, autoincrement=False)
    connection_id: Mapped[int] = mapped_column(ForeignKey("store_connections.id"))
    ref: Mapped[str]
    version: Mapped[str]
    read_at: Mapped[datetime]


class Outgoing:
    """What becomes of something that is to be done outside, once (`deskyard.foreign.outbox`).

    `state`: waiting, working, done, parked (for a person). `attempt` fences: only the worker that holds the newest may
    settle it. `tries` counts what failed. `begun`: something may have been done.
    """

    begun: Mapped[bool]
    state: Mapped[str]
    attempt: Mapped[int]
    tries: Mapped[int]
    worker: Mapped[str | None]
    due_at: Mapped[datetime]
    result: Mapped[str]
    why: Mapped[dict[str, str]]
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class DeliveryRow(Outgoing, Base):
    """What is to be written into a foreign ticket."""

    __tablename__ = "store_deliveries"
    __table_args__ = (
        UniqueConstraint("marker"),
        Index(None, "state", "due_at"),
        Index(None, "ticket_id"),
        Index(None, "connection_id", "id"),
        _NUMBERED,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("desk_tickets.id"))
    connection_id: Mapped[int] = mapped_column(ForeignKey("store_connections.id"))
    decision: Mapped[int]
    marker: Mapped[str]
    ref: Mapped[str]
    wanted: Mapped[dict[str, str | None]]
    expect: Mapped[dict[str, str | None]]
    note: Mapped[str]
    seen_version: Mapped[str]
    urgency: Mapped[int]


class NoticeTargetRow(Base):
    """Where people are told about tickets that reach their queues (all if `queues` is empty). No secrets in `place`."""

    __tablename__ = "notice_targets"
    __table_args__ = (UniqueConstraint("name"), _NUMBERED)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    place: Mapped[str]
    queues: Mapped[list[str]]
    language: Mapped[str]
    created_at: Mapped[datetime]


class NoticeRow(Outgoing, Base):
    """That a ticket reached a queue, or made the circuit breaker trip for it, to be told to one target."""

    __tablename__ = "notice_sendings"
    __table_args__ = (
        UniqueConstraint("target_id", "decision", "event", "queue"),
        Index(None, "state", "due_at"),
        _NUMBERED,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    target_id: Mapped[int] = mapped_column(ForeignKey("notice_targets.id"))
    ticket_id: Mapped[int]
    decision: Mapped[int]
    event: Mapped[str]
    queue: Mapped[str]


class ExecutorRow(Base):
    """A place for a process that does durable work: which process holds it, and when it was last heard of."""

    __tablename__ = "engine_executors"

    slot: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    process: Mapped[str]
    seen_at: Mapped[datetime]


class CountedRow(Base):
    """How far the journal is counted for the reports, in which time zone, and by which rules: one row, always there."""

    __tablename__ = "report_state"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    rules: Mapped[int]
    zone: Mapped[str]
    read_to: Mapped[int]
    at: Mapped[datetime | None]


class FactRow(Base):
    """What the journal says of a ticket, for reports. `day` and `hour`: when it came, in the desk's time zone.

    `placed`: the queue of the decision; `queue`: where it is now. `fate`: routed, suggested, left. `first_response` and
    `resolution` are seconds, `replies` public answers until it was solved; None: not yet. `moves` by people after it
    was sorted; `returned`: it came back to a queue it had left.
    """

    __tablename__ = "report_tickets"
    __table_args__ = (Index(None, "day", "hour"), Index(None, "solved", "assignee"))

    ticket_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    day: Mapped[str]
    hour: Mapped[int]
    source: Mapped[str]
    placed: Mapped[str]
    queue: Mapped[str]
    fate: Mapped[str]
    assignee: Mapped[str]
    solved: Mapped[bool]
    first_response: Mapped[int | None]
    replies: Mapped[int | None]
    resolution: Mapped[int | None]
    moves: Mapped[int]
    returned: Mapped[bool]


class AnswerRow(Base):
    """What the machine said of one target of a ticket, and what it was at the end.

    `truth` is empty until the ticket is solved with a value that a person stands behind. `place`: 1, 2, 3 where the
    truth stood among the machine's labels, 0 further down or nowhere, -1 not known yet. `heard` is what a person last
    chose, solved or not (empty: nobody spoke), and `agreed` whether the machine had said so.
    """

    __tablename__ = "report_answers"
    __table_args__ = (Index(None, "target", "day"), Index(None, "target", "fate", "ticket_id"))

    ticket_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    target: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[str]
    source: Mapped[str]
    placed: Mapped[str]
    queue: Mapped[str]
    fate: Mapped[str]
    said: Mapped[str]
    truth: Mapped[str]
    place: Mapped[int]
    heard: Mapped[str]
    agreed: Mapped[bool]


class MoveRow(Base):
    """A person moved a ticket from one queue to another after it had been sorted. `back`: it had been there before."""

    __tablename__ = "report_moves"
    __table_args__ = (Index(None, "day"),)

    ticket_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    n: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    day: Mapped[str]
    source: Mapped[str]
    placed: Mapped[str]
    queue: Mapped[str]
    was: Mapped[str]
    became: Mapped[str]
    back: Mapped[bool]


class DailyAnswersRow(Base):
    """A day's `report_answers` counted: all that are alike in one row."""

    __tablename__ = "report_daily_answers"
    __table_args__ = (Index(None, "target", "day"), _NUMBERED)

    id: Mapped[int] = mapped_column(primary_key=True)
    target: Mapped[str]
    day: Mapped[str]
    source: Mapped[str]
    placed: Mapped[str]
    queue: Mapped[str]
    fate: Mapped[str]
    said: Mapped[str]
    truth: Mapped[str]
    place: Mapped[int]
    n: Mapped[int]


class DailyTicketsRow(Base):
    """A day's `report_tickets` counted by hour: all that are alike in one row."""

    __tablename__ = "report_daily_tickets"
    __table_args__ = (Index(None, "day"), _NUMBERED)

    id: Mapped[int] = mapped_column(primary_key=True)
    day: Mapped[str]
    hour: Mapped[int]
    source: Mapped[str]
    placed: Mapped[str]
    queue: Mapped[str]
    fate: Mapped[str]
    solved: Mapped[bool]
    n: Mapped[int]
