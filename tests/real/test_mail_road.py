"""Mail from a real mail server becomes tickets and comments of a running service, once."""

import time
from email.message import EmailMessage

import pytest
from sqlalchemy import create_engine, text

from tests.fakes.foreign import Deskyard
from tests.real.dovecot_stand import stand

pytestmark = pytest.mark.real


def mail(name, subject, body, **headers):
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "ann@example.test", "desk@example.test", subject
    made["Message-ID"] = f"<{name}@example.test>"
    for header, value in headers.items():
        made[header.replace("_", "-")] = value
    made.set_content(body)
    return bytes(made)


def counted(home, query):
    engine = create_engine(f"sqlite:///{home}/deskyard.db")
    try:
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(query))]
    finally:
        engine.dispose()


def test_a_mail_is_a_ticket_its_answer_a_comment_and_an_automatic_one_nothing(tmp_path):
    with stand() as post:
        here = Deskyard(tmp_path, DESKYARD_PULL_INTERVAL="2")
        try:
            print(here.run("connect", post.url()))
            serving = here.start("serve", "--port", "0")
            post.deliver(mail("a", "Не печатает принтер", "Третий день, второй этаж."))
            post.deliver(mail("b", "Re: Не печатает принтер", "И сканер тоже.", In_Reply_To="<a@example.test>"))
            post.deliver(mail("c", "Out of office", "I am away.", Auto_Submitted="auto-replied"))
            until = time.monotonic() + 60
            query = "SELECT ticket_id, text, public FROM desk_comments"
            while not counted(tmp_path, query) and time.monotonic() < until:
                time.sleep(0.5)
            here.kill(serving)
            here.start("serve", "--port", "0")
            post.deliver(mail("d", "VPN drops", "Every ten minutes."))
            while len(counted(tmp_path, "SELECT 1 FROM desk_tickets")) < 2 and time.monotonic() < until:
                time.sleep(0.5)
            time.sleep(5)
        finally:
            here.end()
        tickets = "SELECT source, external_id, subject, channel, requester FROM desk_tickets ORDER BY id"
        assert counted(tmp_path, tickets) == [
            ("mail", "a@example.test", "Не печатает принтер", "mail", "ann@example.test"),
            ("mail", "d@example.test", "VPN drops", "mail", "ann@example.test"),
        ]
        assert [(row[0], row[1].strip(), row[2]) for row in counted(tmp_path, query)] == [(1, "И сканер тоже.", 1)]
