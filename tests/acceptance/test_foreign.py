"""A foreign help desk that fails in every way, webhooks doubled and out of order, workers killed, a database restarted:
each ticket is one row, one decision, one write and one note, counted from both sides."""

from collections import Counter

from tests.acceptance.storm import FAULTS, Storm


def test_whatever_fails_each_ticket_is_written_once_and_a_persons_value_stands(desk, faults, ground, connected):
    url, restart = ground
    whole = url.startswith("postgresql")  # SQLite has nothing to restart, and one process: a shorter storm
    tickets, restarts, races = (500, 1, 50) if whole else (200, 0, 20)
    storm = Storm(desk, faults, connected, url, restart, tickets=tickets, kills=3, restarts=restarts, races=races)
    storm.blow(patience=240)
    told = storm.count()
    assert told["faults"] == Counter(dict.fromkeys(FAULTS, 10))
    assert len(storm.raced) == races
