"""Notices by e-mail: sent once, marked as automatic, with the password over TLS only, and refusals distinguished."""

import logging
import socket
import ssl
import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from deskyard.errors import AccessDenied, BadInput, StoreRefused, StoreUnreachable
from deskyard.mail import message
from deskyard.mail.auto_reply import OWN, LeftOutReason
from service.notifications import http_post, open_channel, smtp
from tests.fakes.certificate import write
from tests.fakes.smtp import served
from tests.service.notifications.conftest import LOOPBACK

USERS = {"ways": "PLAIN LOGIN", "desk": "s3cret-пароль"}
ELSEWHERE = "198.51.100.7"


def channel(server, *, scheme="smtp", host="127.0.0.1", user="desk:s3cret-пароль@", to="ann@example.org", **more):
    url = f"{scheme}://{user}{host}:{server.port}/{to}?from=desk@example.org"
    return open_channel(url, "", [*LOOPBACK, "198.51.100.0/24"], **more)


@pytest.fixture
def context(tmp_path):
    cert, key = write(tmp_path, "mail.example", "127.0.0.1")
    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    made.load_cert_chain(cert, key)
    return made


@pytest.fixture
def trusted(context, tmp_path, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))


@pytest.fixture
def elsewhere(names, monkeypatch):
    """mail.example is not this machine; only the last step of the way there leads back to it."""
    names["mail.example"] = [ELSEWHERE]
    real = socket.create_connection

    def lead(address, *rest, **more):
        return real(("127.0.0.1", address[1]) if address[0] == ELSEWHERE else address, *rest, **more)

    monkeypatch.setattr(socket, "create_connection", lead)


def test_a_mail_tells_number_queue_and_link_and_that_a_machine_sent_it(notice):
    with served(users=USERS) as server:
        channel(server).send(notice)
        channel(server, language="ru", to="ann@example.org,bob@example.org").send(notice)
    (sender, to, mail), (_, both, again) = server.mails
    assert (sender, to, both) == ("desk@example.org", ["ann@example.org"], ["ann@example.org", "bob@example.org"])
    assert mail["Subject"] == "Ticket 12 was routed to IT & <Co>"
    assert mail.get_content().split("\r\n")[:2] == [
        "Ticket 12 was routed to IT & <Co>",
        "https://desk.example/tickets/12",
    ]
    assert again["Subject"] == "Заявка 12 направлена в очередь «IT & <Co>»"
    assert (mail["X-Deskyard"], mail["Auto-Submitted"]) == ("notice", "auto-generated")
    assert mail["Message-ID"] == again["Message-ID"] == "<n7.deskyard@example.org>"


def test_a_notice_that_comes_back_is_no_ticket(notice):
    with served() as server:
        channel(server, user="").send(notice)
    raw = server.mails[0][2].as_bytes()
    mail = message.parse_message(raw, uid=1, received_at=datetime(2026, 2, 1, tzinfo=UTC))
    assert mail.automatic_reason == LeftOutReason(OWN, "deskyard sent it itself (X-Deskyard)")


def test_over_a_network_starttls_comes_before_the_password(notice, context, trusted, elsewhere):
    with served(users=USERS, tls=context) as server:
        channel(server, host="mail.example").send(notice)
    assert server.encrypted == [True]
    assert server.heard.index("STARTTLS") < next(n for n, line in enumerate(server.heard) if line.startswith("AUTH"))


def test_without_tls_the_password_stays_here(notice, elsewhere):
    with served(users=USERS) as server:
        with pytest.raises(AccessDenied, match="use smtps://"):
            channel(server, host="mail.example").send(notice)
        assert not any(line.startswith("AUTH") for line in server.heard)
        channel(server, host="mail.example", user="").send(notice)
    assert len(server.mails) == 1


def test_a_server_that_nobody_vouches_for_is_not_shown_the_password(notice, context, elsewhere):
    with served(users=USERS, tls=context) as server, pytest.raises(StoreUnreachable, match="can't be trusted"):
        channel(server, host="mail.example").send(notice)
    assert not any(line.startswith("AUTH") for line in server.heard)


