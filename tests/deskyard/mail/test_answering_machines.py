"""Answering machines and bounces without headers are known in seven languages; who writes about them is a person."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskyard.mail.answering_machines import is_answering_machine, is_bounce

MACHINES = [
    ("Abwesenheit: Max Muster", "Ich bin bis 12.01. nicht im Haus."),
    (
        "Automatic reply: Hello",
        "I'm on annual leave and will be back on 5 May. For urgent matters contact helpdesk@x.org.",
    ),
    ("Automatic reply: Password reset", "Thanks for your mail, I'm traveling with limited access to email."),
    ("Out of Office", "I will be out of the office starting 01.05 and will not return until 05.05."),
    ("Abwesenheitsnotiz: Re: Störung", "Sehr geehrte Damen und Herren, ich bin am 5.5. wieder im Büro erreichbar."),
    ("Automatische Antwort", "Guten Tag, vielen Dank für Ihre E-Mail. Diese wird nicht weitergeleitet."),
    ("Abwesend: Urlaub", "Ich bin im Urlaub und ab dem 3.3. wieder da."),
    ("Автоответ: Re: Заявка 77", "Добрый день! С 1 по 14 мая нахожусь в отпуске."),
    ("Автоматический ответ", "Я нахожусь в командировке, отвечу по возвращении."),
    ("Автоответчик", "Спасибо за ваше письмо! Мы ответим в течение дня."),
    ("Отсутствие на рабочем месте", "Отсутствую до 10 мая"),
    ("Respuesta automática", "Gracias por su correo. Le responderemos en breve."),
    ("Respuesta automática: Re: ticket", "Me encuentro de vacaciones hasta el 5."),
    ("Fuera de oficina hasta el lunes", "Estaré fuera"),
    ("Resposta automática", "Encontro-me ausente do escritório. Em caso de urgência contacte a Maria."),
    ("Fora do escritório", "Obrigado pela sua mensagem, volto dia 5."),
    (
        "Réponse automatique",
        "Bonjour, je suis actuellement en congé jusqu'au 5 mai. En cas d'urgence, merci de contacter Paul.",
    ),
    ("Absent du bureau", "Je suis absente du bureau, de retour le 5."),
    ("Réponse automatique : Re: demande", ""),
    ("Автоматична відповідь", "Дякую за лист! Перебуваю у відпустці до 5 травня."),
    ("Автовідповідь", "Буду в офісі у понеділок"),
    ("Відсутній на робочому місці", "Мене немає до понеділка"),
    ("Auto-Reply: Re: case 5", "We got it"),
    ("[Auto-Reply] Your request", "We have received your request and will come back to you."),
    ("Autoreply: Re: order", ""),
    ("Bin außer Haus", "Ich bin bis Montag nicht erreichbar"),
    ("Away: Re: hi", "I am away"),
    ("Re: Your request [Automatic reply]", "I am out of the office"),
    ("Out of office: Re: your request", "I am out of the office until Monday."),
    ("Автоответ: в отпуске", "Буду на месте 12 января."),
    ("Автоответ: Ваше обращение 12", "Здравствуйте! Я в отпуске до 12 января."),
    ("Автоматический ответ: Не работает VPN", "Меня нет на месте до понедельника, по срочным вопросам пишите Ивану."),
    (
        "Automatische Antwort: Drucker funktioniert nicht",
        "Vielen Dank für Ihre Nachricht. Ich bin bis 12.01. im Urlaub. In dringenden Fällen bitte an Frau Meier.",
    ),
    ("Abwesenheitsnotiz", "Ich bin vom 1. bis 5. nicht im Haus."),
    ("Abwesenheit: Max Muster", "Ich bin derzeit nicht im Büro und kann Ihre E-Mail nicht lesen."),
    ("Respuesta automática: Su solicitud", "Estaré fuera de la oficina hasta el lunes."),
    ("Fuera de la oficina", "Estoy de vacaciones."),
    ("Resposta automática: O seu pedido", "Estou de férias até segunda-feira."),
    ("Fora do escritório: Re: pedido", "Estarei ausente"),
    ("Réponse automatique : votre demande", "Je suis absent jusqu'au 12 janvier."),
    ("Absence du bureau", "Je suis en congés, de retour lundi."),
    ("Автовідповідь: ваше звернення", "Я у відпустці до понеділка."),
    ("Автоматична відповідь: заявка 5", "Мене немає на робочому місці."),
    ("Auto: Ann Miller is out of the office (returning 12.01)", "I am out of the office until 12.01"),
    ("Automatic reply", "Thank you for your message. We will answer soon."),
    ("Automatic reply: Ticket 5", "On vacation"),
    ("Auto-Reply from Ann: hi", "I'm currently away from my desk"),
    ("Out of Office AutoReply: RE: invoice", ""),
    ("Вне офиса", "Нахожусь в командировке"),
    ("Réponse automatique à votre message", "Bonjour, merci pour votre message."),
    ("OOO", "I'm OOO, back on Monday"),
    ("Нет на месте", "Сегодня меня нет в офисе"),
    ("Автовідповідач: Re: x", ""),
]
PEOPLE = [
    ("Abwesenheitsnotiz für Herrn Müller", "Bitte richten Sie eine Abwesenheitsnotiz für Herrn Müller ein."),
    ("Out of office for Anna", "Please set an out of office for Anna, she is on leave until May."),
    ("Автоответ для ящика", "Нужно включить автоответ: 'Я в отпуске до 5 мая'. Спасибо"),
    (
        "Automatische Antwort wird nicht gesendet",
        "Meine automatische Antwort geht nicht raus, obwohl ich im Urlaub bin.",
    ),
    ("Respuesta automática en Outlook", "¿Cómo activo la respuesta automática?"),
    ("Respuesta automática: cómo se activa", "Hola, quisiera activarla"),
    ("Resposta automática: como configurar", "Preciso de configurar a resposta"),
    ("Réponse automatique : comment faire", "Bonjour, je ne trouve pas le bouton."),
    ("Message d'absence à modifier", "Merci de modifier le message d'absence de Paul"),
    ("Fuera de la oficina: activar mensaje", "Por favor activar el mensaje para Ana."),
    ("Автовідповідь: не відправляється", "Допоможіть"),
    ("Out of office", "Please switch on my out of office, I forgot before leaving."),
    ("Autoresponder", "Our autoresponder sends the old text."),
    ("Automatic reply", "Please enable the automatic reply for sales@."),
    ("Abwesenheit", "Bitte tragen Sie meine Abwesenheit ein"),
    ("Нет на месте", "Сотрудника нет на месте, прошу перенаправить его звонки"),
    ("Abwesend", "Kollege ist abwesend, bitte Postfach freigeben"),
    ("Absence du bureau", "Merci de rediriger mes appels pendant mon absence"),
    ("Ausente de la oficina", "Necesito redirigir llamadas"),
    ("OOO", "Please set OOO for Bob"),
    ("Вне офиса", "Прошу дать доступ к VPN, работаю вне офиса"),
    ("Out of office VPN access", "I need VPN when I am out of the office next week"),
    ("How do I set an out of office reply?", "The mail client has no such button."),
    ("Automatic replies do not work", "The rule for automatic replies is off since Monday."),
    ("Автоответ не работает", "С понедельника автоответ не отправляется."),
    ("Автоответ: не работает", "Я в отпуске с понедельника, но автоответ не отправляется. Помогите"),
    ("Automatische Antwort funktioniert nicht", "Seit Montag wird keine Abwesenheitsnotiz verschickt."),
    ("Abwesenheitsnotiz einrichten", "Wie kann ich eine Abwesenheitsnotiz einrichten?"),
    ("Abwesenheitsnotiz", "Wie richte ich eine ein?"),
    ("Out of office", "How do I turn on the out of office reply in Outlook?"),
    ("Out of office: how to set it up", "I can't find the button"),
    ("Respuesta automática no funciona", "No se envía la respuesta automática desde ayer"),
    ("Respuesta automática: no funciona", "No se envía desde ayer"),
    ("Resposta automática não funciona", "x"),
    ("Réponse automatique ne fonctionne pas", "La réponse automatique ne part plus."),
    ("Comment activer la réponse automatique ?", "x"),
    ("Автовідповідь не працює", "Не відправляється"),
    ("Автовідповідач: як увімкнути", "Підкажіть"),
    ("Автоматический ответ", "Прошу настроить автоматический ответ для ящика sales@"),
    ("Re: Automatic reply: VPN", "It still fails"),
    ("Fwd: Undelivered Mail Returned to Sender", "I got this, what does it mean?"),
    ("Automatic reply text for the shared mailbox", "Please change it to the one below: I am out of the office"),
    ("Out of office message needs a change", "Please update it"),
    ("Vacation: request for December", "I will be on vacation from 1 to 10 December, please approve"),
    ("Отпуск", "Я буду в отпуске с 1 по 10, прошу согласовать"),
    ("Autoreply rule", "The rule sends it twice"),
    ("Автоответчик на телефоне", "Не включается автоответчик на телефоне приемной"),
]


@pytest.mark.parametrize(("subject", "text"), MACHINES)
def test_answering_machines_are_known_in_seven_languages(subject, text):
    assert is_answering_machine(subject, text, is_reply=False)


@pytest.mark.parametrize(("subject", "text"), PEOPLE)
def test_whoever_writes_about_automatic_answers_is_a_person(subject, text):
    assert not is_answering_machine(subject, text, is_reply=False)


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
]
NO_BOUNCES = [
    ("postmaster@x.example", "Ivan", "Новый принтер", "Подключите принтер"),
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


@given(st.text(max_size=200), st.text(max_size=400), st.booleans())
def test_any_subject_and_text_can_be_judged(subject, text, is_reply):
    assert is_answering_machine(subject, text, is_reply=is_reply) in (True, False)
    assert is_bounce("postmaster@x.example", subject, subject, text) in (True, False)


def test_nobody_can_make_a_subject_or_text_that_takes_long():
    began = time.process_time()
    for word in ("i am ", "не ", "automatic reply ", "a", "bin ", " ", "?", "нахожусь ", "out of office until "):
        is_answering_machine("auto: " + word * 50_000, word * 50_000, is_reply=False)
        is_answering_machine("automatic reply: " + word * 50_000, word * 50_000, is_reply=False)
        is_bounce("postmaster@x.example", word * 50_000, word * 50_000, word * 50_000)
    assert time.process_time() - began < 3
