"""The overview page: it shows what the reader may see, and runs nothing that a ticket contains."""

import re
from html import unescape

from deskyard.settings import Settings
from tests.conftest import SUBJECTS
from tests.service.pages.people import sign_in_as

VPN = "the vpn client drops the connection and the laptop is offline"
SCRIPT = "<script>alert(1)</script>"


def page(client):
    answered = client.get("/")
    assert answered.status_code == 200
    return answered


def text(client):
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page(client).text)).split())


def test_a_new_desk_says_that_there_is_no_model(client):
    shown = text(client)
    assert "There is no model yet" in shown
    assert "No tickets yet." in shown


def test_a_new_model_only_suggests_and_the_page_says_how_to_change_that(client, champion, call, tmp_path):
    shown = text(call(Settings(home=champion, database_url=f"sqlite:///{tmp_path}/fresh.db")))
    assert "The model only makes suggestions" in shown
    assert "deskyard policy mode route" in shown


def test_received_tickets_are_the_sum_of_their_outcomes(trained):
    for subject in (VPN, VPN, "xyzzy", ""):
        trained.post("/v1/tickets", json={"subject": subject, "body": "" if subject else " - "})
    shown = text(trained)
    received, routed, suggested, manual = (
        int(re.search(rf"{word} (\d+)", shown)[1]) for word in ("received", "routed", "suggested", "for manual triage")
    )
    assert (received, routed) == (4, 2)
    assert received == routed + suggested + manual
    assert "IT 2" in shown
    assert f"{VPN} → IT" in shown


def test_the_part_that_changes_is_sent_again_only_when_it_did(client):
    first = client.get("/overview")
    tag = first.headers["HX-PTag"]
    assert client.get("/overview", headers={"HX-PTag": tag}).status_code == 304
    client.post("/v1/tickets", json={"subject": "something new"})
    again = client.get("/overview", headers={"HX-PTag": tag})
    assert (again.status_code, "something new" in again.text) == (200, True)


def test_an_agent_sees_the_tickets_of_the_queues_that_are_theirs_and_no_others(trained):
    for subject in SUBJECTS.values():
        trained.post("/v1/tickets", json={"subject": subject})
    sign_in_as(trained, "ann", "agent", queues=["IT"])
    shown = text(trained)
    assert SUBJECTS["IT"] in shown
    assert SUBJECTS["Billing"] not in shown
    assert "Billing" not in shown


def test_what_a_ticket_says_is_shown_and_never_run(client):
    client.post("/v1/tickets", json={"subject": SCRIPT, "body": f'"><img src=x onerror=alert(1)>{SCRIPT}'})
    answered = page(client)
    assert SCRIPT not in answered.text
    assert "onerror" not in re.sub(r"&lt;.*?&gt;", "", answered.text)
    policy = answered.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy


def test_the_page_loads_nothing_from_other_hosts(client):
    answered = page(client)
    assert not re.findall(r"(?:src|href)=.?(?:https?:)?//", answered.text)
    files = re.findall(r'(?:src|href)="(/static/[^"]+)"', answered.text)
    assert {file.partition("?")[0].rpartition(".")[2] for file in files} >= {"css", "js"}
    for file in files:
        found = client.get(file)
        assert found.status_code == 200, file
        assert not re.findall(r"url\((?!.?data:)", found.text), file
