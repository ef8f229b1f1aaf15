"""What is written to another help desk: values that it knows, in its own spelling, where nobody has set any."""

from datetime import UTC, datetime

import pytest

from deskyard.connectors import Capabilities, StoredTicket
from deskyard.domain.catalogue import Catalogue
from deskyard.domain.decision import Reason
from deskyard.domain.ticket import Ticket
from deskyard.policy.policy import FieldChange, Placement, RoutingResult
from deskyard.sync.connections import StoreConnection
from service.sync.ingest import values_to_write

NOW = datetime(2026, 1, 31, tzinfo=UTC)
CAPS = Capabilities(settable_fields=frozenset({"queue", "category"}))
CATALOGUE = Catalogue({"Hardware::Printer": {}}, categories=("R&D", "Возврат"))


@pytest.mark.parametrize(
    ("category", "written"),
    [(None, {"category": "R&D"}), ("Не указано", {"category": "R&D"}), ("-", {"category": "R&D"}), ("Возврат", {})],
)
def test_a_category_is_spelled_as_there_and_replaces_a_word_for_nothing(category, written):
    connection = StoreConnection(
        id=1, name="znuny", kind="znuny", place="https://desk.example", hook_sha256=None, since=NOW, intake=(),
        per_minute=None, active=True, cursor=None, held_until=None, pulled_at=None, trouble="", created_at=NOW,
    )  # fmt: skip
    seen = StoredTicket(
        ref="7", ticket=Ticket(id="7"), version="1", updated_at=NOW, queue="Inbox", category=category, status="new"
    )
    routing = RoutingResult(
        {}, Placement("Hardware::Printer", Reason("queue", "")), (FieldChange("category", "r&amp;d", "machine", ""),)
    )
    values = values_to_write(routing, seen, connection, CAPS, CATALOGUE)
    assert values == {"queue": "Hardware::Printer"} | written
