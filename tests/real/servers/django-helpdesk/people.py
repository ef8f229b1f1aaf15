"""Everybody but deskyard, by django-helpdesk's own code: lines of JSON [command, arguments] → {"ok"} or {"error"}."""

import json
import sys
from datetime import datetime

import django

django.setup()

from django.contrib.auth.models import Permission, User  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.utils import translation  # noqa: E402
from helpdesk.forms import EditTicketForm, TicketForm  # noqa: E402
from helpdesk.models import FollowUp, Queue, Ticket, TicketCC  # noqa: E402
from helpdesk.update_ticket import update_ticket  # noqa: E402


def file(subject, body="", queue=None, at=None):
    """A ticket as the form files it, by nobody of the staff."""
    titles = [(one.pk, one.title) for one in Queue.objects.all()]
    pk = next(pk for pk, title in titles if title == (queue or "Inbox"))
    values = {"queue": pk, "title": subject, "body": body or "-", "priority": 3, "submitter_email": "req@example.test"}
    form = TicketForm(data=values, queue_choices=titles)
    if not form.is_valid():
        raise ValueError(form.errors)
    ticket = form.save(user=None)
    if at:
        moment = datetime.fromisoformat(at)
        Ticket.objects.filter(pk=ticket.pk).update(created=moment, modified=moment)
        FollowUp.objects.filter(ticket=ticket).update(date=moment)
    return ticket.pk


def change(ref, field, value, who="alice", language="en"):
    """What the page of a ticket does when an agent changes it."""
    ticket = Ticket.objects.get(pk=ref)
    values = {
        "queue": lambda: {"queue": Queue.objects.get(title=value).pk},
        "priority": lambda: {"priority": value},
        "assignee": lambda: {"owner": User.objects.get(username=value).pk if value else 0},
        "status": lambda: {"new_status": value},
        "subject": lambda: {"title": value},
    }[field]()
    with translation.override(language):
        update_ticket(User.objects.get(username=who), ticket, **values)


def say(ref, text, who="alice", public=False):
    """A comment of the staff, or of the requester."""
    user = User.objects.get(username=who)
    update_ticket(user, Ticket.objects.get(pk=ref), comment=text, public=public)


def hold(ref, who="alice"):
    """The button of that name."""
    browser = Client(headers={"host": "127.0.0.1"})
    browser.force_login(User.objects.get(username=who))
    if browser.get(f"/tickets/{ref}/hold/").status_code != 302:
        raise ValueError("the ticket was not put on hold")


def edit(ref, **fields):
    """The form that leaves no trace in the history."""
    ticket = Ticket.objects.get(pk=ref)
    form = EditTicketForm(data={**EditTicketForm(instance=ticket).initial, **fields}, instance=ticket)
    if not form.is_valid():
        raise ValueError(form.errors)
    form.save()


def notes(ref):
    """Those of deskyard."""
    found = FollowUp.objects.filter(ticket=ref, public=False, user__username="router").exclude(comment="")
    return list(found.order_by("pk").values_list("comment", flat=True))


def history(ref):
    """Who did what, as the page of a ticket shows it."""
    found = FollowUp.objects.filter(ticket=ref).order_by("pk")
    return [
        [
            one.user and one.user.username,
            one.title,
            one.public,
            str(one.time_spent),
            [str(c) for c in one.ticketchange_set.all()],
        ]
        for one in found
    ]


def look(ref):
    """The row."""
    return {name: str(value) for name, value in Ticket.objects.filter(pk=ref).values()[0].items()}


def copy(ref, email):
    """Somebody outside is on copy."""
    TicketCC.objects.create(ticket_id=ref, email=email, can_view=True)


def close(queue):
    """Nobody gives deskyard's account tickets of this queue any more."""
    slug = Queue.objects.get(title=queue).slug
    User.objects.get(username="router").user_permissions.remove(Permission.objects.get(codename=f"queue_access_{slug}"))


def leave(login):
    """An agent who is not active any more."""
    User.objects.filter(username=login).update(is_active=False)


def fill(n):
    """Many old tickets at once."""
    queue = Queue.objects.get(title="Inbox")
    Ticket.objects.bulk_create([Ticket(title=f"old {k}", queue=queue, description="x", status=4) for k in range(n)])
    old = datetime.fromisoformat("2020-01-01T00:00:00+00:00")
    Ticket.objects.filter(title__startswith="old ").update(modified=old, created=old)


COMMANDS = {
    one.__name__: one for one in (file, change, say, hold, edit, notes, history, look, copy, close, leave, fill)
}

for line in sys.stdin:
    command, arguments = json.loads(line)
    try:
        answer = {"ok": COMMANDS[command](**arguments)}
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    connection.close()
    print(json.dumps(answer), flush=True)
