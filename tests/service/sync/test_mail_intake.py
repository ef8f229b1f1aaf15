"""Messages become tickets and comments, once; automatic messages are skipped. Here the messages come from a page of a
mailbox; tests/real/test_dovecot.py reads them from a real mail server by IMAP."""

from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import pytest

from deskyard.db.database import open_database
from deskyard.desk import comments, queues, tickets
from deskyard.domain.actors import Actor
from deskyard.journal.journal import Journal
from deskyard.mail import message as mail_message
from deskyard.mail.mailbox import MailPage
from deskyard.privacy import erasure
from deskyard.sync import connections
from service.runtime.context import AppContext
from service.sync import mail_intake

NOW = datetime.now(UTC)


def mail(uid, subject, body="Hello.", *, name="", answers="", **headers):
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "ann@example.test", "desk@example.test", subject
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

    read.database = database
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


def test_what_was_received_before_the_connection_stays_where_it_is(intake):
    old = mail(1, "An old matter")
    intake(mail_message.MailMessage(ticket=old.ticket, uid=1, received_at=NOW - timedelta(days=3)))
    assert all_tickets(intake) == []


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
