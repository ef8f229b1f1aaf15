"""Tables: the built-in desk (`desk_*`), the journal (`journal_*`) and policies (`policy_*`), as SQLAlchemy sees them.

SQLite by default, PostgreSQL for many machines, so nothing here is known to one of them only. Rows change through
`deskyard.stores.desk` and `deskyard.journal`; the shape changes through `deskyard.migrations`.
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
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeEngine

PREFIXES: Final = ("desk_", "journal_", "policy_")
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
    }


class QueueRow(Base):
    """A queue of the built-in desk. A closed queue takes no new tickets."""

    __tablename__ = "desk_queues"
    __table_args__ = (UniqueConstraint("name"), _NUMBERED)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    description: Mapped[str] = mapped_column(default="")
    open: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]


class TicketRow(Base):
    """A ticket of the built-in desk: in exactly one queue at every moment, by construction.

    (`source`, `external_id`) is unique; a ticket without an external id is always a new one.
    """

    __tablename__ = "desk_tickets"
    __table_args__ = (
        UniqueConstraint("source", "external_id"),
        Index(None, "queue_id", "id"),
        _NUMBERED,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[str]
    external_id: Mapped[str | None]
    subject: Mapped[str]
    body: Mapped[str]
    channel: Mapped[str]
    language: Mapped[str]
    requester: Mapped[str]
    organisation: Mapped[str]
    fields: Mapped[dict[str, str]]
    created_at: Mapped[datetime]
    received_at: Mapped[datetime]
    queue_id: Mapped[int] = mapped_column(ForeignKey("desk_queues.id"))
    category: Mapped[str | None]
    priority: Mapped[str | None]
    assignee: Mapped[str | None]


class JourneyRow(Base):
    """One change of one field of a ticket: who, when, from what, to what, why. Only ever added to."""

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


class EntryRow(Base):
    """One entry of the journal. `ticket_id` is no foreign key: what happened stays when a ticket is erased."""

    __tablename__ = "journal_entries"
    __table_args__ = (Index(None, "ticket_id", "id"), _NUMBERED)

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
