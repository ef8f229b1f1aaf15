"""`/reports`: every figure opens the tickets behind it, for those who may see them."""

import csv
import io
import re
import shutil
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from sqlalchemy import insert

from deskyard.analytics import rollups
from deskyard.analytics.csv_export import CSV_TABLES
from deskyard.analytics.panels import PANELS
from deskyard.db.database import desk_database
from deskyard.db.tables.desk import STATUS_LINKS
from deskyard.db.tables.review import BLIND_REVIEWS
from deskyard.desk import queues
from deskyard.domain.taxonomy import TaxonomyChange
from deskyard.policy.policy import Policy
from deskyard.policy.versions import Policies
from deskyard.settings import Settings, settings
from tests.fakes.desk_journal import DAYS, fill
from tests.service.pages.people import sign_in_as

LINK = re.compile(r'<a href="(/reports/tickets\?[^"]*)">([^<]*(?:<span[^>]*>[^<]*</span>)?)</a>')
START = (datetime.now(UTC) - timedelta(days=DAYS)).replace(hour=0, minute=0, second=0, microsecond=0)
WHOLE = f"from={START.date()}&to={START.date() + timedelta(days=DAYS)}"
PART = f"from={START.date() + timedelta(days=30)}&to={START.date() + timedelta(days=59)}"


@pytest.fixture(scope="module")
def past(blank, tmp_path_factory):
    """A database with a past; some tickets have a blind review, some a rating."""
    file = tmp_path_factory.mktemp("past") / "deskyard.db"
    shutil.copy(blank, file)
    with desk_database(f"sqlite:///{file}") as database:
        numbers = fill(database, 150, start=START)
        now = datetime.now(UTC)
        with database.writing() as conn:
            queues.ensure_queues(conn)
            for i, number in enumerate(numbers[::5]):
                blind = {"ticket_id": number, "decision": 1, "at": now, "answered_by": "ann", "answered_at": now}
                conn.execute(insert(BLIND_REVIEWS), {**blind, "answer": "IT" if i % 2 else None})
                rated = {"ticket_id": number, "sha256": str(number), "created_at": now, "said": "", "rated_at": now}
                conn.execute(insert(STATUS_LINKS), {**rated, "stars": 1 + i % 5})
        rollups.refresh_rollups(database, settings().time_zone)
    return file


@pytest.fixture
def desk(call, past, tmp_path):
    """A service with this past."""
    shutil.copy(past, tmp_path / "deskyard.db")
    return call(Settings(home=tmp_path))


def get(client, address, **headers):
    answered = client.get(address, headers=headers)
    assert answered.status_code == 200, (address, answered.text[:500])
    return answered


def text(answered):
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answered.text)).split())


def links(client, panel, question):
    """(address, text) of every link to tickets in a panel."""
    shown = get(client, f"/reports/{panel}?{question}").text
    return [(unescape(address), unescape(re.sub(r"<[^>]+>", "", told))) for address, told in LINK.findall(shown)]


def behind(client, address):
    return int(re.search(r"([\d,]+) tickets? behind this figure", text(get(client, address)))[1].replace(",", ""))


def queues_of(listed):
    return set(re.findall(r'<td translate="no">(IT|Billing|HR|=Mail\+1|Legal|triage)</td>', listed.text))


def test_the_page_is_complete_without_scripts(desk):
    page = get(desk, f"/reports?{WHOLE}").text
    assert len(PANELS) > 5
    for name in PANELS:
        assert f'href="/reports/{name}?' in page
        assert "<html" in get(desk, f"/reports/{name}?{WHOLE}").text
        assert "<html" not in get(desk, f"/reports/{name}?{WHOLE}", **{"HX-Request": "true"}).text


def test_every_figure_opens_as_many_tickets_as_it_says(desk):
    followed = 0
    for question in (PART, f"{PART}&target=category", f"{PART}&queue=IT&store=mail"):
        for panel in PANELS:
            for address, told in links(desk, panel, question):
                n = behind(desk, address)
                if told.isdigit():
                    assert n == int(told), (panel, address, told)
                followed += 1
    assert followed > 200


