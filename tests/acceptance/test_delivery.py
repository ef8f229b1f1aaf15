"""An external help desk that fails in every way, with doubled and unordered webhooks, killed workers and a restarted
database: each ticket has one row, one decision, one write and one note, counted on both sides."""

from collections import Counter

from tests.acceptance.storm import FAULTS, Storm


def test_whatever_fails_each_ticket_is_written_once_and_a_persons_value_stands(desk, faults, ground, connected):
    url, restart = ground
    is_postgresql = url.startswith("postgresql")  # SQLite has nothing to restart, and one process: a shorter storm
    tickets, restarts, races, kills = (60, 1, 8, 2) if is_postgresql else (40, 0, 5, 1)
    fails = {"kills": kills, "restarts": restarts, "failures": 4}  # tests/soak: 40 minutes of it
    storm = Storm(desk, faults, connected, url, restart, tickets=tickets, races=races, **fails)
    storm.blow(patience=240)
    summary = storm.count()
    assert summary["faults"] == Counter(dict.fromkeys(FAULTS, 4))
    assert len(storm.raced) == races
