"""The tables as they are declared."""

import pytest
from sqlalchemy import Table

from deskyard.db import tables
from deskyard.db.tables.base import METADATA, PREFIXES

DECLARED = [
    value for owner in tables.__all__ for value in vars(getattr(tables, owner)).values() if type(value) is Table
]


def test_every_table_is_declared_once():
    assert len(DECLARED) > 30
    assert sorted(table.name for table in DECLARED) == sorted(METADATA.tables)


@pytest.mark.parametrize("table", DECLARED, ids=lambda table: table.name)
def test_every_table_begins_with_a_prefix_of_ours_and_names_all_its_constraints(table):
    assert table.name.startswith(PREFIXES)
    assert all(constraint.name for constraint in table.constraints)
    assert all(index.name for index in table.indexes)