@pytest.fixture
def merged_desk(desk):
    """The same, with two queues that were merged yesterday."""
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    merged = TaxonomyChange(yesterday, "queue", "merge", ("IT", "Billing"), ("Both",))
    with desk.app.state.context.changing_settings() as conn:
        Policies.add_version(conn, Policy(taxonomy=(merged,)), "test", datetime.now(UTC))
    return desk


def test_every_figure_opens_its_tickets_in_the_names_of_today_and_of_the_day(merged_desk):
    followed = 0
    for question in (PART, f"{PART}&taxonomy=original"):
        for panel in PANELS:
            for address, told in links(merged_desk, panel, question):
                assert ("taxonomy=original" in address) == ("taxonomy=original" in question)
                if told.isdigit():
                    assert behind(merged_desk, address) == int(told), (panel, address, told)
                    followed += 1
    assert followed > 50


def test_queues_that_became_one_are_one_line_or_two_as_the_reader_wants(merged_desk):
    now, then = (text(get(merged_desk, f"/reports/confusion?{WHOLE}{more}")) for more in ("", "&taxonomy=original"))
    assert "Both" in now
    assert "Billing" not in now
    assert "Both" not in then
    assert "Billing" in then
    page = get(merged_desk, f"/reports?{WHOLE}&taxonomy=original").text
    assert '<option value="original" selected>' in page
    assert "taxonomy=original" in page.partition('class="periods"')[2]
    assert merged_desk.get("/reports?taxonomy=tomorrow").status_code == 422


def test_without_taxonomy_changes_there_is_no_choice_of_names(desk):
    assert 'name="taxonomy"' not in get(desk, f"/reports?{WHOLE}").text
    assert text(get(desk, f"/reports/accuracy?{WHOLE}")) == text(
        get(desk, f"/reports/accuracy?{WHOLE}&taxonomy=original")
    )


def test_a_manager_finds_five_answers(desk):
    shown = text(get(desk, f"/reports/summary?{WHOLE}"))
    for asked in (
        "How accurate is routing?", "Where are the mistakes?", "What are the savings?", "Who is overloaded?",
        "What to expect next week?",
    ):  # fmt: skip
        assert asked in shown
    assert "Blind review" in shown


def test_unchanged_tickets_are_never_called_correct_without_a_remark(desk, client):
    shown = text(get(desk, f"/reports/accuracy?{WHOLE}"))
    assert "“Not changed” does not mean “correct”" in shown
    assert "Correct (blind review)" in shown


def test_a_new_desk_has_a_page_without_figures_and_without_errors(client):
    for name in PANELS:
        get(client, f"/reports/{name}")
    assert "No routed ticket of this period has been solved yet." in text(get(client, "/reports/summary"))
    assert "A forecast needs 35 more days" in text(get(client, "/reports/volume"))


def test_new_tickets_are_counted_when_the_page_is_opened(trained):
    trained.post("/v1/tickets", json={"subject": "the vpn client drops the connection"})
    get(trained, "/reports")
    assert "1 received: 1 routed" in text(get(trained, "/reports/accuracy"))


def test_a_correction_makes_a_routed_ticket_wrong_and_opens_it_under_its_pair(trained):
    ticket = trained.post("/v1/tickets", json={"subject": "the vpn client drops the connection"}).json()["ticket"]["id"]
    for change in ({"queue": "Billing"}, {"status": "resolved"}):
        assert trained.patch(f"/v1/tickets/{ticket}", json=change, headers={"If-Match": "*"}).status_code == 200
    get(trained, "/reports")
    shown = get(trained, "/reports/summary")
    assert "Most frequent: IT predicted instead of Billing ( 1 )" in text(shown)
    pair = next(a for a, _ in links(trained, "summary", "") if "actual=Billing" in a)
    assert f"/tickets/{ticket}" in get(trained, pair).text
    kept = text(get(trained, "/reports/contracts"))
    assert re.search(r"IT 1 1 \d+% 0.0%", kept)


