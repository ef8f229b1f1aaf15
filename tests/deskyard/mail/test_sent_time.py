"""A mail was sent when its Date says, unless that is far from the time at which the mail server received it."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskyard.mail.sent_time import MAX_DEVIATION, newest_received, read_sent_time

RECEIVED = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "date",
    ["yesterday", "Sun, 01 Mar 2026 25:61:00 +0300", "Fri, 01 Jan 2077 00:00:00 +0000", "1 Jan 1904 00:00 +0000",
     "Sat, 01 Jan 2000 00:00:12 +0000", "Sat, 21 Feb 2026 11:00:00 +0000", "9" * 400],
)  # fmt: skip
def test_a_date_that_cant_be_is_replaced_by_the_servers_and_noted(date):
    sent = read_sent_time(date, RECEIVED)
    assert sent.moment == RECEIVED
    assert sent.note.startswith(date[:100])
    assert "the time of receipt" in sent.note


@pytest.mark.parametrize(
    ("date", "hours"),
    [("Sun, 01 Mar 2026 10:00:00 -0000", -2), ("Sun, 01 Mar 2026 10:00:00 +0300 (MSK)", -5),
     ("Sun, 01 Mar 2026 10:00:00 MSK", -5), ("01 Mar 2026 10:00 GMT", -2), ("Sun, 1 Mar 2026 10:00:00 EST", 3),
     ("Sun Mar 01 2026 15:00:00 GMT+0300 (MSK)", 0), ("Sun, 1 Mar 2026 3:00:00 PM +0300", 0),
     ("Вс, 1 мар 2026 15:00:00 +0300", 0), ("So, 1 Mrz 2026 13:00:00 +0100", 0),
     ("dim., 1 mars 2026 13:00:00 +0100", 0), ("Sun, 22 Feb 2026 12:00:00 +0000", -7 * 24), ("", 0)],
)  # fmt: skip
def test_a_date_is_read_with_the_zone_that_it_names(date, hours):
    sent = read_sent_time(date, RECEIVED)
    assert (sent.moment, sent.note) == (RECEIVED + timedelta(hours=hours), "")


def test_a_zone_that_nobody_knows_is_noted():
    sent = read_sent_time("Sun, 01 Mar 2026 10:00:00 QQQ", RECEIVED)
    assert (sent.moment, "unknown" in sent.note) == (RECEIVED - timedelta(hours=2), True)


def test_the_newest_hop_is_taken_wherever_it_stands():
    hops = ["by a; Sun, 1 Mar 2026 11:00:00 +0000", "by mx; Sun, 1 Mar 2026 12:00:00 +0000 (UTC)", "by b; junk", "c"]
    assert newest_received(hops) == RECEIVED
    assert newest_received(["junk"]) is None


@given(st.text(max_size=60))
def test_any_date_gives_a_time_near_that_of_receipt(date):
    assert abs(read_sent_time(date, RECEIVED).moment - RECEIVED) <= MAX_DEVIATION
