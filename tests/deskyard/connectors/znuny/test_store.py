"""The connector to Znuny without a server: its add-on, its web service and the mapping of histories agree."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

import deskyard.connectors.znuny as package
from deskyard.connectors import open_store
from deskyard.connectors.base.http_client import ApiResponse
from deskyard.connectors.znuny.client import read_response, refusal_error
from deskyard.connectors.znuny.field_mapping import DEFAULT_PRIORITIES, PriorityMapping, build_mapping
from deskyard.connectors.znuny.ticket_mapping import find_overwritten, parse_moves, to_stored_ticket
from deskyard.errors import AccessDenied, BadInput, BadSignature, NotFound, StoreRefused, StoreUnreachable

FOLDER = Path(package.__file__).parent
URL = "znuny:https://router:s3cret@desk.example.org/otrs/nph-genericinterface.pl/Webservice/Deskyard"

SAID = {
    "Product": "Znuny",
    "Version": "6.5.9",
    "TimeZone": "Asia/Yekaterinburg",
    "User": {"UserID": 2, "UserLogin": "router"},
    "Queue": [
        {"QueueID": 5, "Name": "Network", "GroupID": 1, "Valid": 1, "Permission": ["ro", "rw"]},
        {"QueueID": "6", "Name": "Billing", "GroupID": "1", "Valid": 1, "Permission": ["ro", "rw"]},
        {"QueueID": 7, "Name": "Old", "GroupID": 1, "Valid": 0, "Permission": ["ro", "rw"]},
        {"QueueID": 8, "Name": "Board", "GroupID": 2, "Valid": 1, "Permission": ["ro"]},
    ],
    "Group": {"1": [1, 2, "3", 4], "2": ["3"]},
    "Agent": [
        {"UserID": "1", "UserLogin": "root@localhost", "Valid": 1, "Away": 0},
        {"UserID": "2", "UserLogin": "router", "Valid": 1, "Away": 0},
        {"UserID": "3", "UserLogin": "alice", "Valid": 1, "Away": 0},
        {"UserID": "4", "UserLogin": "bob", "Valid": 1, "Away": 1},
        {"UserID": "9", "UserLogin": "gone", "Valid": 0, "Away": 0},
    ],
    "Priority": [{"PriorityID": str(n), "Name": name, "Valid": 1} for n, name in enumerate(
        ("1 very low", "2 low", "3 normal", "4 high", "5 very high"), 1)],
    "State": [{"StateID": 1, "Name": "new", "Type": "new"}, {"StateID": 2, "Name": "closed", "Type": "closed"}],
    "DynamicField": [{"Name": "Category", "Type": "Dropdown", "Value": ["vpn", "invoice"]}],
}  # fmt: skip


@pytest.fixture
def book():
    return build_mapping(SAID, PriorityMapping.parse(DEFAULT_PRIORITIES), "Category", "")


def line(kind, by, name="", **numbers):
    stands = {"QueueID": 5, "OwnerID": 1, "PriorityID": 3, "StateID": 1}
    return {"HistoryType": kind, "CreateBy": by, "CreateTime": "2026-11-23 15:00:00", "Name": name, **stands, **numbers}


def at(book, history, **row):
    least = {"TicketID": "7", "Created": "2026-11-23 14:00:00", "Changed": "2026-11-23 15:00:00", "PriorityID": 3}
    return to_stored_ticket({**least, "QueueID": 5, "OwnerID": 1, **row}, history, book)


def test_only_what_our_account_may_work_with_is_offered(book):
    assert set(book.catalogue.queues) == {"Network", "Billing"}
    assert book.catalogue.agents == {"alice": ("Billing", "Network")}
    assert book.catalogue.categories == ("vpn", "invoice")
    assert book.incomplete_queues == ("Board",)


def test_a_row_without_its_optional_fields_is_read_all_the_same(book):
    ticket = at(book, (), Title=None, Article=None, StateType="unheard of", Queue=None, CustomerID=None)
    assert (ticket.queue, ticket.priority, ticket.assignee, ticket.status) == ("Network", "medium", None, "open")
    assert ticket.ticket.subject == ticket.ticket.body == ""
    assert ticket.updated_at == datetime(2026, 11, 23, 10, tzinfo=UTC)


def test_the_least_that_the_add_on_may_say_is_a_book():
    book = build_mapping(
        {"User": {"UserID": 2, "UserLogin": "router"}}, PriorityMapping.parse(DEFAULT_PRIORITIES), "Category", "Tags"
    )
    assert (book.catalogue.queues, book.catalogue.priorities, str(book.zone)) == ({}, (), "UTC")


def test_what_a_field_was_is_what_the_line_before_left(book):
    # Both lines say that they came from Network: Znuny read the ticket before either was written.
    history = [
        line("NewTicket", 1),
        line("Move", 3, "%%Billing%%6%%Network%%5", QueueID=6),
        line("Move", 2, "%%Old%%7%%Network%%5", QueueID=7),
        line("OwnerUpdate", 3, "%%gone%%9", OwnerID=1),
        line("PriorityUpdate", 3, "%%3 normal%%3%%5 very high%%5"),
        line("TicketDynamicFieldUpdate", 3, "%%FieldName%%Category%%Value%%vpn%%OldValue%%"),
        line("TicketDynamicFieldUpdate", 3, "%%FieldName%%Other%%Value%%x%%OldValue%%"),
        line("TicketDynamicFieldUpdate", 3, "%%FieldName%%Category%%Value%%%%OldValue%%vpn"),
    ]
    moves = [
        (move.actor, move.field, move.was, move.became, move.by_deskyard) for move, _ in parse_moves(history, book)
    ]
    assert moves == [
        ("alice", "queue", "Network", "Billing", False),
        ("router", "queue", "Billing", "Old", True),
        ("alice", "assignee", None, "gone", False),
        ("alice", "priority", "medium", "critical", False),
        ("alice", "category", None, "vpn", False),
        ("alice", "category", "vpn", None, False),
    ]


@pytest.mark.parametrize(
    ("lines", "theirs"),
    [
        ([("Move", 2, 6)], {}),
        ([("Move", 3, 7), ("Move", 2, 6)], {"queue": "Old"}),
        ([("Move", 2, 6), ("Move", 3, 7)], {"queue": "Old"}),
        ([("Move", 2, 6), ("Move", 1, 7)], {}),
        ([("Move", 2, 6), ("Move", 3, 7), ("Move", 3, 6)], {}),
        ([("Move", 3, 7), ("Move", 3, 5), ("Move", 2, 6)], {}),
    ],
    ids=["alone", "theirs seen under ours", "theirs told after ours", "a rule", "came round", "long before"],
)
def test_a_persons_value_under_ours_is_found_in_the_history(lines, theirs, book):
    history = [line("NewTicket", 1), *(line(kind, by, QueueID=queue) for kind, by, queue in lines)]
    seen, now = at(book, history[:1]), at(book, history, QueueID=6, Queue="Billing")
    assert find_overwritten(seen, now, {"queue": "Billing"}, book) == theirs


def test_the_last_hand_on_a_field_decides_whether_a_person_set_it(book):
    history = [line("NewTicket", 3), line("Move", 3, QueueID=6), line("StateUpdate", 3, StateID=2)]
    assert at(book, history).set_by_people == {"queue", "status"}
    assert at(book, [*history, line("Move", 1, QueueID=7)]).set_by_people == {"status"}


@pytest.mark.parametrize(
    ("code", "message", "kind", "field"),
    [
        ("TicketUpdate.AuthFail", "TicketUpdate: User could not be authenticated!", AccessDenied, None),
        ("TicketGet.AccessDenied", "TicketGet: User does not have access to the ticket!", NotFound, None),
        ("TicketUpdate.AccessDenied", "TicketUpdate: Does not have permissions to update queue!", AccessDenied, None),
        ("TicketUpdate.InvalidParameter", "TicketUpdate: Ticket->OwnerID or Ticket->Owner parameter is invalid!",
         StoreRefused, "assignee"),
        ("TicketUpdate.InvalidParameter", "TicketUpdate: DynamicField->Value parameter is invalid!", StoreRefused,
         "category"),
        ("TicketUpdate.MissingParameter", "TicketUpdate: Article->TimeUnit is required by sysconfig option!",
         StoreRefused, "request"),
        ("Unheard.Of", "", StoreRefused, "request"),
    ],
)  # fmt: skip
def test_a_refusal_with_status_200_is_an_error(code, message, kind, field):
    error = refusal_error(code, message)
    assert type(error) is kind
    assert getattr(error, "field", None) == field


@pytest.mark.parametrize(
    ("status", "data", "kind"),
    [
        (500, "HTTP::REST Error while determine Operation for request URI '/Changed'.", BadInput),
        (500, {"faultcode": "Server", "faultstring": "Ticket queue could not be updated"}, StoreUnreachable),
        (500, "<html>An Error Occurred</html>", StoreUnreachable),
        (200, "<html>Login</html>", BadInput),
        (200, [], BadInput),
    ],
)
def test_what_is_no_answer_is_not_taken_for_one(status, data, kind):
    with pytest.raises(kind):
        read_response("Changed", ApiResponse(status, {}, data), "https://desk.example.org")


@pytest.mark.parametrize("text", ["low", "low:", "soon:1 low", "low:1,huge:2"])
def test_a_strange_scale_is_refused(text):
    with pytest.raises(BadInput, match="write them as low:2 low"):
        PriorityMapping.parse(text)


@pytest.mark.parametrize("url", [URL.replace("router:s3cret@", ""), URL.replace("/Webservice/Deskyard", "")])
def test_an_address_without_login_or_web_service_is_refused(url):
    with pytest.raises(BadInput, match=r"LOGIN:PASSWORD|Webservice/Deskyard"):
        open_store(url)


def test_tags_and_category_are_offered_where_their_fields_are_named():
    assert not open_store(URL).caps.tags
    assert open_store(f"{URL}?tags=Tags").caps.tags
    assert "category" in open_store(URL).caps.settable_fields
    assert "category" not in open_store(f"{URL}?category=").caps.settable_fields


def test_a_webhook_is_believed_with_its_secret_alone_and_has_the_same_name_when_repeated():
    store = open_store(f"{URL}?hook_secret=hook")
    body = {"Event": {"Event": "TicketCreate", "TicketID": 7}, "Ticket": {"ChangeBy": 3, "Changed": "x", "QueueID": 5}}
    raw, now = json.dumps(body).encode(), datetime.now(UTC)
    events = store.parse_webhook({"X-Deskyard-Secret": "hook"}, raw, now)
    assert [(event.ref, event.by_deskyard) for event in events] == [("7", False)]
    assert store.parse_webhook({"X-Deskyard-Secret": "hook"}, raw, now) == events
    moved = json.dumps(body | {"Ticket": {**body["Ticket"], "QueueID": 6}}).encode()
    assert store.parse_webhook({"X-Deskyard-Secret": "hook"}, moved, now)[0].id != events[0].id
    for strange in (b"{}", b'{"Event": [], "Ticket": 7}', b'{"Event": {"TicketID": "../7"}}'):
        assert store.parse_webhook({"X-Deskyard-Secret": "hook"}, strange, now) == []
    for headers in ({}, {"X-Deskyard-Secret": "guessed"}):
        with pytest.raises(BadSignature):
            store.parse_webhook(headers, raw, now)


def test_each_operation_that_is_asked_for_is_in_the_web_service_and_the_add_on():
    code = (FOLDER / "store.py").read_text()
    service = (FOLDER / "Deskyard.yml").read_text()
    registered = (FOLDER / "addon/Kernel/Config/Files/XML/Deskyard.xml").read_text()
    called = set(re.findall(r'self\._(?:query|send)\(\s*"(\w+)"', code))
    routes = dict(
        re.findall(r"^        (\w+):\n          ParserBackend: JSON\n.*\n.*\n          Route: (\S+)", service, re.M)
    )
    types = dict(re.findall(r"^    (\w+):\n      Description: .*\n(?:      .*\n)*?      Type: (\S+)", service, re.M))
    assert called == routes.keys() == types.keys() - {"Event"}
    assert all(route == f"/{name}" for name, route in routes.items())
    assert any(kind.startswith("Deskyard::") for kind in types.values())
    for kind in types.values():
        if kind.startswith("Deskyard::"):
            assert f"Module###{kind}" in registered
            file = kind.replace("::", "/") + ".pm"
            assert list((FOLDER / "addon/Custom/Kernel/GenericInterface").glob(f"*/{file}")), kind


def test_what_a_webhook_sends_names_nobody():
    invoker = (FOLDER / "addon/Custom/Kernel/GenericInterface/Invoker/Deskyard/Event.pm").read_text()
    (sent,) = re.findall(r"@Sent = qw\((.*?)\)", invoker)
    assert "TicketID" in sent.split()
    assert not set(sent.split()) & {"Title", "CustomerID", "CustomerUserID", "Owner", "Article", "Articles"}
