"""A foreign help desk that fails in every way, webhooks doubled and out of order, workers killed, a database restarted:
each ticket is one row, one decision, one write and one note, counted from both sides."""

from collections import Counter

from tests.acceptance.storm import FAULTS, Storm


def test_whatever_fails_each_ticket_is_written_once_and_a_persons_value_stands(desk, faults, ground, connected):
    url, restart = ground
    restarts = 1 if url.startswith("postgresql") else 0
    storm = Storm(desk, faults, connected, url, restart, tickets=500, kills=3, restarts=restarts, races=50)
    storm.blow(patience=240)
    told = storm.count()
    assert told["faults"] == Counter(dict.fromkeys(FAULTS, 10))
    assert len(storm.raced) == 50
