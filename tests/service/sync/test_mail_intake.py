"""Messages become tickets and comments, once; the others are counted with the reason, and taken in if people want it.

Here the messages come from a page of a mailbox; tests/real/test_dovecot.py reads them from a real mail server by IMAP.
"""

from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import pytest
from sqlalchemy import delete, select

from deskyard.db.database import open_database
from deskyard.db.tables.sync import MAILS
from deskyard.desk import comments, queues, tickets
from deskyard.domain.actors import Actor
from deskyard.errors import NotFound, StoreConflict
from deskyard.journal.journal import Journal
from deskyard.mail import message as mail_message
from deskyard.mail.mailbox import MailPage
from deskyard.privacy import erasure
from deskyard.sync import connections, filed_mails, left_out_mails
from service.runtime.context import AppContext
from service.sync import mail_intake

NOW = datetime.now(UTC)


def mail(uid, subject, body="Hello.", *, name="", answers="", **headers):
    message = EmailMessage()
    message["From"], message["To"] = headers.pop("From", "ann@example.test"), "desk@example.test"
    message["Subject"] = subject
    message["Message-ID"] = f"<{name or uid}@example.test>"
    if answers:
        message["In-Reply-To"] = f"<{answers}@example.test>"
    for header, value in headers.items():
        message[header.replace("_", "-")] = value
    message.set_content(body)
    return mail_message.parse_message(
        bytes(message),
        uid=uid,
        received_at=NOW,
        source="mail",
        own_addresses=("desk@example.test",),
        mailing_lists=(),
        size=None,
    )


@pytest.fixture
def intake(home):
    """A function that stores messages; its `database` is that of the desk."""
    database = open_database(f"sqlite:///{home}/deskyard.db")
    with database.writing() as conn:
        queues.ensure_queues(conn)
        since = NOW - timedelta(hours=1)
        connections.save_connection(conn, "mail", "imap", "imaps://desk@example.test/INBOX", since=since, cursor="7.0")
    context = AppContext(database, home / "models")

    def read(*messages):
        with database.reading() as conn:
            connection = connections.find_by_name(conn, "mail")
        mail_intake.file_messages(context, connection, MailPage(messages, "7.9", False))
        with database.reading() as conn:
            return connections.find_by_name(conn, "mail").cursor

    def take_in(fetch):
        with database.reading() as conn:
            connection = connections.find_by_name(conn, "mail")
        mail_intake.take_in_requested(context, connection, fetch)

    read.database, read.take_in = database, take_in
    yield read
    database.close()


def all_tickets(intake):
    with intake.database.reading() as conn:
        return [found for number in range(1, 20) if (found := tickets.find_ticket(conn, number))]


def test_a_message_is_a_ticket_once_and_the_place_is_kept(intake):
    for _ in range(2):
        assert intake(mail(1, "VPN drops", "Every ten minutes.")) == "7.9"
    (ticket,) = all_tickets(intake)
    assert (ticket.ticket.subject, ticket.ticket.source, ticket.ticket.channel) == ("VPN drops", "mail", "mail")
    assert "Every ten minutes." in ticket.ticket.body
    assert (ticket.external_id, ticket.queue) == ("1@example.test", "triage")


def test_an_answer_is_said_on_its_ticket_and_so_is_an_answer_to_that(intake):
    first = mail(1, "VPN drops", name="a")
    second = mail(
        2,
        "Re: VPN drops",
        "It is worse now.\n\nOn Mon, 23 Nov 2026 at 10:00, ann <ann@example.test> wrote:\n> Hello.",
        name="b",
        answers="a",
    )
    third = mail(3, "Re: VPN drops", "Still.", name="c", answers="b")
    intake(first, second, third)
    intake(third, second, first)
    (ticket,) = all_tickets(intake)
    with intake.database.reading() as conn:
        written = comments.list_comments(conn, ticket.id)
        kinds = [entry.kind for entry in Journal.list_entries(conn, ticket.id)]
    assert [one.text.strip().splitlines()[0] for one in written] == ["It is worse now.", "Still."]
    assert written[0].text.endswith("wrote:\n> Hello.")
    assert all(one.public for one in written)
    assert kinds.count("decided") == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-replied"},
        {"From": "mailer-daemon@mx.test"},
        {"Precedence": "bulk"},
        {"X_Deskyard": "notice"},
        {"List_Id": "<news.x.test>"},
    ],
    ids=str,
)
def test_what_no_person_wrote_is_no_ticket_and_no_answer(intake, headers):
    intake(mail(1, "VPN drops", name="a"), mail(2, "Re: VPN drops", name="b", answers="a", **headers))
    (ticket,) = all_tickets(intake)
    with intake.database.reading() as conn:
        assert comments.list_comments(conn, ticket.id) == []
        (one,) = left_out_mails.list_mails(conn)
    assert (one.subject, one.connection, one.place, one.ticket_id) == ("Re: VPN drops", "mail", "7.2", None)


