"""The whole road on each real help desk, as an administrator would walk it.

Read its history with bodies, learn, connect, go live; a new ticket comes by webhook or by pull, is written to and read
back; a person's later change comes back as a correction; our own writing's echo is no news.
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
"""Past tickets of each of three matters; the first and the last go to the same queue, and to different agents."""

WORDS = {
    0: "vpn router cable wifi switch dhcp latency packet tunnel firewall proxy gateway bandwidth ethernet роутер сеть",
    1: "invoice refund payment receipt discount tariff credit charge billing account оплата счёт деньги возврат сумма",
    2: "printer toner paper tray scanner drum cartridge duplex jam feeder roller smudge принтер тонер бумага картридж",
}


def a_text(dice, matter):
    words = WORDS[matter].split()
    return " ".join(dice.sample(words, 3)), " ".join(dice.choices(words, k=9)) + f" {dice.randrange(10**6)}"


def counted(home, query):
    engine = create_engine(f"sqlite:///{home}/deskyard.db")
    try:
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(query))]
    finally:
        engine.dispose()


def wait_for(what, seconds=90.0):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := what():
            return found
        time.sleep(0.5)
    return what()


@pytest.mark.parametrize("name", STANDS)
def test_a_help_desk_is_learnt_from_connected_and_routed_into(name, tmp_path, hook_port):
    kind = name.replace("_", "-")
    stands = importlib.import_module(f"tests.real.{name}_stand")
    with stands.stand(f"http://127.0.0.1:{hook_port}/v1/hooks/{kind}") as stand:
        dice = random.Random(3)
        network, billing, _ = stand.behind.queues
        wanted = labels(stand)
        for n in range(len(WORDS) * PAST):
            matter = n % len(WORDS)
            ref = stand.file(*a_text(dice, matter), (network, billing, network)[matter])
            for field, values in wanted.items():
                if values[matter] is not None:
                    stand.behind.set_as_person(ref, field, values[matter])
        variable = kind.upper().replace("-", "_")
        here = Deskyard(tmp_path, DESKYARD_PULL_EVERY="5", **{f"DESKYARD_HOOK_SECRET_{variable}": HOOK_SECRET})
        try:
            walk(here, stand, kind, dice, network, billing, wanted, hook_port)
        finally:
            here.end()
        print(f"{stand.version}: proved")


def labels(stand):
    """Field → what tickets of each matter bear beside their queue, as far as the help desk can be told."""
    store = open_store(stand.url)
    try:
        catalogue, sets = store.catalogue(), store.caps.settable_fields
    finally:
        store.close()
    found = {}
    if "priority" in sets and {"high", "low"} <= set(catalogue.priorities):
        found["priority"] = ("high", "low", "low")
    if "assignee" in sets:
        found["assignee"] = (stand.behind.agents[0], None, stand.behind.agents[1])  # both serve the first queue only
    if "category" in sets and catalogue.categories and len(catalogue.categories) > 1:
        first, second = sorted(catalogue.categories)[:2]
        found["category"] = (first, second, second)
    return found


def walk(here, stand, kind, dice, network, billing, wanted, port):
    history = here.home / "history.parquet"
    here.run("pull", stand.url, "--out", str(history))
    more = ["--moves", str(here.home / "history.moves.csv")] if (here.home / "history.moves.csv").exists() else []
    learnt = here.run(
        "train",
        str(history),
        *more,
        "--targets",
        ",".join(["queue", *wanted]),
        "--precision",
        "0.8",
        "--effort",
        "quick",
        "--no-mlflow",
    )
    print(learnt[-1500:])
    print(here.run("connect", stand.url))
    here.run("policy", "mode", "route", "--store", kind)
    here.start("serve", "--port", str(port))

    store = open_store(stand.url)
    try:
        ref = stand.file(*a_text(dice, 0), None)
        assert wait_for(lambda: store.fetch(ref).queue == network), here_log(here)
        assert wait_for(lambda: counted(here.home, "SELECT 1 FROM store_deliveries WHERE state = 'done'"))
        written = {field: store.fetch(ref).value(field) for field in wanted}
        assert written == {field: values[0] for field, values in wanted.items()}, here_log(here)
        notes = stand.behind.notes(ref)
        assert len(notes) == (1 if store.caps.notes else 0), notes
        assert all(network in note for note in notes)
        time.sleep(12)  # its echo comes back by webhook and by pull
        kinds = Counter(dict(counted(here.home, "SELECT kind, count(*) FROM journal_entries GROUP BY kind")))
        assert kinds["corrected"] == 0, counted(here.home, "SELECT content FROM journal_entries")
        assert (kinds["decided"], kinds["delivered"]) == (1, 1), kinds

        stand.behind.set_as_person(ref, "queue", billing)
        corrected = "SELECT content FROM journal_entries WHERE kind = 'corrected'"
        assert wait_for(lambda: counted(here.home, corrected)), here_log(here)
        assert f'"to": "{billing}"' in counted(here.home, corrected)[0][0]
        assert store.fetch(ref).queue == billing
        assert len(stand.behind.notes(ref)) == len(notes)
    finally:
        store.close()


def here_log(here):
    return (here.home / "log.txt").read_text()[-3000:]
