"""A desk with its queues, on each kind of database."""

import pytest

from deskyard.desk import queues

HARD_NAME = "Поддержка/1-я линия % ?#"


@pytest.fixture
def database(database):
    with database.writing() as conn:
        queues.ensure_queues(conn, ["IT", HARD_NAME])
    return database