def left_out(intake):
    with intake.database.reading() as conn:
        return left_out_mails.list_mails(conn, "mail"), left_out_mails.count_by_kind(conn)


def test_what_is_left_out_is_counted_once_with_its_reason(intake, command):
    machine = mail(1, "Away", name="a", Auto_Submitted="auto-replied")
    intake(machine, mail(2, "Out of office: VPN", "I am away.", name="b"), mail(3, "News", name="c", Precedence="bulk"))
    intake(machine)
    mails, counts = left_out(intake)
    assert [(one.id, one.kind) for one in mails] == [(3, "automatic"), (2, "auto_reply"), (1, "auto_reply")]
    assert counts == {1: {"auto_reply": 2, "automatic": 1}}
    told = command("connections").out
    assert "left out: 2 automatic replies, 1 mail of a program" in told
    listed = command("connections", "--left-out").out
    assert "ann@example.test: Away; an automatic message (Auto-Submitted: auto-replied)" in listed


def test_what_was_left_out_is_taken_in_after_all(intake, command):
    away = mail(4, "Away", "Back on Monday.", name="a", Auto_Submitted="auto-replied")
    intake(away, mail(5, "News", name="b", Precedence="bulk"))
    assert "is read from 'mail' within a minute" in command("connections", "--take-in", "1", "--take-in", "2").out
    assert "is taken in with the next pull" in command("connections", "--left-out").out
    asked = []

    def fetch(place):
        asked.append(place)
        if place == "7.5":
            raise NotFound("the message is no longer in the folder")
        return away

    for _ in range(2):
        intake.take_in(fetch)
    (ticket,) = all_tickets(intake)
    assert (asked, ticket.ticket.subject, ticket.ticket.requester) == (["7.4", "7.5"], "Away", "ann@example.test")
    mails, counts = left_out(intake)
    assert [(one.ticket_id, one.trouble) for one in mails] == [
        (None, "the message is no longer in the folder"),
        (ticket.id, ""),
    ]
    assert counts == {1: {"automatic": 1}}
    assert "it is ticket 1" in command("connections", "--take-in", "1").err
    assert "there is no left-out mail 9" in command("connections", "--take-in", "9").err
    intake(away)
    assert len(all_tickets(intake)) == 1


def test_the_record_of_left_out_mails_is_kept_for_a_time_and_erased_with_its_sender(intake):
    intake(*(mail(n, "Away", f"{n}", name="a", Auto_Submitted="auto-replied") for n in (1, 2)))
    with intake.database.writing() as conn:
        left_out_mails.request(conn, 2, "ann")
        assert left_out_mails.delete_before(conn, datetime.now(UTC) + timedelta(days=1)) == 1
    with intake.database.reading() as conn:
        plan = erasure.find_by_requester(conn, "Ann@Example.test")
    assert plan.left_out_mails == 1
    erasure.apply_erasure(intake.database, plan, "x", Actor("person", "ann"), lambda: NOW)
    assert left_out(intake) == ([], {})


SENT = "Sun, 01 Mar 2026 10:00:00 +0000"


def test_one_mail_that_is_delivered_a_hundred_times_is_one_ticket(intake):
    footer = "\n____________\nhelp mailing list\nTo unsubscribe: https://lists.test/mailman/listinfo/help"
    copies = [
        mail(n, "VPN", "It is down." + footer * (n % 2), name="a", Date=SENT, Received=f"{n}") for n in range(100)
    ]
    intake(*copies)
    intake(*copies[::-1])
    assert len(all_tickets(intake)) == 1


def test_other_mails_with_the_same_message_id_are_other_tickets(intake):
    first = mail(1, "Scan", "The printer is on fire.", name="a", Date=SENT)
    others = [
        mail(2, "Scan", "The door is stuck.", name="a", Date=SENT),
        mail(3, "Scan", "The printer is on fire.", name="a", Date="Mon, 02 Mar 2026 10:00:00 +0000"),
        mail(4, "Scan", "The printer is on fire.", name="a", Date=SENT, From="bob@example.test"),
    ]
    intake(first, *others)
    intake(*others[::-1], first)
    found = all_tickets(intake)
    assert len(found) == 4
    assert found[0].external_id == "a@example.test"
    assert [one.external_id for one in found[1:]] == [f"a@example.test#{one.fingerprint[:16]}" for one in others]


