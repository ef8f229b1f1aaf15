"""Forwards, cut texts and machines are known by what a history says of them, in seven languages."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.data_audit.mail_kinds import is_forward, is_machine_mail, is_mostly_cut

FORWARDS = [
    "---------- Forwarded message ---------", "Begin forwarded message:", "-------- Forwarded Message --------",
    "-------- Пересылаемое сообщение --------", "---------- Пересланное сообщение ----------",
    "-------- Перенаправленное сообщение --------", "Начало переадресованного сообщения:",
    "---------- Weitergeleitete Nachricht ---------", "Anfang der weitergeleiteten Nachricht:",
    "---------- Mensaje reenviado ---------", "Inicio del mensaje reenviado:",
    "---------- Mensagem encaminhada ---------", "Início da mensagem reencaminhada:",
    "---------- Переслане повідомлення ---------", "Початок листа, що пересилається:",
    "---------- Message transféré ---------", "Début du message réexpédié :",
]  # fmt: skip
MACHINES = [
    "Automatic reply: printer", "Out of Office", "Undeliverable: printer", "Автоответ: принтер",
    "Не доставлено: заявка", "Automatische Antwort: Drucker", "Abwesenheitsnotiz", "Unzustellbar: Drucker",
    "Respuesta automática: impresora", "Resposta automática: impressora", "Автоматична відповідь: принтер",
    "Réponse automatique : imprimante", "Non remis : imprimante", "** PROBLEM Host Alert: db1 is DOWN **",
    "[FIRING:2] DiskFull", "PROBLEM: disk full on db1", "RECOVERY Service Alert",
]  # fmt: skip
PEOPLE = [
    "Problem: no sound", "Проблема: нет звука", "Problème : pas de son", "Problema: sin sonido",
    "Alerts do not arrive", "UPS is beeping", "OK to order?", "Autoscan broken",
    "How do I set an out of office note", "Где включить автоответ", "Out of office printing", "Abwesenheit eintragen",
    "Не доставлено: заказ 55", "No entregado: pedido 5", "Non remis à mon adresse", "UP - shop", "OK: thanks",
]  # fmt: skip


@pytest.mark.parametrize("marker", FORWARDS)
def test_a_forward_is_known_by_its_marker(marker):
    assert is_forward("printer", f"FYI\n\n{marker}\nFrom: Ann <ann@example.org>\n\nIt is on fire.")


@pytest.mark.parametrize(
    "subject", ["Fwd: x", "FW: x", "WG: x", "TR: x", "TR : x", "RV: x", "ENC: x", "Пересл: x", "[ext] Fw: x"]
)
def test_a_forward_is_known_by_its_subject(subject):
    assert is_forward(subject, "")


def test_words_about_forwarding_are_no_forward():
    text = "I forwarded message 5 to you\nпересланное сообщение не открывается\nMensaje reenviado ayer por Ann"
    assert not is_forward("Forwarding of calls does not work", text)
    assert not is_forward("Re: Fwd", "Trend: rising")


@pytest.mark.parametrize("subject", MACHINES)
def test_machines_are_known_by_their_subjects(subject):
    assert is_machine_mail(subject, "")


def test_machines_are_known_by_their_addresses_and_people_are_no_machines():
    assert is_machine_mail("x", "MAILER-DAEMON@mx.example")
    assert is_machine_mail("x", "Mail Delivery System", "Your message could not be delivered: mailbox full.")
    assert is_machine_mail("Auto: Out of Office", "Ann <ann@example.org>")
    assert is_machine_mail("x", "Zabbix <zabbix.prod@mon.example>")
    assert [subject for subject in PEOPLE if is_machine_mail(subject, "Rooty Monitor <alertson.ann@example.org>")] == []


def test_a_text_is_mostly_cut_where_the_quotation_is_longer_and_not_where_only_a_signature_is_cut():
    quoted = "On 1 Feb 2026, Ann <ann@example.org> wrote:\n" + "> the printer is on fire again\n" * 6
    assert is_mostly_cut("Re: printer", f"Any news of the printer?\n\n{quoted}")
    assert not is_mostly_cut("Re: printer", f"{'The printer still burns. ' * 20}\n\n{quoted}")
    assert not is_mostly_cut("Принтер", "Принтер не печатает уже второй день.\n\nС уважением,\nИ. Петров")


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_text_is_judged(subject, text):
    assert {is_forward(subject, text), is_machine_mail(subject, text), is_mostly_cut(subject, text)} <= {True, False}


def test_a_hostile_text_is_judged_in_linear_time():
    start = time.perf_counter()
    for part in ("-", "> ", "forwarded by ", " ", "*_-", "[", "fw [1]", "root@", "\n"):
        is_forward(part * 50_000, part * 50_000)
        is_machine_mail(part * 50_000, part * 50_000)
    assert time.perf_counter() - start < 3
