"""Dates as people of seven languages and programs write them."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskyard.text.dates import day_and_month, detect_date_order, names_zone, parse_since, parse_time, read_time


@pytest.mark.parametrize(
    "text",
    [
        "2024-03-04T07:05:06Z", "2024-03-04 10:05:06+03:00", "2024-03-04T07:05:06.000+0000", "20240304T070506Z",
        "2024-03-04 07:05:06 UTC", "2024/03/04 07:05:06", "04.03.2024 07:05:06", "4.3.24 7:05:06",
        "04.03.2024, 07:05:06",
        "1709535906", "1709535906000", "1709535906.0", "20240304070506",
        "4/Mar/24 7:05:06 AM", "04-Mar-2024 07:05:06",
        "Mon, 04 Mar 2024 10:05:06 +0300", "March 4, 2024 7:05:06 AM", "4 марта 2024 г. 07:05:06",
        "4. März 2024 07:05:06", "4 de marzo de 2024 07:05:06", "04/03/2024 07:05:06", "4 березня 2024 07:05:06",
        "2024-03-04T07:05:06.000000000Z", " 2024-03-04T07:05:06 ", "04.03.2024 10:05:06 МСК", "2024-3-4 7:05:06",
    ],
)  # fmt: skip
def test_dates_are_read_as_people_and_programs_write_them(text):
    assert read_time(text) == datetime(2024, 3, 4, 7, 5, 6, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "Mon Mar 04 07:05:06 UTC 2024", "Mon Mar  4 07:05:06 2024", "Mon Mar  4 02:05:06 EST 2024",
        "Mon 04 Mar 2024 07:05:06 AM UTC", "Mon Mar 04 2024 10:05:06 GMT+0300 (Moscow Standard Time)",
        "Mar 4, 2024 @ 07:05:06.000", "Mon 4 March 2024 at 07:05:06", "4th March 2024, 07:05:06",
        "04/Mar/2024:07:05:06 +0000", "Mon, 4 Mar 2024 07:05:06 +0000 (UTC)", "2024-03-04_07:05:06",
        "Monday, 4 March 2024 07:05:06 Coordinated Universal Time",
    ],
)  # fmt: skip
def test_what_programs_print_is_read(text):
    assert read_time(text) == datetime(2024, 3, 4, 7, 5, 6, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "04-MAR-24 07.05.06.000000 AM", "04-MAR-24 07.05.06.000000000 AM +00:00",
        "04-MAR-24 08.05.06.000000 AM EUROPE/BERLIN", "2024-03-04-07.05.06.000000",
        "1.709535906E+09", "1,709535906E+12", "1.709535906e9", "45355.295208333", "45355,295208333",
        "/Date(1709535906000)/", "/Date(1709535906000+0300)/", "\\/Date(1709535906000)\\/", "1709535906000000000",
    ],
)  # fmt: skip
def test_what_databases_and_sheets_write_is_read(text):
    assert read_time(text) == datetime(2024, 3, 4, 7, 5, 6, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "04.03.2024 um 07:05:06 Uhr", "Mo., 04.03.2024 07:05:06", "Montag, 4. März 2024, 07.05.06 Uhr",
        "lunes, 4 de marzo de 2024 7:05:06 a. m.", "04/03/2024 7:05:06 a.m.", "4 mars 2024 à 07:05:06",
        "lun. 4 mars 2024 07h05m06s", "mar. 4 mars 2024 07:05:06", "04/03/2024 às 07:05:06",
        "segunda-feira, 4 de março de 2024 07:05:06", "4 березня 2024 р. о 07:05:06", "04.03.2024 р. 07:05:06",
        "понеділок, 4 березня 2024 р., 07:05:06", "пн, 4 мар. 2024 г., 07:05:06",
        "понедельник, 4 марта 2024 г. в 7:05:06",
        "le 4 mars 2024 à 07:05:06", "el lunes 4 de marzo de 2024 a las 7:05:06", "am 04.03.2024 um 07:05:06",
        "04.03.2024 10:05:06 по МСК", "04.03.2024 15:05:06 SGT", "04.03.2024 7 ч. 05 мин. 06 с",
        "'2024-03-04 07:05:06",
        '"04.03.2024 07:05:06"', "\u202a04.03.2024\u202c 07:05:06",
        "пн 04.03.2024 07:05:06", "Mon 04/03/2024 07:05:06", "4/3/2024, 7:05:06\u202fAM", "07:05:06 04.03.2024",
    ],
)  # fmt: skip
def test_what_people_of_seven_languages_write_is_read(text):
    assert read_time(text) == datetime(2024, 3, 4, 7, 5, 6, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "month", "day"),
    [("1 juin 2024", 6, 1), ("1 juil. 2024", 7, 1), ("4 août 2024", 8, 4), ("4 déc. 2024", 12, 4),
     ("4 лют. 2024", 2, 4), ("6 янв. 2024", 1, 6), ("6 ene 2024", 1, 6), ("6 out. 2024", 10, 6),
     ("6 Mrz 2024", 3, 6), ("mar 5 ene 2024", 1, 5)],
)  # fmt: skip
def test_months_are_known_by_their_beginnings_where_these_are_of_one_month(text, month, day):
    assert read_time(text) == datetime(2024, month, day, tzinfo=UTC)


def test_an_afternoon_is_one_whatever_the_language():
    for text in ("06.01.2025 21:03", "06.01.2025 9:03 p. m.", "06.01.2025 9:03 PM", "06.01.2025 21.03 Uhr"):
        assert read_time(text) == datetime(2025, 1, 6, 21, 3, tzinfo=UTC)


@pytest.mark.parametrize("zone", ["CET", "GMT+1", "UTC+01:00", "MEZ", "Europe/Berlin", "+0100", "(CET)"])
def test_a_named_zone_counts(zone):
    parsed = parse_time(f"04.03.2024 08:05 {zone}")
    assert (parsed.moment, parsed.zoned) == (datetime(2024, 3, 4, 7, 5, tzinfo=UTC), True)
    assert names_zone(f"04.03.2024 08:05 {zone}")


def test_the_time_of_an_unknown_zone_is_kept_and_the_zone_is_named():
    for text, zone in (("04.03.2024 08:05 XYZT", "XYZT"), ("4 Mar 2024 08:05 Middle Earth Time", "Middle Earth Time")):
        assert parse_time(text) == (datetime(2024, 3, 4, 8, 5, tzinfo=UTC), False, zone)


@pytest.mark.parametrize(
    "text",
    ["", " ", "yesterday", "2024-13-01", "32.01.2024", "0", "99/99/9999", "1" * 30, "2024", "٣/٤/٢٠٢٤x", "-", "12.5",
     "1.2.3.4", "192.168.1.10", "12345", "+7 900 123-45-67", "12:30", "Mai 2024", "5 problems 24", "4 may need 2024",
     "Ticket 12.01.2025", "01.02.2024 and more text", "²²²²²²²²²", "²" * 8, "1e99", "1E+0", "/Date(9999999999999999)/",
     "mon 5 apples"],
)  # fmt: skip
def test_what_is_no_date_is_none(text):
    assert read_time(text) is None


def test_the_edges_of_the_calendar_stay_inside_it():
    assert read_time("0001-01-01T00:00:00+14:00") == datetime.min.replace(tzinfo=UTC)
    assert read_time("9999-12-31T23:59:59-12:00") == datetime.max.replace(tzinfo=UTC)
    assert read_time("31.12.9999 24:00") is None
    assert read_time("01.01.0001 10:00").year == 1


PIECES = ["Mon", "пн", "4", "04", "2024", "24", "Mar", "марта", " ", " ", ".", "/", "-", ":", ",", "07:05", "a. m.",
          "Uhr", "GMT", "+1", "MSK", "(", "[", "E", "Date(", "г.", "р."]  # fmt: skip


@given(st.text() | st.from_regex(r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}( \d\d:\d\d)?", fullmatch=True)
       | st.datetimes().map(str) | st.integers().map(str) | st.floats().map(str)
       | st.lists(st.sampled_from(PIECES), max_size=14).map("".join),
       st.sampled_from(["day", "month", ""]))  # fmt: skip
def test_any_text_is_a_moment_in_utc_or_none(text, order):
    moment = read_time(text, order)
    assert moment is None or moment.tzinfo is UTC
    assert names_zone(text) in (True, False)
    assert len(day_and_month(text)) <= 5


HOSTILE = ["1 ", "a", "mon ", "1.", "12:", "( ", "1 jan", "01.01.2024 в ", "[(", "-", "1e", "9"]


def test_a_hostile_text_costs_no_time():
    texts = [(piece * 100_000)[:length] for piece in HOSTILE for length in (99, 100, 100_000)]
    began = time.perf_counter()
    for text in texts:
        parse_time(text)
        detect_date_order([text])
    assert time.perf_counter() - began < 1


def test_the_whole_column_says_which_comes_first():
    assert detect_date_order(["03/04/2024", "13/04/2024 10:00"]) == ("day", True)
    assert detect_date_order(["Tue 03/04/2024", "Sat 04/13/2024 10:00"]) == ("month", True)
    assert detect_date_order(["03/04/2024 1:00 PM"]) == ("month", True)
    assert detect_date_order(["03.04.2024", "x", ""]) == ("day", False)
    assert read_time("03/04/2024", "") is None
    assert read_time("25/04/2024", "").month == 4


def test_now_is_told_in_whole_seconds_as_mail_servers_tell_it():
    before = datetime.now(UTC)
    assert before - timedelta(seconds=1) < parse_since("") <= datetime.now(UTC)
    assert parse_since("").microsecond == 0
