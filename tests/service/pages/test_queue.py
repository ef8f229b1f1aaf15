"""`/queues/{name}`: filters, paging, bulk changes and the CSV of a queue."""

import csv
import io
import re
from html import unescape
from urllib.parse import quote

import pytest

from deskyard.desk import tickets
from tests.conftest import SUBJECTS
from tests.service.pages.people import sign_in_as


def file(client, subject=SUBJECTS["IT"], **told):
    return int(client.post("/v1/tickets", json={"subject": subject, **told}).json()["ticket"]["id"])


def numbers(client, question="", queue="IT"):
    answered = client.get(f"/queues/{quote(queue, safe='')}?{question}")
    assert answered.status_code == 200, answered.text
    return [int(one) for one in re.findall(r'<th scope="row"><a href="/tickets/(\d+)"', answered.text)]


def read(client, number):
    with client.app.state.context.database.reading() as conn:
        return tickets.get_ticket(conn, number)


def many(client, chosen, **form):
    return client.post("/queues/IT", data={"ticket": chosen, **form})


def sheet(client, question="", queue="IT"):
    answered = client.get(f"/queues/{quote(queue, safe='')}?csv=1&{question}")
    assert answered.status_code == 200
    assert answered.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert "attachment" in answered.headers["Content-Disposition"]
    return list(csv.DictReader(io.StringIO(answered.content.decode("utf-8-sig"))))


def test_filters_in_the_address_find_tickets(trained):
    low, high, taken, solved = (file(trained) for _ in range(4))
    other = file(trained, SUBJECTS["IT"] + " ПРИНТЕР %")
    for number, values in (
        (high, {"priority": "critical", "category": "Tunnel"}),
        (taken, {"assignee": "борис"}),
        (solved, {"status": "resolved"}),
    ):
        trained.patch(f"/v1/tickets/{number}", json=values, headers={"If-Match": "*"})
    assert numbers(trained)[0] == high
    assert solved not in numbers(trained)
    assert numbers(trained, "status=resolved") == [solved]
    assert numbers(trained, "priority=critical") == [high]
    assert numbers(trained, "category=Tunnel") == [high]
    assert taken in numbers(trained, "assignee=борис")
    assert numbers(trained, "text=принтер") == [other]
    assert numbers(trained, "text=%25") == [other]
    assert numbers(trained, "sort=oldest&status=all") == [low, high, taken, solved, other]
    assert numbers(trained, "since=2999-01-01") == []
    assert trained.get("/queues/IT?since=yesterday").status_code == 422


def test_pages_follow_each_other_and_lose_nothing(trained):
    filed = [file(trained) for _ in range(53)]
    first = trained.get("/queues/IT?sort=oldest").text
    further = unescape(re.search(r'href="([^"]+)" rel="next"', first)[1])
    second = trained.get(further).text
    found = [int(one) for page in (first, second) for one in re.findall(r'scope="row"><a href="/tickets/(\d+)"', page)]
    assert found == filed


def test_a_queue_with_a_hard_name_has_a_page(trained):
    number = file(trained, SUBJECTS["Кадры/Отпуск"])
    assert numbers(trained, queue="Кадры/Отпуск") == [number]


@pytest.mark.parametrize(
    ("form", "field", "value"),
    [
        ({"action": "priority", "priority": "critical"}, "priority", "critical"),
        ({"action": "assign", "assignee": "борис"}, "assignee", "борис"),
        ({"action": "move", "queue": "Billing"}, "queue", "Billing"),
        ({"action": "resolve"}, "status", "resolved"),
    ],
)
def test_many_tickets_are_changed_at_once(trained, form, field, value):
    chosen = [file(trained) for _ in range(3)]
    answered = many(trained, [f"{number}:1" for number in chosen], **form)
    assert "3 tickets changed." in answered.text
    assert {read(trained, number).value(field) for number in chosen} == {value}


def test_what_is_refused_of_many_is_told_and_the_rest_is_done(trained):
    fine, changed = file(trained), file(trained)
    trained.patch(f"/v1/tickets/{changed}", json={"priority": "critical"}, headers={"If-Match": "*"})
    shown = unescape(many(trained, [f"{fine}:1", f"{changed}:1", "999:1"], action="move", queue="Billing").text)
    assert "1 ticket changed. 2 not changed:" in shown
    assert f"Ticket {changed}: Somebody else changed it" in shown
    assert "Ticket 999: Not found" in shown
    assert read(trained, changed).queue == "IT"


def test_a_cell_that_a_spreadsheet_would_run_is_neutralised(client):
    for begin in "=+-@\t\r":
        file(client, f"{begin}cmd|' /C calc'!A0", requester=f"{begin}HYPERLINK()")
    rows = sheet(client, queue="triage")
    assert len(rows) == 6
    for row in rows:
        assert row["subject"][0] not in "=+-@\t\r"
        assert row["requester"][0] not in "=+-@\t\r"


def test_the_sheet_holds_all_that_is_asked_for_and_no_more(trained):
    filed = [file(trained) for _ in range(60)]
    trained.patch(f"/v1/tickets/{filed[0]}", json={"status": "resolved"}, headers={"If-Match": "*"})
    assert [int(row["id"]) for row in sheet(trained, "sort=oldest")] == filed[1:]
    assert [int(row["id"]) for row in sheet(trained, "status=resolved")] == filed[:1]


def test_a_queue_that_is_not_theirs_is_not_there_for_an_agent(trained):
    number = file(trained, SUBJECTS["Billing"])
    sign_in_as(trained, "ann", "agent", queues=["IT"])
    answers = [trained.get(f"/queues/{queue}{more}") for queue in ("Billing", "Nowhere") for more in ("", "?csv=1")]
    assert [one.status_code for one in answers] == [404] * 4
    assert many(trained, [f"{number}:1"], action="resolve").text.count("Not found") == 1
    assert read(trained, number).status == "new"


def test_a_viewer_ticks_nothing(trained):
    file(trained)
    sign_in_as(trained, "eve", "viewer")
    assert 'name="ticket"' not in trained.get("/queues/IT").text
    assert many(trained, [], action="resolve").status_code == 403


def test_the_overview_links_to_queues_and_tickets(trained):
    number = file(trained)
    shown = trained.get("/").text
    assert 'href="/queues/IT"' in shown
    assert f'href="/tickets/{number}"' in shown