def test_other_answers_with_the_same_message_id_are_other_comments(intake):
    intake(mail(1, "VPN", name="a"))
    answers = [mail(n, "Re: VPN", text, name="b", answers="a") for n, text in ((2, "Still."), (3, "Now it works."))]
    intake(*answers)
    intake(*answers)
    with intake.database.reading() as conn:
        assert [one.text.strip() for one in comments.list_comments(conn, 1)] == ["Still.", "Now it works."]


def test_mails_that_were_filed_before_an_upgrade_are_known_after_it(intake):
    first = mail(1, "Scan", "The printer is on fire.", name="a", Date=SENT)
    intake(first)
    with intake.database.writing() as conn:
        conn.execute(delete(MAILS))
    intake(first, mail(2, "Scan", "A door is stuck.", name="a", Date=SENT, From="bob@example.test"))
    assert [one.ticket.requester for one in all_tickets(intake)] == ["ann@example.test", "bob@example.test"]


def test_nothing_that_tells_an_erased_mail_stays_and_it_does_not_come_back(intake):
    intake(mail(1, "VPN", name="a"), mail(2, "Re: VPN", "still", name="b", answers="a"))
    with intake.database.reading() as conn:
        found = erasure.find_by_requester(conn, "ann@example.test")
    erasure.apply_erasure(intake.database, found, "x", Actor("person", "ann"), lambda: NOW)
    with intake.database.reading() as conn:
        assert all(one.startswith("erased-") for one in conn.scalars(select(MAILS.c.fingerprint)))
    intake(mail(1, "VPN", name="a"), mail(2, "Re: VPN", "still", name="b", answers="a"))
    assert [one.ticket.subject for one in all_tickets(intake)] == [""]


def test_the_first_mail_keeps_its_message_id_though_it_was_not_filed_yet(intake):
    mine, theirs = (mail(n, "Scan", text, name="a", Date=SENT) for n, text in ((1, "one"), (2, "two")))
    with intake.database.writing() as conn:
        connection = connections.find_by_name(conn, "mail")
        ids = [
            filed_mails.assign_external_id(conn, connection, "a@x", one.fingerprint, sender="ann", text="")
            for one in (mine, theirs, mine)
        ]
    assert ids == ["a@x", f"a@x#{theirs.fingerprint[:16]}", "a@x"]


def test_a_mail_that_is_wanted_twice_is_refused_once_it_is_a_ticket(intake):
    intake(mail(1, "Away", Auto_Submitted="auto-replied"))
    with intake.database.writing() as conn:
        left_out_mails.finish_request(conn, 1, ticket=7)
        with pytest.raises(StoreConflict, match="it is ticket 7"):
            left_out_mails.request(conn, 1, "ann")


def test_what_was_received_before_the_connection_stays_where_it_is(intake):
    old = mail(1, "An old matter")
    intake(mail_message.MailMessage(ticket=old.ticket, uid=1, received_at=NOW - timedelta(days=3)))
    assert all_tickets(intake) == []
    assert left_out(intake)[1] == {1: {"earlier": 1}}


def test_a_mailbox_that_can_not_be_read_is_told_in_a_sentence(command):
    result = command("connect", "imaps://desk:s3cretword@127.0.0.1:1/INBOX")
    assert result.code == 2
    assert "the mailbox can't be read yet: " in result.err
    assert "s3cretword" not in result.err + result.out
    assert "there is no password for" in command("connect", "imaps://desk@127.0.0.1:1/INBOX").err
    assert "write a mailbox as imaps://" in command("connect", "imaps://127.0.0.1").err


def test_about_an_erased_ticket_nothing_is_said_and_what_was_said_before_is_no_news(intake):
    intake(mail(1, "VPN"), mail(2, "Re: VPN", "still", answers="1"))
    with intake.database.reading() as conn:
        found = erasure.find_by_requester(conn, "ann@example.test")
    erasure.apply_erasure(intake.database, found, "x", Actor("person", "ann"), lambda: NOW)
    intake(mail(1, "VPN"), mail(2, "Re: VPN", "still", answers="1"))
    assert [one.ticket.subject for one in all_tickets(intake)] == [""]
    intake(mail(3, "Re: VPN", "once more", answers="1"), mail(4, "Re: VPN", "and more", answers="2"))
    assert [one.ticket.subject for one in all_tickets(intake)] == ["", "Re: VPN", "Re: VPN"]
    with intake.database.reading() as conn:
        assert [one.text for one in comments.list_comments(conn, 1)] == [""]
