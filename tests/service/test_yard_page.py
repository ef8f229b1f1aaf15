"""`/`: the yard at a glance. It shows what is there, and runs nothing that a ticket says."""

import re
from html import unescape

VPN = "the vpn client drops the connection and the laptop is offline"
SCRIPT = "<script>alert(1)</script>"


def page(client):
    answered = client.get("/")
    assert answered.status_code == 200
    return answered


def text(client):
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page(client).text)).split())


def test_a_new_desk_says_that_there_is_no_model_and_that_it_only_suggests(client):
    shown = text(client)
    assert "0 tickets" in shown
    assert "there is no model yet" in shown
    assert "deskyard policy mode route" in shown


def test_queues_show_their_tickets_and_each_decision_with_its_reasons(trained):
    trained.post("/v1/tickets", json={"subject": VPN, "body": "Since Monday."})
    trained.post("/v1/tickets", json={"subject": "xyzzy"})
    shown = text(trained)
    assert "2 tickets" in shown
    for told in (VPN, "Since Monday.", "past tickets were right", "queue 'IT' was decided", "deskyard verify 2"):
        assert told in shown


def test_a_queue_shows_its_newest_tickets_and_says_how_many_there_are(client):
    for n in range(20):
        client.post("/v1/tickets", json={"subject": f"number {n:02}."})
    shown = text(client)
    assert "triage 20" in shown
    assert "number 19." in shown
    assert "number 03." not in shown
    assert "the newest 15 are shown" in shown


def test_what_a_ticket_says_is_shown_and_never_run(client):
    client.put("/v1/queues/IT", json={"description": SCRIPT})
    client.post("/v1/tickets", json={"subject": SCRIPT, "body": f'"><img src=x onerror=alert(1)>{SCRIPT}'})
    answered = page(client)
    assert SCRIPT not in answered.text
    assert "onerror" not in re.sub(r"&lt;.*?&gt;", "", answered.text)
    policy = answered.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script" not in policy


def test_nothing_on_the_page_comes_from_elsewhere(client):
    answered = page(client)
    assert not re.findall(r"(?:src|href)=.?(?:https?:)?//", answered.text)
    (sheet,) = re.findall(r'<link rel="stylesheet" href="([^"]+)"', answered.text)
    assert client.get(sheet).headers["Content-Type"].startswith("text/css")
    assert "url(" not in client.get(sheet).text
