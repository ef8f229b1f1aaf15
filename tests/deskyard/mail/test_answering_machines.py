"""Answering machines without headers are known in seven languages; who writes about them is a person."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskyard.mail.answering_machines import is_answering_machine

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
    ("Automatic reply: VPN not working", "I'm OOO till Monday and will reply when I'm back."),
    ("Out of office Re: Ticket 123", "I'm on PTO with no access to e-mail."),
    ("I am out of the office", "I will be out of the office from 12/20 to 1/3."),
    ("Ann Smith is out of the office.", "I will be out of the office starting 01.05 and will not return until 05.05."),
    ("Max Muster ist außer Haus.", "Ich werde ab 01.05. nicht im Büro sein."),
    ("Иванов Иван отсутствует на рабочем месте", "Меня нет на рабочем месте до 10.01."),
    ("On annual leave", "I am on annual leave until 5 May and will respond on my return."),
    ("Urlaub: Re: Anfrage", "Ich bin im Urlaub"),
    ("Estoy de vacaciones", "Hola, estoy de vacaciones hasta el 15. Si es urgente, llama a Juan."),
    ("Ausência: Re: chamado", "Estou ausente."),
    ("Absence Re: demande", "Actuellement en congés, je reviens le 5."),
    ("Je suis absent", "Bonjour, je suis absent jusqu'au 15/01. En cas d'urgence contactez Paul."),
    ("В отпуске до 15.01", "Нахожусь в отпуске до 15.01. Замещает Сидоров."),
    ("У відпустці: Re: заявка", "Перебуваю у відпустці"),
    ("Автоответ: счёт", "Я больше не работаю в компании. Пишите на info@x.org"),
    (
        "Automatische Antwort: Frage",
        "Ich arbeite nicht mehr bei der Firma. Bitte richten Sie Ihre Fragen an info@x.org",
    ),
    ("Réponse automatique : facture", "Je ne fais plus partie de la société. Merci de contacter info@x.org"),
    ("Thank you for contacting us", "This is an automated message. We have received your request."),
    ("Eingangsbestätigung", "Vielen Dank für Ihre Anfrage. Diese Nachricht wurde automatisch erstellt."),
    ("Hemos recibido su mensaje", "Este es un mensaje automático. Gracias por contactarnos."),
    ("Recebemos a sua mensagem", "Esta é uma mensagem automática. Obrigado pelo contacto."),
    ("Accusé de réception", "Merci pour votre message. Ceci est un message automatique."),
    ("Ваше письмо получено", "Это автоматическое уведомление. Ваше обращение зарегистрировано."),
    ("Ваш лист отримано", "Це автоматичне повідомлення. Дякуємо за звернення."),
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
    ("Automatic reply: still on", "My out of office reply is still being sent. I am back since Monday."),
    ("Automatic reply: wrong text", "I am on leave, says my automatic reply, but I am back."),
    ("Automatische Antwort: falscher Text", "In der Abwesenheitsnotiz steht, ich bin im Urlaub. Ich bin zurück."),
    ("Respuesta automática: texto equivocado", "Dice que estoy de vacaciones pero ya he vuelto."),
    ("Resposta automática: texto errado", "Diz que estou de férias mas já voltei."),
    ("Réponse automatique : mauvais texte", "Elle dit que je suis absent alors que je suis revenu."),
    ("Автоответ", "У меня стоит автоответ что я в отпуске, уберите пожалуйста"),
    ("Автовідповідь: неправильний текст", "Там написано що я у відпустці, а я вже повернувся"),
    ("Автоматическое уведомление", "Перестали приходить автоматические уведомления из СЭД"),
    ("Automatic reply", "Thank you for your message. Our automatic reply on info@ goes out twice."),
    ("Out of office access", "I am out of the office and can't reach the file share."),
    ("Out of office for Bob", "Bob is out of the office until 5 May."),
    ("Out of office: Bob", "He forgot it. Text: I am out of the office until Monday. Contact Jane."),
    ("Auto reply loop", "Two mailboxes answer each other with 'I am out of the office'"),
    ("Bob Smith is out of the office", "Please give me access to his mailbox, he is ill."),
    ("On leave", "I am on leave from Monday. Please disable my badge."),
    ("Urlaub", "Ich bin ab Montag im Urlaub. Bitte Postfach freigeben."),
    ("Vacaciones", "Estaré de vacaciones, por favor redirijan mis llamadas."),
    ("Congés", "Je suis en congés du 1 au 5, merci de désactiver mon badge."),
    ("В командировке", "Нужен доступ к VPN, я в командировке до пятницы"),
    ("Відпустка", "Я у відпустці з 1 по 10, прошу налаштувати переадресацію"),
    ("Out of office", "I am out of the office and can't connect to VPN"),
    ("Не в офисе", "Я сегодня не в офисе и не могу подключиться к VPN"),
    ("Im Urlaub", "Ich bin im Urlaub und mein Konto ist gesperrt, dringend!"),
    ("De vacaciones", "Estoy de vacaciones y mi cuenta está bloqueada, es urgente"),
    ("Em férias", "Estou em férias e a minha conta está bloqueada, urgente"),
    ("En déplacement", "Je suis en déplacement, mon PC est bloqué, urgent"),
    ("У відрядженні", "Перебуваю у відрядженні, ноутбук не вмикається, терміново"),
    ("Ваша заявка закрыта", "Заявка закрыта, но проблема осталась. Письмо пришло автоматически созданное."),
    ("Thanks for your help", "This is an automated-test failure again, see log"),
    ("Merci pour votre aide", "Le rapport généré automatiquement est vide"),
    ("Отсутствует интернет", "С утра отсутствует интернет на 3 этаже"),
    ("Thank you for contacting us", "Your page says 'Thank you for contacting us', and nothing arrives."),
    ("Eingangsbestätigung", "Die Eingangsbestätigung wird nicht mehr automatisch versendet."),
]


@pytest.mark.parametrize(("subject", "text"), MACHINES)
def test_answering_machines_are_known_in_seven_languages(subject, text):
    assert is_answering_machine(subject, text, is_reply=False)


@pytest.mark.parametrize(("subject", "text"), PEOPLE)
def test_whoever_writes_about_automatic_answers_is_a_person(subject, text):
    assert not is_answering_machine(subject, text, is_reply=False)


@given(st.text(max_size=200), st.text(max_size=400), st.booleans())
def test_any_subject_and_text_can_be_judged(subject, text, is_reply):
    assert is_answering_machine(subject, text, is_reply=is_reply) in (True, False)


def test_nobody_can_make_a_subject_or_text_that_takes_long():
    began = time.process_time()
    for word in ("i am ", "не ", "automatic reply ", "a", "bin ", " ", "?", "нахожусь ", "out of office until "):
        is_answering_machine("auto: " + word * 50_000, word * 50_000, is_reply=False)
        is_answering_machine("automatic reply: " + word * 50_000, word * 50_000, is_reply=False)
        is_answering_machine("absence", word * 50_000, is_reply=False)
    assert time.process_time() - began < 3
