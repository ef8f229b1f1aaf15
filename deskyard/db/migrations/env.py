"""What Alembic runs: our tables only, on the connection and in the transaction that `deskyard.db.database` opened."""

from alembic import context

from deskyard.db.tables import METADATA
from deskyard.db.tables.base import PREFIXES


def is_our_table(_object: object, name: str | None, kind: str, _reflected: bool, _compare_to: object) -> bool:
    """Whether Alembic may look at it: tables of other owners share the database and are not ours to change."""
    return kind != "table" or (name or "").startswith(PREFIXES)


def run() -> None:
    """Bring the connection handed over in `attributes` to the asked revision."""
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=METADATA,
        include_object=is_our_table,
        render_as_batch=True,
        version_table="desk_alembic_version",
    )
    with context.begin_transaction():
        context.run_migrations()


if hasattr(context, "config"):  # only while Alembic runs; the tests and their doctests import every module
    run()
