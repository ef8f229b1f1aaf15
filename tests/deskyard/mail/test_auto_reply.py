"""What no person wrote for us is known, with the reason, and wanted machines are let in by name."""

import pytest

from deskyard.mail.auto_reply import AUTO_REPLY, AUTOMATIC, BOUNCE, KINDS, LIST, OWN, why_automatic
from deskyard.mail.sender import find_sender
from deskyard.sync.left_out_mails import KIND_NAMES

OURS = ["Desk@example.org"]


def why(head, subject="a", text="x", **options):
    """The reason for a mail with these headers."""
    lines = dict(line.split(": ", 1) for line in head.split("\n"))
    headers = {name.lower(): value for name, value in lines.items()}
    kind = headers.get("content-type", "text/plain").split(";")[0]
    sender = find_sender(headers, OURS, options.get("mailing_lists", ()))
    return why_automatic(headers, sender, kind, subject=subject, text=text, own_addresses=OURS, **options)


@pytest.mark.parametrize(
    ("head", "kind", "told"),
    [
        ("Auto-Submitted: auto-generated", AUTOMATIC, "Auto-Submitted: auto-generated"),
        ("Auto-Submitted: auto-replied; owner=x", AUTO_REPLY, "Auto-Submitted: auto-replied"),
        ("Precedence: bulk", AUTOMATIC, "Precedence: bulk"),
        ("Precedence: Junk", AUTOMATIC, "Precedence: junk"),
        ("Precedence: list", AUTOMATIC, "Precedence: list"),
        ("Precedence: auto_reply", AUTO_REPLY, "Precedence: auto_reply"),
        ("X-Autoreply: yes", AUTO_REPLY, "X-Autoreply"),
        ("Return-Path: <>", BOUNCE, "report"),
        ("From: MAILER-DAEMON@mail.example.org", BOUNCE, "report"),
        ("Content-Type: multipart/report; report-type=delivery-status; boundary=x", BOUNCE, "report"),
        ("From: Desk <DESK@example.org>", OWN, "our own address"),
        ("From: desk+7@example.org", OWN, "our own address"),
        ("X-Deskyard: notice", OWN, "deskyard sent it itself"),
        ("List-Id: Users <users.example.org>", LIST, "mailing list"),
        ("From: auto-reply@example.com", AUTO_REPLY, "by its sender"),
    ],
)
def test_what_no_person_wrote_for_us_is_told_with_its_reason(head, kind, told):
    reason = why(head)
    assert (reason.kind, told in reason.text) == (kind, True)


@pytest.mark.parametrize(
    "head",
    ["Auto-Submitted: no", "Auto-Submitted: No (really)", "Precedence: first-class", "X-Auto-Response-Suppress: None",
     "X-Auto-Response-Suppress: DR, OOF, AutoReply", "X-Auto-Response-Suppress: All", "Return-Path: <ann@example.org>",
     "From: ann@example.org", "X-Autoreply: no", "List-Id: Help <help.example.org>\nPrecedence: list",
     "List-Id: <desk.example.org>\nPrecedence: list", "Auto-Submitted: auto-forwarded"],
)  # fmt: skip
def test_what_a_person_wrote_is_not_automatic(head):
    assert why(head, mailing_lists=["Help.example.org"]) is None


def test_machines_without_headers_are_told_and_people_who_write_about_them_are_not():
    ann = "From: ann@example.com"
    assert why(ann, "Автоответ: в отпуске", "Буду на месте 12 января.").kind == AUTO_REPLY
    assert why("From: postmaster@mx.example", "Unzustellbar: Anfrage").kind == BOUNCE
    assert why(ann, "Автоответ не работает", "С понедельника.") is None
    assert why("From: noreply@example.org\nReply-To: vera@home.example", "Kontakt") is None


def test_every_kind_of_reason_has_a_name():
    assert set(KIND_NAMES) == set(KINDS)


@pytest.mark.parametrize(
    ("sender", "machines", "wanted"),
    [
        ("monitor@mon.example", ["monitor@mon.example"], True),
        ("Monitor@MON.example", ["monitor@mon.example"], True),
        ("monitor+r7@mon.example", ["monitor@mon.example"], True),
        ("other@mon.example", ["monitor@mon.example"], False),
        ("other@mon.example", ["@mon.example"], True),
        ("monitor@xmon.example", ["@mon.example"], False),
    ],
)
def test_wanted_machines_are_let_in_by_name(sender, machines, wanted):
    head = f"From: {sender}\nAuto-Submitted: auto-generated\nPrecedence: bulk\nReturn-Path: <>"
    assert (why(head, machines=machines) is None) == wanted
    assert why(f"{head}\nX-Deskyard: notice", machines=machines).kind == OWN


def test_our_own_answer_is_nobody_elses_mail():
    assert why("From: desk@example.org\nTo: ann@example.com\nReply-To: bob@example.org").kind == OWN
    assert why("From: desk@example.org\nTo: desk@example.org\nReply-To: desk+12@example.org").kind == OWN
    assert why("From: desk@example.org\nTo: desk@example.org\nReply-To: noreply@example.org").kind == OWN
