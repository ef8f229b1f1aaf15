"""Pages show every word of a ticket and of a comment; what is quoted is folded."""

from service.pages.message_sections import message_sections, reply_sections

QUOTE = "On 3 Feb 2026, at 10:00, Support <s@o.example> wrote:\n> Which version?"


def test_a_forward_is_shown_open_with_its_headers_and_a_quotation_is_folded():
    forward = "---------- Forwarded message ---------\nFrom: Cora <c@c.example>\n\nThe VPN is down since noon today"
    assert [tuple(one) for one in message_sections(f"Please take it.\n\n{forward}")] == [
        (False, f"Please take it.\n\n{forward}")
    ]
    assert [one.is_folded for one in message_sections(f"My VPN is down.\n\n{QUOTE}")] == [False, True]


def test_answers_between_quotes_are_shown_in_their_places():
    shown = reply_sections(f"{QUOTE}\nIt is version five\n> And the system?\nLinux")
    assert [one.is_folded for one in shown] == [True, False, True, False]


def test_a_ticket_of_nothing_but_mark_up_is_shown_as_it_is():
    assert message_sections("<img src=x>")[0].text == "<img src=x>"


def test_nothing_of_a_long_ticket_is_left_out():
    body = "\n".join(f"line {n} of the log" for n in range(10_000))
    assert message_sections(body)[0].text == body


def test_a_comment_of_nothing_but_a_quotation_is_shown_open():
    assert [one.is_folded for one in reply_sections(QUOTE)] == [False]
    assert reply_sections("") == []
