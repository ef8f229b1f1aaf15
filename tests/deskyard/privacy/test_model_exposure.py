"""Which bundles were trained on erased tickets: none is missed, and foreign numbers do not count."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from deskyard.privacy.erasure import TicketToErase
from deskyard.privacy.model_exposure import ModelExposure, find_exposed_models
from deskyard.registry import bundle

NOW = datetime(2026, 1, 31, tzinfo=UTC)


def make_ticket(number, source="api", external_id="", at=NOW):
    return TicketToErase(number, source, external_id, at, False, "")


@pytest.fixture
def save(tmp_path, made):
    """Save the tiny model, which remembers the tickets 0 to 59, as it was learnt from files or from the desk."""

    index = replace(made.scorer.neighbour_index, ids=[str(n) for n in range(60)])
    scorer = replace(made.scorer, neighbour_index=index)

    def one(name, **origin):
        bundle.save_bundle(tmp_path / name, scorer, made.evidence, made.card, {"at": name, "from": origin})
        return tmp_path

    return one


def test_a_bundle_of_the_desk_has_seen_all_that_had_come_and_remembers_the_newest(save):
    models = save("of-desk", desk=(NOW + timedelta(days=1)).isoformat())
    tickets = [make_ticket(7), make_ticket(99), make_ticket(100, at=NOW + timedelta(days=2))]
    assert find_exposed_models(models, tickets) == [
        ModelExposure("of-desk", seen_tickets=2, remembered_tickets=1, knows_requester=False)
    ]


def test_a_bundle_of_files_has_seen_the_tickets_that_it_calls_by_their_names(save):
    models = save("of-files", tables=["history.csv"])
    assert find_exposed_models(models, [make_ticket(70, "znuny", "7")]) == [
        ModelExposure("of-files", seen_tickets=1, remembered_tickets=1, knows_requester=False)
    ]


def test_a_number_of_ours_means_nothing_in_a_bundle_of_files(save):
    assert find_exposed_models(save("of-files", tables=["history.csv"]), [make_ticket(7)]) == []


def test_a_broken_bundle_is_told_as_one_that_may_have_seen_all(save):
    models = save("broken", tables=["history.csv"])
    next(models.glob("broken/*/memory_ids.json")).write_text("[]")
    assert find_exposed_models(models, [make_ticket(1), make_ticket(2)]) == [
        ModelExposure("broken", seen_tickets=2, remembered_tickets=2, knows_requester=False)
    ]


def test_a_bundle_that_knows_the_requesters_name_is_told_though_it_has_seen_no_ticket(tmp_path, learnt, past):
    (tmp_path / "learnt").symlink_to(learnt)
    names = sorted({ticket.requester for ticket in past.tickets if ticket.requester})
    expected = find_exposed_models(tmp_path, [], names)
    assert [(one.name, one.seen_tickets, one.knows_requester) for one in expected] == [("learnt", 0, True)]
    assert find_exposed_models(tmp_path, [], ["nobody.of.them@example.org"]) == []
