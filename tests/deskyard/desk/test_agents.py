"""Agents: who is there, and which queues each serves."""

import pytest

from deskyard.desk import agents, catalogue
from deskyard.errors import BadInput

HARD_NAME = "Поддержка/1-я линия % ?#"


def put(database, name, *served, present=True):
    with database.writing() as conn:
        return agents.save_agent(conn, name, present=present, queues=served)


def test_an_agent_is_as_last_said(database):
    assert put(database, "анна", HARD_NAME, "IT").queues == ("IT", HARD_NAME)
    now = put(database, "анна", "IT", present=False)
    assert (now.present, now.queues) == (False, ("IT",))
    with database.reading() as conn:
        assert agents.find_agent(conn, "анна") == now
        assert agents.find_agent(conn, "nobody") is None


def test_an_agent_of_a_queue_that_does_not_exist_is_not_made(database):
    with pytest.raises(BadInput, match="no queue 'Nowhere'"):
        put(database, "ann", "IT", "Nowhere")
    with pytest.raises(BadInput, match="must not be blank"):
        put(database, " ")
    with database.reading() as conn:
        assert agents.list_agents(conn).items == []


def test_agents_of_a_history_are_made_once_and_those_there_stay_as_they_are(database):
    put(database, "ann", "IT", present=False)
    with database.writing() as conn:
        agents.ensure_agents(conn, {"ann": [HARD_NAME], "bob": ["IT", "Nowhere"], " ": ["IT"]})
    with database.reading() as conn:
        found = {agent.name: (agent.present, agent.queues) for agent in agents.list_agents(conn).items}
    assert found == {"ann": (False, ("IT",)), "bob": (True, ("IT",))}


def test_only_present_agents_are_in_the_catalogue_with_the_queues_they_serve(database):
    put(database, "ann", "IT")
    put(database, "bob", "IT", present=False)
    put(database, "cyd")
    with database.reading() as conn:
        assert catalogue.load_catalogue(conn).agents == {"ann": ("IT",), "cyd": ()}
        assert catalogue.load_catalogue(conn, ["IT"], ["bob"]).agents == {}
        assert catalogue.load_catalogue(conn).serves("ann", "IT")
        assert not catalogue.load_catalogue(conn).serves("ann", HARD_NAME)


@pytest.mark.parametrize("limit", [1, 2, 3, 10])
def test_pages_of_agents_together_give_each_once(database, limit):
    names = [f"agent {n}" for n in range(5)]
    for name in names:
        put(database, name, "IT")
    found, cursor = [], None
    with database.reading() as conn:
        while True:
            page = agents.list_agents(conn, limit, cursor)
            found += [agent.name for agent in page.items]
            cursor = page.next_cursor
            if cursor is None:
                break
    assert found == names
