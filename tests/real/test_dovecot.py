"""A mailbox of a real mail server is read page by page, completely and without changes; errors are reported."""

import threading
import time
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import pytest

from deskyard.errors import AccessDenied, BadInput, NotFound, StoreUnreachable
from deskyard.mail.mailbox import HEAD_BYTES, MAX_MESSAGE_BYTES, Mailbox
from tests.real.dovecot_stand import PASSWORD, stand
from tests.real.stand import free_port

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def post():
    with stand() as one:
        yield one


@pytest.fixture
def folder(post, request):
    """A fresh folder for each test."""
    name = f"f{time.time_ns()}"
    post.make(name)
    return name


@pytest.fixture
def trusted(post, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", post.variables["CERT"])


def mail(number, **more):
    made = EmailMessage()
    made["From"], made["To"] = "Ann <ann@example.org>", "desk@example.test"
    made["Subject"], made["Message-ID"] = f"Заявка {number}", f"<{number}@example.org>"
    for name, value in more.items():
        made[name.replace("_", "-")] = value
    made.set_content(f"Принтер {number} не печатает")
    return made.as_bytes()


def ids(page):
    return [one.ticket.id for one in page.messages]


def test_every_message_comes_once_page_by_page_also_those_that_arrive_meanwhile(post, folder):
    box = Mailbox.from_url(post.url(folder))
    assert box.pull(None, 3).messages == ()
    for n in range(7):
        post.deliver(mail(n), folder)
    first = box.pull(None, 3)
    assert (len(first.messages), first.more) == (3, True)
    post.deliver(mail(7), folder)
    post.append(folder, mail(8))
    second = box.pull(first.cursor, 3)
    third = box.pull(second.cursor, 3)
    assert sorted(ids(first) + ids(second) + ids(third)) == [f"{n}@example.org" for n in range(9)]
    assert not third.more
    assert [one.uid for page in (first, second, third) for one in page.messages] == list(range(1, 10))
    nothing = box.pull(third.cursor, 3)
    assert (nothing.messages, nothing.cursor, nothing.more, nothing.restarted) == ((), third.cursor, False, False)
    read = {one.ticket.subject: one.ticket.body for one in first.messages}
    assert all(f"Принтер {subject.split()[1]} не печатает" == body for subject, body in read.items())


def test_nothing_in_the_mailbox_is_changed(post, folder):
    post.deliver(mail(1), folder)
    post.append(folder, mail(2), r"(\Seen \Flagged)")
    before = post.flags(folder)
    box = Mailbox.from_url(post.url(folder))
    assert len(box.pull(None, 10).messages) == 2
    assert box.health().ok
    assert post.flags(folder) == before
    assert not any(b"Seen" in line for line in before if b"Flagged" not in line)


def test_a_folder_that_was_made_anew_is_read_from_its_beginning_and_the_ids_are_the_same(post, folder):
    box = Mailbox.from_url(post.url(folder))
    for n in range(3):
        post.append(folder, mail(n))
    nameless = mail("x").replace(b"Message-ID: <x@example.org>\n", b"")
    post.append(folder, nameless)
    old = box.pull(None, 10)
    post.make(folder)
    post.append(folder, mail(1))
    post.append(folder, nameless)
    new = box.pull(old.cursor, 1)
    rest = box.pull(new.cursor, 10)
    assert new.restarted
    assert not rest.restarted
    assert set(ids(new) + ids(rest)) == {"1@example.org", ids(old)[3]}
    assert new.cursor.partition(".")[0] != old.cursor.partition(".")[0]


def test_what_was_deleted_is_no_gap(post, folder):
    for n in range(6):
        post.append(folder, mail(n))
    post.remove(folder, "2:4")
    box = Mailbox.from_url(post.url(folder))
    assert ids(box.pull(None, 2)) == ["0@example.org", "4@example.org"]
    post.remove(folder, "1:6")
    assert box.pull(box.pull(None, 5).cursor, 5).messages == ()
    post.append(folder, mail(9))
    assert ids(box.pull(None, 5)) == ["9@example.org"]


def test_a_message_that_vanishes_while_the_page_is_read_is_left_out(post, folder, monkeypatch):
    for n in range(3):
        post.append(folder, mail(n))
    box = Mailbox.from_url(post.url(folder))
    from deskyard.mail.imap_client import MailFolder

    read = MailFolder.fetch

    def meanwhile(self, uid, *rest, **more):
        if uid == 1:
            post.remove(folder, "2")
            self._connection.noop()
        return read(self, uid, *rest, **more)

    monkeypatch.setattr(MailFolder, "fetch", meanwhile)  # only the moment is made: all answers are the server's
    assert ids(box.pull(None, 10)) == ["0@example.org", "2@example.org"]


def test_a_mailbox_of_thousands_is_listed_in_stretches(post, folder):
    many = 2500
    for n in range(many):
        post.deliver(mail(n), folder)
    box = Mailbox.from_url(post.url(folder))
    box.pull(None, 1)
    post.remove(folder, f"2:{many - 3}")
    began = time.monotonic()
    page = box.pull(None, 100)
    assert [one.uid for one in page.messages] == [1, many - 2, many - 1, many]
    assert time.monotonic() - began < 5


def test_reading_begins_at_a_moment(post, folder):
    post.append(folder, mail(1), at="01-Mar-2026 10:00:00 +0300")
    post.append(folder, mail(2), at="01-Mar-2026 12:00:00 +0300")
    box = Mailbox.from_url(post.url(folder))
    received = [one.received_at for one in box.pull(None, 10).messages]
    assert received == [datetime(2026, 3, 1, 7, tzinfo=UTC), datetime(2026, 3, 1, 9, tzinfo=UTC)]
    assert [one.ticket.created_at for one in box.pull(None, 10).messages] == received
    for moment, left in [(datetime(2026, 1, 1, tzinfo=UTC), 2), (received[1], 1), (datetime.now(UTC), 0)]:
        assert len(box.pull(box.cursor_at(moment), 10).messages) == left
    later = box.cursor_at(datetime.now(UTC) + timedelta(days=1))
    post.append(folder, mail(3))
    assert ids(box.pull(later, 10)) == ["3@example.org"]


def test_no_message_stops_the_others(post, folder):
    strange = [
        b"",
        b"\0\0\0",
        b"\r\n\r\n\r\n",
        bytes(range(256)) * 40,
        "Subject: Не печатает\n\nПринтер".encode("koi8-r"),
        b"Content-Type: multipart/mixed; boundary=x\n\nno part at all",
        b"Content-Type: message/rfc822\n\n" * 3000,
        b"Content-Type: text/plain; charset=no-such\nContent-Transfer-Encoding: base64\n\n!!!",
        b"Subject: " + b"=?utf-8?b?" * 5000 + b"\n\nx",
    ]
    for raw in strange:
        post.deliver(raw, folder)
    post.deliver(mail("good"), folder)
    page = Mailbox.from_url(post.url(folder)).pull(None, 50)
    assert len(page.messages) == len(strange) + 1
    assert len(set(ids(page))) == len(page.messages)
    assert "good@example.org" in ids(page)
    assert "Не печатает" in [one.ticket.subject for one in page.messages]
    assert "(unreadable message)" in [one.ticket.subject for one in page.messages]


def test_a_message_that_is_too_large_is_cut_with_a_note(post, folder):
    made = EmailMessage()
    made["Subject"], made["Message-ID"], made["From"] = "Большое вложение", "<big@example.org>", "ann@example.org"
    made.set_content("Смотрите вложение")
    made.add_attachment(b"\0" * 20_000_000, maintype="application", subtype="zip", filename="архив.zip")
    raw = made.as_bytes()
    assert len(raw) > MAX_MESSAGE_BYTES
    post.append(folder, raw)
    post.append(folder, mail(2))
    big, small = Mailbox.from_url(post.url(folder)).pull(None, 10).messages
    assert (big.ticket.id, big.ticket.subject) == ("big@example.org", "Большое вложение")
    assert big.ticket.body.startswith("Смотрите вложение\n\n[cut: the message has 2")
    assert big.ticket.fields["attachments"] == "архив.zip"
    assert len(big.ticket.body) < HEAD_BYTES
    assert "cut" not in small.ticket.body


def test_a_folder_may_have_a_name_in_any_letters(post):
    name = '"Заявки & \\отпуска"'
    from deskyard.mail.imap_client import _encode_utf7, _quote

    post.make(_quote(_encode_utf7(name)))
    post.append(_quote(_encode_utf7(name)), mail(1))
    box = Mailbox.from_url(post.url(name))
    assert ids(box.pull(None, 5)) == ["1@example.org"]
    assert box.health().ok


@pytest.mark.parametrize(("scheme", "host"), [("imap", "127.0.0.2"), ("imaps", "localhost"), ("imaps", "127.0.0.1")])
def test_over_a_network_the_password_goes_by_tls_and_to_the_right_server_only(post, folder, trusted, scheme, host):
    post.append(folder, mail(1))
    assert ids(Mailbox.from_url(post.url(folder, scheme=scheme, host=host)).pull(None, 5)) == ["1@example.org"]
    assert "TLS" in (post.folder / "dovecot.log").read_text().rpartition("Login:")[2]


@pytest.mark.parametrize(("scheme", "host"), [("imap", "127.0.0.2"), ("imaps", "localhost")])
def test_a_server_that_nobody_vouches_for_is_not_shown_the_password(post, scheme, host):
    logins = (post.folder / "dovecot.log").read_text().count("Login:")
    box = Mailbox.from_url(post.url(scheme=scheme, host=host))
    with pytest.raises(StoreUnreachable, match="certificate that can't be trusted"):
        box.pull(None, 1)
    assert (post.folder / "dovecot.log").read_text().count("Login:") == logins


def test_a_certificate_for_another_name_is_refused(post, trusted):
    with pytest.raises(StoreUnreachable, match="certificate that can't be trusted"):
        Mailbox.from_url(post.url(scheme="imaps", host="127.1")).pull(None, 1)


def test_a_wrong_password_is_told_without_showing_it(post):
    box = Mailbox.from_url(post.url(password="wrong-pässword"))
    with pytest.raises(AccessDenied, match="check the user and the password") as raised:
        box.pull(None, 1)
    assert "wrong" not in str(raised.value)
    assert any("check the user" in sentence for sentence in box.health().missing)
    for shown in (repr(box), box.display_url, repr(box.__dict__)):
        assert "wrong" not in shown
        assert PASSWORD not in shown


def test_a_folder_that_is_not_there_is_told(post):
    with pytest.raises(NotFound, match="there is no folder 'Nowhere'"):
        Mailbox.from_url(post.url("Nowhere")).pull(None, 1)


def test_a_strange_cursor_is_refused(post):
    with pytest.raises(BadInput, match="not a cursor"):
        Mailbox.from_url(post.url()).pull("yesterday", 1)


def test_reading_goes_on_where_it_was_when_the_server_comes_back(post, folder):
    box = Mailbox.from_url(post.url(folder))
    for n in range(3):
        post.append(folder, mail(n))
    page = box.pull(None, 2)
    post.stop()
    with pytest.raises(StoreUnreachable, match="can't be reached") as raised:
        box.pull(page.cursor, 2)
    assert raised.value.retry_after >= 1
    assert "can't be reached" in box.health().missing[0]
    post.start()
    rest = box.pull(page.cursor, 2)
    assert (ids(page) + ids(rest), rest.restarted) == ([f"{n}@example.org" for n in range(3)], False)


def test_nobody_at_the_port():
    with pytest.raises(StoreUnreachable):
        Mailbox.from_url(f"imap://ann:secret@127.0.0.1:{free_port()}/").pull(None, 1)


def test_many_threads_may_read_one_mailbox(post, folder):
    for n in range(5):
        post.append(folder, mail(n))
    box, found = Mailbox.from_url(post.url(folder)), []
    threads = [threading.Thread(target=lambda: found.append(ids(box.pull(None, 5)))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert found == [[f"{n}@example.org" for n in range(5)]] * 4


def test_answers_and_automatic_messages_are_told_apart(post, folder):
    post.append(folder, mail(1))
    post.append(folder, mail(2, In_Reply_To="<1@example.org>", References="<0@example.org> <1@example.org>"))
    post.append(folder, mail(3, Auto_Submitted="auto-replied"))
    post.append(folder, mail(4).replace(b"Ann <ann@example.org>", b"Desk <DESK@example.test>"))
    first, answer, automatic, own = Mailbox.from_url(post.url(folder)).pull(None, 5).messages
    assert (first.references, first.automatic_reason) == ((), None)
    assert (answer.references, answer.automatic_reason) == (("1@example.org", "0@example.org"), None)
    assert automatic.automatic_reason.text == "an automatic message (Auto-Submitted: auto-replied)"
    assert own.automatic_reason.text == "it comes from our own address"
