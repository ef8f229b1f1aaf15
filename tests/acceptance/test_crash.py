"""A killed service has stored every accepted ticket once, and gives the same answer again."""

import random
import shutil
import threading
from collections import Counter
from datetime import UTC, datetime

import pytest
from sqlalchemy import create_engine, text

from deskyard.db.database import open_database
from deskyard.domain.actors import Actor
from deskyard.policy.policy import Mode, Policy
from deskyard.policy.versions import Policies
from deskyard.registry import promotion

CLIENTS = 8
KILLS = 3
WORDS = (
    "the vpn client drops the connection and the laptop is offline",
    "the invoice shows a wrong amount, please refund the payment",
    "прошу согласовать отпуск и больничный лист",
    "???",
)


def body(number):
    return {"source": "test", "external_id": str(number), "subject": WORDS[number % len(WORDS)]}


@pytest.fixture
def home_folder(tmp_path, champion, database_url):
    """A home folder with a model that routes."""
    shutil.copytree(champion / "models", tmp_path / "models")
    database = open_database(database_url)
    promotion.promote(database, tmp_path / "models", "tiny", Actor("person", "ann"))
    with database.writing() as conn:
        Policies.add_version(conn, Policy(mode=Mode.ROUTE), "ann", datetime.now(UTC))
    database.close()
    return tmp_path


def counted(url, query):
    engine = create_engine(url)
    with engine.connect() as connection:
        found = [tuple(row) for row in connection.execute(text(query))]
    engine.dispose()
    return found


@pytest.mark.parametrize("sent", [250, pytest.param(1_000, marks=pytest.mark.scale)])
def test_a_server_killed_three_times_loses_nothing_it_accepted_and_doubles_nothing(
    serve, send, home_folder, database_url, sent
):
    server = serve(home_folder, database=database_url)
    port, answers, moments = (
        server.port,
        {},
        sorted(random.Random(7).sample(range(sent // 20, sent - sent // 20), KILLS)),
    )
    grown = threading.Condition()

    def client(start):
        for number in range(start, sent, CLIENTS):
            answer = send(port, body(number), 60)
            with grown:
                answers[number] = answer
                grown.notify()

    clients = [threading.Thread(target=client, args=(start,)) for start in range(CLIENTS)]
    for thread in clients:
        thread.start()
    for moment in moments:
        with grown:
            assert grown.wait_for(lambda moment=moment: len(answers) >= moment, 240)
        server.kill()
        server = serve(home_folder, port, database_url)
    for thread in clients:
        thread.join()
    again = {number: send(port, body(number)) for number in random.Random(8).sample(range(sent), sent // 5)}
    server.stop()

    assert {status for status, _ in answers.values()} <= {200, 201}
    assert len({answer["ticket"]["id"] for _, answer in answers.values()}) == sent
    assert again == {number: (200, answers[number][1]) for number in again}
    queues = Counter(answer["ticket"]["queue"] for _, answer in answers.values())
    assert len(queues) == 4
    by_queue = "SELECT q.name, count(*) FROM desk_tickets t JOIN desk_queues q ON q.id = t.queue_id GROUP BY q.name"
    assert dict(counted(database_url, by_queue)) == queues
    assert counted(database_url, "SELECT count(*), count(DISTINCT external_id) FROM desk_tickets") == [(sent, sent)]
    moves = "SELECT count(*), count(DISTINCT ticket_id) FROM desk_journey WHERE field = 'queue'"
    assert counted(database_url, moves) == [(sent, sent)]
    kinds = "SELECT kind, count(*), count(DISTINCT ticket_id) FROM journal_entries GROUP BY kind ORDER BY kind"
    assert counted(database_url, kinds) == [(kind, sent, sent) for kind in ("decided", "placed", "seen")]
    orphans = "SELECT count(*) FROM journal_entries WHERE ticket_id NOT IN (SELECT id FROM desk_tickets)"
    assert counted(database_url, orphans) == [(0,)]
    if database_url.startswith("sqlite"):
        assert counted(database_url, "PRAGMA integrity_check") == [("ok",)]
