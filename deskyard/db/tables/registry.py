"""Tables of the models in use: the champion, its challengers and their answers, and retraining requests."""

from typing import Final

from sqlalchemy import Boolean, Column, Table, Text, UniqueConstraint

from deskyard.db.tables.base import METADATA, ROW_ID, Moment

ACTIVE_MODELS: Final = Table(
    "active_model",
    METADATA,
    Column("id", ROW_ID, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("actor", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("digest", Text, nullable=False),
    sqlite_autoincrement=True,
)
"""An activation of a model; the newest one is in use. Rows are only added."""

CHALLENGERS: Final = Table(
    "learning_challengers",
    METADATA,
    Column("id", ROW_ID, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("actor", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("read_to", ROW_ID, nullable=False),
    sqlite_autoincrement=True,
)
"""A bundle named as challenger; the newest row counts, and one without a name ends it.

`read_to`: the journal's entry up to which it has predicted new tickets.
"""

SHADOW_ANSWERS: Final = Table(
    "learning_answers",
    METADATA,
    Column("digest", Text, primary_key=True),
    Column("ticket_id", ROW_ID, primary_key=True, autoincrement=False),
    Column("target", Text, primary_key=True),
    Column("champion", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("said", Text, nullable=False),
    Column("said_routed", Boolean, nullable=False),
    Column("ours", Text, nullable=False),
    Column("ours_routed", Boolean, nullable=False),
)
"""The predictions of a challenger and of the model in use for one target of a new ticket; they are only kept.

`champion` is the digest of the model in use, `said` and `ours` are the labels, and `..._routed` says whether the
contract allowed to route it.
"""

RETRAINING_REQUESTS: Final = Table(
    "learning_wishes",
    METADATA,
    Column("id", ROW_ID, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("why", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("held", Text),
    Column("begun_at", Moment),
    Column("ended_at", Moment),
    Column("bundle", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    UniqueConstraint("held"),
    sqlite_autoincrement=True,
)
"""A request to retrain, and its result.

`held` equals `why` until the request has ended, and it is unique: no reason is requested twice at the same time.
"""
