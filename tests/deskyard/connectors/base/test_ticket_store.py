"""The interface of ticket stores: the conformance suite catches faults, and stores are opened by name."""

import pytest

from deskyard import connectors
from deskyard.connectors import Delivery, StoredTicket, TicketStore, open_store
from deskyard.connectors.base.ticket_store import Capabilities, unsupported_fields
from deskyard.connectors.builtin.store import DeskStore
from deskyard.domain.catalogue import Catalogue
from deskyard.errors import BadInput, ExtraMissing
from deskyard.testing import CASES, check_store
from tests.deskyard.connectors.naive import Desk, NaiveStore

RIGHT = {"health", "catalogue", "version", "moves", "cursor of a moment", "true webhook"}
"""What a store gets right without trying; `version`, `moves` and `true webhook` ask nothing of a store without them."""

KNOWN = Catalogue({"IT": {}, "HR": {}}, {"ann": ("IT",)}, categories=("network",))


def test_a_store_that_writes_blindly_fails_case_by_case():
    desk = Desk()
    failed = {failure.case: failure.message for failure in check_store(NaiveStore(desk), desk.harness())}
    assert set(failed) == set(CASES) - RIGHT
    assert failed["people win"] == "the outcome is applied ({}), not conflict"
    assert failed["no blind retry"].startswith("the outcome is applied")
    assert "left out tickets with the same time" in failed["pages"]
    assert "cursor's own time" in failed["same moment"]
    assert failed["echo"] == "our own write comes back as news"


def test_a_store_is_opened_by_the_name_before_the_colon(home):
    with pytest.raises(BadInput, match="no ticket store 'helpdesk'; choose from desk"):
        open_store("helpdesk://user:secret@example.org")
    store = open_store("desk:")
    assert isinstance(store, DeskStore)
    assert store.database.url.database == str(home / "deskyard.db")
    store.close()


def test_a_desk_elsewhere_is_named_by_its_database(tmp_path):
    store = open_store(f"desk:sqlite:///{tmp_path}/other.db")
    assert (tmp_path / "other.db").exists()
    store.close()


def test_a_misspelt_store_is_answered_with_the_nearest_name_and_never_with_its_secret():
    with pytest.raises(BadInput, match="did you mean 'desk'") as caught:
        open_store("dsk://user:secret@example.org")
    assert "secret" not in str(caught.value)


def test_a_store_whose_library_is_not_installed_says_which_one(monkeypatch, tmp_path):
    (tmp_path / "odd_store.py").write_text("import nowhere_to_be_found\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(connectors.CONNECTORS, "odd", "odd_store:OddStore")
    with pytest.raises(ExtraMissing, match="'odd' needs the library 'nowhere_to_be_found'"):
        open_store("odd:")


@pytest.mark.parametrize("name", connectors.CONNECTORS)
def test_every_store_in_the_table_has_all_the_doors(name):
    doors = {door for door in vars(TicketStore) if not door.startswith("_")}
    assert {"apply", "fetch", "pull"} <= doors
    assert doors | {"from_address"} <= set(dir(connectors.connector_class(name)))


@pytest.mark.parametrize(
    ("values", "refused"),
    [
        ({"queue": "IT", "assignee": "ann", "priority": "high", "category": "network"}, set()),
        ({"queue": "Nope"}, {"queue"}),
        ({"queue": None}, {"queue"}),
        ({"priority": "huge"}, {"priority"}),
        ({"category": "weather"}, {"category"}),
        ({"assignee": "ann"}, {"assignee"}),
        ({"assignee": "ann", "queue": "HR"}, {"assignee"}),
        ({"assignee": None, "priority": None, "category": None}, set()),
        ({"queue": "Nope", "priority": "huge", "assignee": "ann"}, {"queue", "priority", "assignee"}),
    ],
)
def test_a_catalogue_names_every_value_that_it_lacks(values, refused):
    assert set(KNOWN.find_unavailable(values, "HR")) == refused


def test_a_catalogue_of_another_content_has_another_version():
    others = [
        Catalogue(KNOWN.queues, KNOWN.agents),
        Catalogue(KNOWN.queues, {}, categories=KNOWN.categories),
        Catalogue({"IT": {}}, KNOWN.agents, categories=KNOWN.categories),
        Catalogue(KNOWN.queues, KNOWN.agents, ("low", "high"), KNOWN.categories),
    ]
    assert len({one.version for one in (KNOWN, *others)}) == 5


def test_what_the_journal_keeps_of_a_catalogue_did_not_change():
    assert list(KNOWN.to_dict()) == ["queues", "agents"]
    assert Catalogue.from_dict(KNOWN.to_dict()) == Catalogue(KNOWN.queues, KNOWN.agents)


def test_a_store_says_what_it_can_not_set_before_anything_is_sent():
    caps = Capabilities(settable_fields=frozenset({"queue"}))
    delivery = Delivery(id="d", ref="1", set={"queue": "IT", "priority": "high"}, add_tags=("vip",))
    assert set(unsupported_fields(caps, delivery)) == {"priority", "add_tags"}


def test_a_note_ends_with_the_mark_of_its_delivery():
    assert Delivery(id="d1", ref="1", note="Why.").full_note == "Why.\n\n[d1]"
    assert Delivery(id="d1", ref="1").full_note == "[d1]"


def test_a_ticket_tells_which_fields_are_not_as_wanted():
    ticket = StoredTicket(ref="1", ticket=None, version="1", updated_at=None, queue="IT", priority="low")
    assert ticket.differing({"queue": "IT", "priority": "high", "assignee": None}) == {"priority": "low"}
