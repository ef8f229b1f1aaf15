"""Puts the tests' queues, people and custom fields into a new database. Prints the token of deskyard's account."""

import django

django.setup()

from django.contrib.auth.models import Permission, User  # noqa: E402
from helpdesk.models import CustomField, Queue  # noqa: E402
from rest_framework.authtoken.models import Token  # noqa: E402

QUEUES = {
    "Inbox": "inbox",
    "Network": "net",
    "Billing": "bill",
    "Hardware": "hw",
    "Сеть и связь": "ru",
    "Board": "board",
}

for title, slug in QUEUES.items():
    Queue.objects.create(title=title, slug=slug)
Queue.objects.create(title="Twins", slug="one")
Queue.objects.create(title="Twins", slug="two")
every = Permission.objects.filter(codename__startswith="queue_access_").exclude(codename="queue_access_board")
serving = {
    "router": every,
    "alice": every,
    "bob": every.filter(codename__in=["queue_access_net"]),
    "carl": every,
    "борис": every.filter(codename__in=["queue_access_net", "queue_access_ru"]),
}
for name, permissions in serving.items():
    user = User.objects.create_user(name, f"{name}@example.test", f"{name}pass", is_staff=True)
    user.user_permissions.set(permissions)
User.objects.create_user("req", "req@example.test", "reqpass")
CustomField.objects.create(
    name="kind", label="Kind", data_type="list", list_values="vpn\ninvoice\nСвязь", ordering=1, required=False
)
CustomField.objects.create(name="topic", label="Topic", data_type="varchar", max_length=50, ordering=2, required=False)
print(Token.objects.create(user=User.objects.get(username="router")).key)
