"""The person behind a mail is its sender, or whom Reply-To names if a web form sent it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskyard.mail.sender import find_sender, parse_addresses

OURS = ["Desk@example.org"]
VERA = "vera@home.example"


@pytest.mark.parametrize(
    ("sender", "person"),
    [
        ("desk@example.org", VERA),
        ("noreply@example.org", VERA),
        ("No-Reply <no_reply@forms.example>", VERA),
        ("nicht-antworten@firma.example", VERA),
        ("ne-pas-repondre@site.example", VERA),
        ("no-responder@sitio.example", VERA),
        ("nao-responda@site.example", VERA),
        ("webform@site.example", VERA),
        ("kontaktformular@firma.example", VERA),
        ("wordpress@site.example", VERA),
        ("www-data@web1.example", VERA),
        ("robot@site.example", VERA),
        ("mailer@site.example", VERA),
        ("notifications@forms.example", VERA),
        ("bob@example.com", "bob@example.com"),
        ("formosa@example.com", "formosa@example.com"),
    ],
)
def test_a_web_form_names_the_person_in_reply_to(sender, person):
    head = f"From: {sender}\nTo: desk@example.org\nReply-To: Vera <{VERA}>"
    headers = dict(line.split(": ", 1) for line in head.lower().split("\n"))
    assert find_sender(headers, OURS).person == person


def test_the_person_is_named_by_the_headers_of_a_group_and_of_a_form_that_writes_to_itself():
    group = {"from": "'Vera' via Desk <desk@example.org>", "to": "desk@example.org", "x-original-sender": VERA}
    assert find_sender(group, OURS).person == VERA
    itself = {"from": "info@firma.example", "to": "info@firma.example", "reply-to": VERA}
    assert find_sender(itself).person == VERA
    listed = {"from": "help@lists.example.org", "to": "x@example.org", "reply-to": VERA}
    assert find_sender(listed, OURS, ["help.lists.example.org"]).person == VERA


def test_nobody_is_named_by_an_address_that_is_ours_or_read_by_nobody():
    for reply_to in ("desk+12@example.org", "desk@example.org", "noreply@example.org", "junk", ""):
        found = find_sender({"from": "desk@example.org", "to": "desk@example.org", "reply-to": reply_to}, OURS)
        assert (found.person, found.is_named_by_reply_to) == ("desk@example.org", False)


@given(st.text(max_size=100))
def test_any_header_gives_addresses_in_lower_case(text):
    assert all(address == address.lower() and "@" in address for address in parse_addresses(text))


@pytest.mark.parametrize(
    "sender",
    ["eve@evil.example <ann@example.org>", '"eve@evil.example" <ann@example.org>', "Miller, Ann <ann@example.org>",
     "<ann@example.org> Ann", "=?utf-8?B?0JDQvdC90LAgPGFubkBleGFtcGxlLm9yZz4=?="],
)  # fmt: skip
def test_the_sender_is_the_address_and_not_what_the_name_says(sender):
    assert find_sender({"from": sender}).person == "ann@example.org"