def test_costs_are_taken_from_the_address_and_shown_in_the_formula(desk):
    shown = text(get(desk, f"/reports/savings?{WHOLE}&triage_minutes=2&misroute_minutes=7.5&hourly_rate=60"))
    right, wrong, minutes = re.search(
        r"([\d,]+) correct × 2.0 min − ([\d,]+) wrong × 7.5 min = (-?[\d,]+) min", shown
    ).groups()
    assert int(minutes.replace(",", "")) == pytest.approx(int(right) * 2 - int(wrong) * 7.5, abs=0.5)
    assert (
        "triage_minutes=2&amp;misroute_minutes=7.5&amp;hourly_rate=60"
        in get(desk, f"/reports?{WHOLE}&triage_minutes=2&misroute_minutes=7.5&hourly_rate=60").text
    )
    assert desk.get("/reports/savings?triage_minutes=-1").status_code == 422


def test_who_sees_some_queues_finds_no_other_ticket_behind_any_figure(desk):
    assert "Billing" in queues_of(get(desk, f"/reports/tickets?{WHOLE}&queue=Billing"))
    sign_in_as(desk, "max", "manager", queues=["HR"])
    assert "You have access to some queues only" in text(get(desk, f"/reports?{WHOLE}"))
    page = get(desk, f"/reports?{WHOLE}").text
    assert "Billing" not in page
    followed = [get(desk, a) for a, _ in links(desk, "workload", WHOLE) + links(desk, "accuracy", WHOLE)]
    assert {queue for listed in followed for queue in queues_of(listed)} == {"HR"}
    assert queues_of(get(desk, f"/reports/tickets?{WHOLE}")) == {"HR"}
    assert queues_of(get(desk, f"/reports/tickets?{WHOLE}&queue=Billing")) <= {"HR"}


@pytest.mark.parametrize(("role", "may"), [("viewer", 403), ("agent", 403), ("manager", 200), ("admin", 200)])
def test_managers_and_admins_read_reports(client, role, may):
    sign_in_as(client, "somebody", role)
    for address in (
        "/reports",
        "/reports/accuracy",
        "/reports/tickets",
        "/reports/csv/accuracy",
        "/reports/panels.css",
    ):
        assert client.get(address).status_code == may
    assert ("/reports" in client.get("/").text) == (may == 200)


@pytest.mark.parametrize("panel", CSV_TABLES)
def test_every_table_comes_as_csv_that_a_spreadsheet_opens_and_does_not_run(desk, panel):
    answered = get(desk, f"/reports/csv/{panel}?{WHOLE}")
    assert answered.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answered.headers["Content-Disposition"].startswith(f'attachment; filename="{panel}-')
    table = list(csv.reader(io.StringIO(answered.content.decode("utf-8-sig"))))
    assert len(table) > 1
    assert not [cell for row in table for cell in row if cell.startswith(("=", "+", "@"))]


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/reports/nothing", 404), ("/reports/csv/nothing", 404), ("/reports/csv/summary", 404),
        ("/reports?from=yesterday", 422), ("/reports?from=2026-02-02&to=2026-02-01", 422),
        ("/reports/accuracy?target=mood", 422), ("/reports/tickets?rank=x", 422), ("/reports/tickets?hour=25", 422),
        ("/reports/tickets?before=0", 422), ("/reports/savings?triage_minutes=nan", 422),
    ],
)  # fmt: skip
def test_a_bad_address_gets_a_clear_answer(client, address, status):
    answered = client.get(address)
    assert answered.status_code == status
    assert answered.json()["detail"]


@pytest.mark.parametrize("queue", ["<script>alert(1)</script>", "'; DROP TABLE report_state; --", "\x00", "Кадры"])
def test_names_in_an_address_are_names_and_nothing_else(desk, queue):
    for name in PANELS:
        shown = desk.get(
            f"/reports/{name}",
            params={"queue": queue, "from": str(START.date()), "to": str(START.date() + timedelta(days=40))},
        )
        assert shown.status_code == 200
        assert "<script>alert" not in shown.text
