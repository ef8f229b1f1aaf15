"""A foreign help desk that fails in every way, webhooks doubled and out of order, workers killed, a database restarted:
each ticket is one row, one decision, one write and one note, counted from both sides."""

from collections import Counter

from tests.acceptance.storm import FAULTS, Storm


def test_whatever_fails_each_ticket_is_written_once_and_a_persons_value_stands(desk, faults, ground, connected):
    url, restart = ground
    whole = url.startswith("postgresql")  # SQLite has nothing to restart, and one process: a shorter storm
    tickets, restarts, races = (200, 1, 20) if whole else (100, 0, 10)
    fails = {"kills": 2, "restarts": restarts, "failures": 4}  # tests/soak: 40 minutes of it
    storm = Storm(desk, faults, connected, url, restart, tickets=tickets, races=races, **fails)
    storm.blow(patience=240)
    told = storm.count()
    assert told["faults"] == Counter(dict.fromkeys(FAULTS, 4))
    assert len(storm.raced) == races
