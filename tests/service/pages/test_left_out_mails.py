"""Managers see which mails became no ticket and why, and take one in after all."""

from datetime import UTC, datetime, timedelta

import pytest

from deskyard.db.database import open_database
from deskyard.sync import connections, left_out_mails
from tests.service.pages.people import sign_in_as

NOW = datetime.now(UTC)


@pytest.fixture
def mailbox(client, tmp_path):
    """A service with a mailbox out of which three mails were left."""
    database = open_database(f"sqlite:///{tmp_path}/deskyard.db")
    with database.writing() as conn:
        made = connections.save_connection(conn, "post", "imap", "imaps://x/INBOX", since=NOW - timedelta(days=1))
        for number, kind in enumerate(("bounce", "auto_reply", "auto_reply")):
            left_out_mails.record(
                conn, made.id, message_id=f"{number}@x", fingerprint="f", place=f"7.{number}", kind=kind,
                reason="an automatic message (Precedence: junk)", sender="<b>bob@example.test</b>",
                subject=f"Away {number}", received_at=NOW, at=NOW,
            )  # fmt: skip
    yield client, database
    database.close()


def test_left_out_mails_are_listed_with_their_reasons(mailbox):
    client, _ = mailbox
    assert "3 mails without a ticket" in client.get("/").text
    shown = client.get("/left-out-mails").text
    assert [f"Away {n}" in shown for n in range(3)] == [True] * 3
    assert "Precedence: junk" in shown
    assert "<b>bob" not in shown
    assert "автоматическое письмо" in client.get("/left-out-mails", headers={"Accept-Language": "ru"}).text
    assert "письма без заявки" in client.get("/", headers={"Accept-Language": "ru"}).text
    listed = client.get("/v1/connections").json()["items"][0]["left_out_mails"]
    assert listed == {"bounce": 1, "auto_reply": 2}


def test_a_button_takes_a_mail_in(mailbox):
    client, database = mailbox
    assert client.post("/left-out-mails/2", follow_redirects=False).status_code == 303
    assert "becomes a ticket within a minute" in client.get("/left-out-mails").text
    with database.reading() as conn:
        (wanted,) = left_out_mails.list_requested(conn, 1)
    assert (wanted.id, wanted.requested_by) == (2, "local")
    assert client.post("/left-out-mails/9").status_code == 404
    assert "mail.take_in" in client.get("/v1/audit").text


def test_agents_see_the_count_and_not_the_mails(mailbox):
    client, _ = mailbox
    sign_in_as(client, "ann", "agent")
    assert "3 mails without a ticket" in client.get("/").text
    assert client.get("/left-out-mails").status_code == 403
    assert client.post("/left-out-mails/2").status_code == 403


def test_a_desk_without_left_out_mails_says_so(client):
    assert "No mail was left out." in client.get("/left-out-mails").text
