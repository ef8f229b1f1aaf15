"""Zones as dates name them."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskyard.text.time_zones import ZONE_MINUTES, read_zone

WINTER = datetime(2025, 1, 6, 12)


@pytest.mark.parametrize(
    ("name", "hours"),
    [("EST", -5), ("CET", 1), ("MSK", 3), ("МСК", 3), ("msk", 3), ("МСК+2", 5), ("GMT+1", 1), ("UTC-03:30", -3.5),
     ("+0530", 5.5), ("-3", -3), ("\u22123", -3), ("Z", 0), ("Europe/Berlin", 1), ("EUROPE/BERLIN", 1)],
)  # fmt: skip
def test_a_zone_is_known_by_its_abbreviation_offset_or_region(name, hours):
    assert read_zone(name).utcoffset(WINTER) == timedelta(hours=hours)


@pytest.mark.parametrize("name", ["", "XYZ", "EST5EDT6", "Nowhere/City", "+99", "../../etc/passwd", "Europe/../x", "5"])
def test_an_unknown_zone_is_none(name):
    assert read_zone(name) is None


@given(st.text(max_size=60) | st.sampled_from(sorted(ZONE_MINUTES)).flatmap(lambda one: st.just(one + "+99:99")))
def test_any_name_is_a_zone_within_a_day_or_none(name):
    zone = read_zone(name)
    assert zone is None or abs(zone.utcoffset(WINTER)) < timedelta(days=1)
