"""Bounces without headers are known in seven languages; a postmaster who writes is a person."""

import time

import pytest

from deskyard.mail.bounces import is_bounce

BOUNCES = [
    ("postmaster@mx.example", "", "Undeliverable: Re: hi", ""),
    ("postmaster@mx.example", "", "Недоставленное сообщение", ""),
    ("postmaster@x.example", "", "Unzustellbar: Anfrage", ""),
    ("postmaster@x.example", "", "Отчет о недоставке", ""),
    ("postmaster@x.example", "", "Não é possível entregar: x", ""),
    ("postmaster@x.example", "", "Non remis : Votre demande", ""),
    ("postmaster@x.example", "", "No se puede entregar: x", ""),
    ("postmaster@x.example", "", "Не вдалося доставити: x", ""),
    ("MAILER-DAEMON@x.example", "", "x", ""),
    ("noreply@x.example", "Mail Delivery Subsystem", "Delivery Status Notification (Failure)", ""),
    ("postmaster@x.example", "", "Message status", "Your message to ann could not be delivered"),
    ("postmaster@x.example", "", "Сообщение", "Ваше сообщение не доставлено получателю"),
    ("", "", "Mail delivery failed: returning message to sender", ""),
    ("MicrosoftExchange329e71@x.example", "Microsoft Outlook", "Nicht zustellbar: x", ""),
    ("postmaster@x.example", "", "Échec de remise", ""),
    ("postmaster@x.example", "", "Zustellung fehlgeschlagen", ""),
    ("postmaster@x.example", "", "Benachrichtigung zum Übermittlungsstatus (Fehlgeschlagen)", ""),
    ("postmaster@x.example", "", "Notification d'état de remise (échec)", ""),
    ("postmaster@x.example", "", "Entrega retrasada: x", ""),
    ("postmaster@x.example", "", "Entrega atrasada", ""),
    ("postmaster@x.example", "", "Доставка отложена: заявка", ""),
    ("postmaster@x.example", "", "Сповіщення про стан доставки (помилка)", ""),
    ("postmaster@x.example", "", "Warning: message 1abc-2d delayed 24 hours", ""),
    ("postmaster@x.example", "", "Rejected: your message", "550 5.1.1 user unknown"),
]
NO_BOUNCES = [
    ("postmaster@x.example", "Ivan", "Новый принтер", "Подключите принтер"),
    ("postmaster@x.example", "Ivan", "Ошибка доставки заказа из 1С", ""),
    ("mailer@shop.example", "Shop", "Delivery problem with order 5", "The parcel was not delivered"),
    ("ann@x.example", "Ann", "Undelivered Mail Returned to Sender", "what is it?"),
    ("postmaster@x.example", "Ivan", "Re: Undelivered mail", "Hello, we looked at it"),
    (
        "postmaster@x.example",
        "Ivan",
        "Mail between us",
        "Hello, mails from our server can not be delivered to you since Monday",
    ),
]


@pytest.mark.parametrize(("address", "name", "subject", "text"), BOUNCES)
def test_bounces_without_headers_are_known_in_seven_languages(address, name, subject, text):
    assert is_bounce(address, name, subject, text)


@pytest.mark.parametrize(("address", "name", "subject", "text"), NO_BOUNCES)
def test_a_postmaster_who_writes_is_a_person(address, name, subject, text):
    assert not is_bounce(address, name, subject, text)


def test_nobody_can_make_a_subject_or_text_that_takes_long():
    began = time.process_time()
    for word in ("your message ", "доставка ", "a", " ", "nao foi ", "konnte nicht "):
        is_bounce("postmaster@x.example", word * 50_000, word * 50_000, word * 50_000)
    assert time.process_time() - began < 2
