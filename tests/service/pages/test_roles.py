"""Access to pages by role, and to tickets by the queues of a user."""

import re

import pytest

from deskyard.auth.api_keys import ROLES
from service.auth.authorization import PERMISSIONS, PUBLIC_PAGES, UNAUTHENTICATED_ROUTES
from tests.conftest import SUBJECTS
from tests.service.pages.people import sign_in_as

PAGE = {"Accept": "text/html"}
PEOPLE = [role for role in ROLES if role != "machine"]
PAGES = sorted(path for method, path in PERMISSIONS if method == "GET" and not path.startswith(("/v1", "/metrics")))
FILLED = {"{id}": "1", "{name:path}": "IT", "{name}": "tiny", "{secret}": "x", "{token}": "x"}


def address(path):
    for hole, value in FILLED.items():
        path = path.replace(hole, value)
    return path


@pytest.mark.parametrize("role", PEOPLE)
def test_each_role_sees_the_pages_of_its_line_and_no_others(trained, role):
    trained.post("/v1/tickets", json={"subject": SUBJECTS["IT"]})
    sign_in_as(trained, role, role)
    assert len(PAGES) > 10
    for path in PAGES:
        answered = trained.get(address(path), headers=PAGE, follow_redirects=False)
        allowed = role in PERMISSIONS["GET", path]
        assert (answered.status_code == 403) == (not allowed), (path, answered.status_code)
        assert answered.status_code != 500, path


def test_the_navigation_leads_nowhere_that_is_forbidden(trained):
    for role in PEOPLE:
        sign_in_as(trained, role, role)
        shown = trained.get("/").text
        rooms = re.findall(r'<li><a href="([^"]+)"', shown.partition("<nav")[2].partition("</nav>")[0])
        assert rooms
        for room in rooms:
            assert trained.get(room).status_code == 200, (role, room)


def test_whoever_did_not_sign_in_sees_only_what_is_for_everybody(trained):
    sign_in_as(trained, "ann", "agent")
    trained.cookies.clear()
    assert not set(PAGES) & (PUBLIC_PAGES | UNAUTHENTICATED_ROUTES)
    for path in (*PAGES, "/sign-in", "/livez", "/readyz"):
        answered = trained.get(address(path), headers=PAGE, follow_redirects=False)
        assert answered.status_code == (200 if path in PUBLIC_PAGES | UNAUTHENTICATED_ROUTES else 303), path


def test_an_agent_never_meets_a_word_of_a_queue_that_is_not_theirs(trained):
    """Wherever a page is, whatever it is asked for: the other queue's tickets are not in it."""
    numbers = {}
    for queue, subject in SUBJECTS.items():
        told = {"subject": f"{subject} secret-of-{queue}", "requester": "ann@example.org"}
        numbers[queue] = trained.post("/v1/tickets", json=told).json()["ticket"]["id"]

    def shown():
        """Address to page, of every page that the one who is signed in can ask for."""
        asked = [
            path.replace("{id}", numbers[hole]).replace("{name:path}", hole)
            for path in PAGES
            for hole in ("IT", "Billing")
        ]
        more = ("", "?q=secret", "?status=new", "?queue=Billing")
        addresses = dict.fromkeys(address(one) + end for one in asked for end in more)
        return {one: trained.get(one, headers=PAGE).text for one in addresses}

    sign_in_as(trained, "ann", "agent", queues=["IT"])
    found = shown()
    assert [one for one, page in found.items() if "secret-of-Billing" in page] == []
    assert len([one for one, page in found.items() if "secret-of-IT" in page]) > 3
    sign_in_as(trained, "bob", "agent")
    assert len([one for one, page in shown().items() if "secret-of-Billing" in page]) > 3
