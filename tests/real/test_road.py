"""The whole setup on each real help desk, as an administrator would do it.

Pull the history with bodies, train, connect, turn routing on. A new ticket is read by webhook or pull, written, and
read back; a person's later change is recorded as a correction, and deskyard's own change is not.
"""

import importlib
import random
import time
from collections import Counter

import pytest
from sqlalchemy import create_engine, text

from deskyard.connectors import open_store
from tests.fakes.foreign import Deskyard
from tests.real.conftest import HOOK_SECRET

pytestmark = pytest.mark.real

STANDS = ("znuny", "rt", "roundup", "django_helpdesk", "deskyard")
PAST = 35
"""Past tickets of each of three topics; the first and the last belong to the same queue and to different agents."""

WORDS = {
    0: "vpn router cable wifi switch dhcp latency packet tunnel firewall proxy gateway bandwidth ethernet роутер сеть",
    1: "invoice refund payment receipt discount tariff credit charge billing account оплата счёт деньги возврат сумма",
    2: "printer toner paper tray scanner drum cartridge duplex jam feeder roller smudge принтер тонер бумага картридж",
}


def make_text(dice, topic):
    words = WORDS[topic].split()
    return " ".join(dice.sample(words, 3)), " ".join(dice.choices(words, k=9)) + f" {dice.randrange(10**6)}"


def query_rows(home, query):
    engine = create_engine(f"sqlite:///{home}/deskyard.db")
    try:
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(query))]
    finally:
        engine.dispose()


def wait_for(condition, seconds=90.0):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := condition():
            return found
        time.sleep(0.5)
    return condition()


@pytest.mark.parametrize("name", STANDS)
def test_a_help_desk_is_learnt_from_connected_and_routed_into(name, tmp_path, hook_port):
    kind = name.replace("_", "-")
    module = importlib.import_module(f"tests.real.{name}_stand")
    with module.stand(f"http://127.0.0.1:{hook_port}/v1/hooks/{kind}") as stand:
        dice = random.Random(3)
        network, billing, _ = stand.harness.queues
        fields = labels(stand)
        for n in range(len(WORDS) * PAST):
            topic = n % len(WORDS)
            ref = stand.file(*make_text(dice, topic), (network, billing, network)[topic])
            for field, values in fields.items():
                if values[topic] is not None:
                    stand.harness.set_as_person(ref, field, values[topic])
        variable = kind.upper().replace("-", "_")
        deskyard = Deskyard(tmp_path, DESKYARD_PULL_INTERVAL="5", **{f"DESKYARD_HOOK_SECRET_{variable}": HOOK_SECRET})
        try:
            run_road(deskyard, stand, kind, dice, network, billing, fields, hook_port)
        finally:
            deskyard.end()
        print(f"{stand.version}: proved")


def labels(stand):
    """Field → the labels of tickets of each topic besides the queue, for fields that the help desk lets us set."""
    store = open_store(stand.url)
    try:
        catalogue, sets = store.catalogue(), store.caps.settable_fields
    finally:
        store.close()
    found = {}
    if "priority" in sets and {"high", "low"} <= set(catalogue.priorities):
        found["priority"] = ("high", "low", "low")
    if "assignee" in sets:
        found["assignee"] = (stand.harness.agents[0], None, stand.harness.agents[1])  # both serve the first queue only
    if "category" in sets and catalogue.categories and len(catalogue.categories) > 1:
        first, second = sorted(catalogue.categories)[:2]
        found["category"] = (first, second, second)
    return found


def run_road(deskyard, stand, kind, dice, network, billing, fields, port):
    history = deskyard.home / "history.parquet"
    deskyard.run("pull", stand.url, "--out", str(history))
    more = (
        ["--moves", str(deskyard.home / "history.moves.csv")] if (deskyard.home / "history.moves.csv").exists() else []
    )
    output = deskyard.run(
        "train",
        str(history),
        *more,
        "--targets",
        ",".join(["queue", *fields]),
        "--precision",
        "0.8",
        "--effort",
        "quick",
        "--no-mlflow",
    )
    print(output[-1500:])
    print(deskyard.run("connect", stand.url))
    deskyard.run("policy", "mode", "route", "--store", kind)
    deskyard.start("serve", "--port", str(port))

    store = open_store(stand.url)
    try:
        ref = stand.file(*make_text(dice, 0), None)
        assert wait_for(lambda: store.fetch(ref).queue == network), read_log(deskyard)
        assert wait_for(lambda: query_rows(deskyard.home, "SELECT 1 FROM store_deliveries WHERE state = 'done'"))
        written = {field: store.fetch(ref).value(field) for field in fields}
        assert written == {field: values[0] for field, values in fields.items()}, read_log(deskyard)
        notes = stand.harness.read_notes(ref)
        assert len(notes) == (1 if store.caps.notes else 0), notes
        assert all(network in note for note in notes)
        time.sleep(12)  # deskyard reads its own change by webhook and by pull
        kinds = Counter(dict(query_rows(deskyard.home, "SELECT kind, count(*) FROM journal_entries GROUP BY kind")))
        assert kinds["corrected"] == 0, query_rows(deskyard.home, "SELECT content FROM journal_entries")
        assert (kinds["decided"], kinds["delivered"]) == (1, 1), kinds

        stand.harness.set_as_person(ref, "queue", billing)
        corrected = "SELECT content FROM journal_entries WHERE kind = 'corrected'"
        assert wait_for(lambda: query_rows(deskyard.home, corrected)), read_log(deskyard)
        assert f'"to": "{billing}"' in query_rows(deskyard.home, corrected)[0][0]
        assert store.fetch(ref).queue == billing
        assert len(stand.harness.read_notes(ref)) == len(notes)
    finally:
        store.close()


def read_log(deskyard):
    return (deskyard.home / "log.txt").read_text()[-3000:]