def test_smtps_is_tls_from_the_first_byte_under_the_right_name(notice, context, trusted, elsewhere, names):
    names["other.example"] = [ELSEWHERE]
    with served(users=USERS, tls=context, at_once=True) as server:
        channel(server, scheme="smtps", host="mail.example").send(notice)
        with pytest.raises(StoreUnreachable, match="can't be trusted"):
            channel(server, scheme="smtps", host="other.example").send(notice)
    assert server.encrypted == [True]


def test_a_server_that_knows_only_login_gets_it(notice):
    with served(users={"ways": "LOGIN", "desk": "s3cret"}) as server:
        channel(server, user="desk:s3cret@").send(notice)
        with pytest.raises(AccessDenied, match="beyond ASCII"):
            channel(server).send(notice)
    assert len(server.mails) == 1


@pytest.mark.parametrize(
    ("command", "answer", "error", "reason"),
    [
        ("AUTH", "535 5.7.8 s3cret-пароль is wrong", AccessDenied, "check the user and the password"),
        ("AUTH", "454 4.7.0 later", StoreUnreachable, "454"),
        ("MAIL", "550 5.1.8 no such sender", StoreRefused, "from: .*550"),
        ("MAIL", "451 greylisted", StoreUnreachable, "451"),
        ("MAIL", "530 5.7.0 log in first", AccessDenied, "check the user"),
        ("RCPT", "550 5.1.1 no such user", StoreRefused, "to: .*550"),
        ("RCPT", "450 4.2.0 greylisted", StoreUnreachable, "450"),
        ("DATA", "554 5.7.1 spam", StoreRefused, "notice: .*554"),
        ("DATA", "421 4.3.2 closing", StoreUnreachable, "421"),
        ("EHLO", None, StoreUnreachable, "broke the connection off"),
        ("DATA", None, StoreUnreachable, "broke the connection off"),
    ],
)
def test_every_answer_says_what_to_do(notice, command, answer, error, reason):
    with served(users=USERS) as server:
        server.answers[command] = answer
        with pytest.raises(error, match=reason) as raised:
            channel(server).send(notice)
        assert "s3cret" not in str(raised.value)
        assert server.mails == []
        server.answers.clear()
        channel(server).send(notice)
        assert len(server.mails) == 1


def test_a_mail_that_was_taken_is_taken_however_the_conversation_ends(notice):
    with served(users=USERS) as server:
        server.answers["QUIT"] = None
        channel(server).send(notice)
    assert len(server.mails) == 1


def test_a_server_without_a_login_is_told(notice):
    with served() as server, pytest.raises(AccessDenied, match="offers no login"):
        channel(server, user="desk:s3cret@").send(notice)


def test_whoever_dawdles_is_cut_off(notice, monkeypatch):
    monkeypatch.setattr(smtp, "DEADLINE", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"smtp://127.0.0.1:{listener.getsockname()[1]}/ann@example.org?from=desk@example.org"
        began = time.monotonic()
        with pytest.raises(StoreUnreachable, match="did not answer in time"):
            open_channel(url, "", LOOPBACK).send(notice)
    assert time.monotonic() - began < 5
    assert http_post.DEADLINE > 5


def test_nothing_inside_is_called_unless_it_is_allowed(notice):
    with served() as server:
        with pytest.raises(BadInput, match="DESKYARD_NOTIFY_ALLOW"):
            open_channel(channel(server, user="").display_url, "", []).send(notice)
        assert server.heard == []


def test_a_queue_can_add_no_header(notice):
    with served() as server:
        channel(server, user="").send(replace(notice, queue="IT\r\nBcc: eve@example.org", id="n7>\r\nX: y"))
    assert server.mails[0][1] == ["ann@example.org"]
    assert server.mails[0][2]["Bcc"] is None
    assert server.mails[0][2]["X"] is None


def test_the_password_is_in_no_log_and_no_word_about_the_channel(notice, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    with served(users=USERS) as server:
        opened = channel(server)
        opened.send(notice)
    shown = [repr(opened), opened.display_url, *(record.getMessage() for record in caplog.records), *capfd.readouterr()]
    assert not any("s3cret" in text for text in shown)
    again = open_channel(opened.display_url, opened.secret, [*LOOPBACK, "198.51.100.0/24"])
    assert again == opened
