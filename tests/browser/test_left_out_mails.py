"""Mails without a ticket in chromium: on every screen, in both languages, and taken in with the keyboard alone."""

from datetime import UTC, datetime, timedelta

import pytest

from deskyard.db.database import open_database
from deskyard.mail.auto_reply import KINDS
from deskyard.mail.message import parse_message
from deskyard.sync import connections, left_out_mails
from service.pages.left_out_mails import REASONS
from service.runtime.context import AppContext
from service.sync import mail_intake
from tests.browser.conftest import LANGUAGES, SCREENS, copied, fits

NOW = datetime.now(UTC)
AWAY = b"From: ann@example.org\nSubject: Automatic reply: VPN\nMessage-ID: <1@example.org>\n\nI am away until Monday.\n"
LONG = "Undelivered-Mail-Returned-to-Sender-" * 8
REASON = "an automatic message (Auto-Submitted: auto-replied)"


@pytest.fixture(scope="module")
def lived(lived, tmp_path_factory):
    """A home with a mailbox out of which a mail of each kind was left, and one that can't be taken in."""
    home = copied(lived, tmp_path_factory.mktemp("mails"))
    database = open_database(f"sqlite:///{home}/deskyard.db")
    with database.writing() as conn:
        made = connections.save_connection(
            conn, "mail", "imap", "imap://desk@127.0.0.1:1/INBOX", since=NOW - timedelta(days=1)
        )
        for number, kind in enumerate((*KINDS, KINDS[0])):
            left_out_mails.record(
                conn, made.id, message_id=f"{number}@x", fingerprint="f", place=f"7.{number + 1}", kind=kind,
                reason=REASON, sender="ann@example.org", subject=LONG if number == 1 else f"Automatic reply: {number}",
                received_at=NOW, at=NOW,
            )  # fmt: skip
        left_out_mails.finish_request(conn, len(KINDS) + 1, ticket=None, trouble=REASONS[-1])
    database.close()
    return home


@pytest.mark.parametrize(("language", "width", "scheme"), SCREENS)
def test_the_page_fits_every_screen_and_everybody(looking, language, width, scheme):
    page = looking.open("/left-out-mails", language, width=width, color_scheme=scheme)
    assert page.locator("main li").count() == len(KINDS) + 1
    fits(page, language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_mail_is_taken_in_with_the_keyboard_and_becomes_a_ticket(at, home, language):
    page = at.open("/left-out-mails", language)
    page.locator("#mail-1 button").focus()
    page.keyboard.press("Enter")
    page.locator("#mail-1 button").wait_for(state="detached")
    assert page.url.endswith("#mail-1")
    fits(page, language)
    database = open_database(f"sqlite:///{home}/deskyard.db")
    with database.reading() as conn:
        connection = connections.find_by_name(conn, "mail")
    wanted = parse_message(AWAY, uid=1, received_at=NOW, source="mail")
    mail_intake.take_in_requested(AppContext(database, home / "models"), connection, lambda _: wanted)
    database.close()
    page.reload()
    page.locator("#mail-1 a").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/tickets/*")
    assert "I am away until Monday." in page.locator("main").inner_text()
