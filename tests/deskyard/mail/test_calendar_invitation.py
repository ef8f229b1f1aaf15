"""An invitation is told in words, in the language of the invitation."""

import time

from hypothesis import given, settings
from hypothesis import strategies as st

from deskyard.mail.calendar_invitation import tell_invitation

CALENDAR = (
    "BEGIN:VCALENDAR\r\nMETHOD:{method}\r\nBEGIN:VEVENT\r\nSUMMARY:{summary}\r\nDTSTART;TZID=Europe/Berlin:"
    "20260303T100000\r\nDTEND;TZID=Europe/Berlin:20260303T110000\r\nLOCATION:Room 7\\, annex\r\nORGANIZER;CN=Ann:"
    "mailto:ann@example.org\r\nDESCRIPTION:Bring the la\r\n ptop.\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


def test_an_invitation_is_told_in_words():
    told = "Invitation: New laptops. Start: 2026-03-03 10:00 (Europe/Berlin). End: 2026-03-03 11:00 (Europe/Berlin). "
    told += "Place: Room 7, annex. Organiser: Ann."
    assert tell_invitation(CALENDAR.format(method="REQUEST", summary="New laptops")) == (told, "Bring the laptop.")
    assert tell_invitation(CALENDAR.format(method="CANCEL", summary="Новые ноутбуки"))[0].startswith(
        "Отмена приглашения: Новые ноутбуки. Начало: 2026-03-03 10:00"
    )
    assert tell_invitation("METHOD:REPLY\nBEGIN:VEVENT\nATTENDEE;PARTSTAT=DECLINED:mailto:x\nEND:VEVENT")[0] == (
        "Answer to an invitation (declined)."
    )


def test_the_alarm_of_an_invitation_is_not_the_invitation():
    alarm = "BEGIN:VALARM\nSUMMARY:Alarm\nDESCRIPTION:REMINDER\nEND:VALARM"
    told = tell_invitation(f"BEGIN:VEVENT\n{alarm}\nSUMMARY:Laptops\nDESCRIPTION:Bring yours.\nEND:VEVENT")
    assert told == ("Calendar entry: Laptops.", "Bring yours.")


def test_a_calendar_that_was_cut_off_is_told_as_far_as_it_goes():
    assert tell_invitation("BEGIN:VEVENT\nSUMMARY:Laptops\nDTSTART:20260399")[0] == "Calendar entry: Laptops."
    assert tell_invitation("BEGIN:VCALENDAR\nEND:VCALENDAR") == ("", "")


@given(st.text(max_size=300))
@settings(max_examples=50)
def test_any_calendar_is_told_without_an_error(text):
    assert len(tell_invitation(f"BEGIN:VEVENT\n{text}\nEND:VEVENT")) == 2


def test_nobody_can_make_a_calendar_that_takes_long():
    began = time.process_time()
    for line in ("X;a=b" * 300_000, ';a="' * 300_000, "SUMMARY:" + "\n a" * 300_000, "A:b\n" * 300_000):
        tell_invitation(f"BEGIN:VEVENT\n{line}\nEND:VEVENT")
    assert time.process_time() - began < 3
