"""The daily rollups agree with the journal however they were counted, and all figures add up."""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, text

from deskyard.analytics import (
    accuracy,
    bounces,
    confusion,
    csv_export,
    panels,
    response_times,
    rollups,
    volume,
    workload,
)
from deskyard.analytics.contract_report import report_contracts
from deskyard.analytics.drill_down import find_tickets
from deskyard.analytics.panels import PANELS, PanelInputs
from deskyard.analytics.query import DrillDownFilter, ReportQuery
from deskyard.analytics.ticket_facts import ROUTING_OUTCOMES
from deskyard.db.database import open_database
from deskyard.db.tables.analytics import DAILY_TARGET_FACTS, DAILY_TICKET_FACTS, QUEUE_MOVES, TARGET_FACTS, TICKET_FACTS
from deskyard.domain.ticket import TARGETS
from deskyard.errors import BadInput
from deskyard.policy.policy import Policy
from tests.fakes.desk_journal import DAYS, QUEUE_NAMES, START, change, fill

MOSCOW = ZoneInfo("Europe/Moscow")
FIRST = START.date()
WHOLE = ReportQuery(FIRST - timedelta(days=1), FIRST + timedelta(days=DAYS + 1))
PART = ReportQuery(FIRST + timedelta(days=20), FIRST + timedelta(days=49))


@pytest.fixture
def database(tmp_path):
    opened = open_database(f"sqlite:///{tmp_path}/desk.db")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def counted(tmp_path_factory):
    """300 counted tickets; read-only."""
    opened = open_database(f"sqlite:///{tmp_path_factory.mktemp('counted')}/desk.db")
    fill(opened)
    rollups.refresh_rollups(opened, MOSCOW)
    yield opened
    opened.close()


@pytest.fixture
def conn(counted):
    with counted.reading() as opened:
        yield opened


def rows(database, table, *columns):
    with database.reading() as conn:
        return Counter(tuple(row) for row in conn.execute(select(*(table.c[name] for name in columns))))


def everything(database):
    tables = (TICKET_FACTS, TARGET_FACTS, QUEUE_MOVES, DAILY_TARGET_FACTS, DAILY_TICKET_FACTS)
    return [rows(database, one, *(column.name for column in one.columns if column.name != "id")) for one in tables]


def from_the_journal(database, zone):
    """The days, from the journal's text alone, one ticket at a time, with none of the code that counts."""
    answers, tickets = Counter(), Counter()
    with database.reading() as conn:
        entries = conn.execute(text("SELECT ticket_id, at, kind, content FROM journal_entries ORDER BY at, id")).all()
    for number in {row.ticket_id for row in entries}:
        mine = [(row.at, row.kind, json.loads(row.content)) for row in entries if row.ticket_id == number]
        came = datetime.fromisoformat(mine[0][0]).astimezone(zone)
        source = next(told["source"] for _, kind, told in mine if kind == "seen")
        decided = next(told for _, kind, told in mine if kind == "decided")
        ends = {"queue": decided["placement"]["queue"], "status": "new", **decided["set"]}
        for _, kind, told in mine:
            if kind in ("corrected", "changed"):
                ends[told["field"]] = told["to"]
        solved = ends["status"] in ("resolved", "closed")
        routed = decided["placement"]["reason"]["code"] != "triage"
        common = (came.date().isoformat(), source, decided["placement"]["queue"], ends["queue"])
        fates = {}
        for target in TARGETS:
            one = decided["decisions"].get(target)
            fates[target] = {"route": "routed", "suggest": "suggested"}.get(one["action"] if one else "", "left")
        hinted = [decided["decisions"][t]["action"] for t in ("queue", "category") if t in decided["decisions"]]
        fates["queue"] = "routed" if routed else "suggested" if "suggest" in hinted else "left"
        for target in TARGETS:
            one = decided["decisions"].get(target)
            said = one["label"] if one else ""
            truth = ends.get(target) if solved else None
            truth = "" if not truth or (truth == "triage" and not routed) else truth
            names = [top["label"] for top in one["top"]][:3] if one else []
            place = -1 if not said or not truth else names.index(truth) + 1 if truth in names else 0
            answers[(target, *common, fates[target], said, truth, place)] += 1
        tickets[(*common[:1], came.hour, *common[1:], fates["queue"], solved)] += 1
    return answers, tickets


def daily(database):
    common = ("source", "placed", "queue")
    with database.reading() as conn:
        names = ("target", "day", *common, "fate", "said", "truth", "place", "n")
        answers = {tuple(row)[:-1]: row.n for row in conn.execute(select(*(DAILY_TARGET_FACTS.c[n] for n in names)))}
        names = ("day", "hour", *common, "fate", "solved", "n")
        tickets = {tuple(row)[:-1]: row.n for row in conn.execute(select(*(DAILY_TICKET_FACTS.c[n] for n in names)))}
    return answers, tickets


def test_the_rollups_are_what_the_journal_says(counted):
    assert daily(counted) == from_the_journal(counted, MOSCOW)


def test_counting_as_tickets_live_on_gives_what_counting_at_the_end_gives(database, monkeypatch):
    monkeypatch.setattr(rollups, "BATCH_SIZE", 150)
    for seed in range(4):
        numbers = fill(database, 60, seed)
        rollups.refresh_rollups(database, MOSCOW)
        with database.writing() as conn:
            for number in numbers[::7]:
                change(conn, number, "queue", QUEUE_NAMES[seed], START + timedelta(days=DAYS + seed))
    assert rollups.refresh_rollups(database, MOSCOW).waiting_entries == 0
    live = everything(database)
    assert daily(database) == from_the_journal(database, MOSCOW)
    rollups.refresh_rollups(database, ZoneInfo("Asia/Tokyo"))
    assert everything(database) != live
    assert daily(database) == from_the_journal(database, ZoneInfo("Asia/Tokyo"))
    rollups.refresh_rollups(database, MOSCOW)
    assert everything(database) == live


def test_counting_stops_when_its_time_is_over_and_goes_on_later(database, monkeypatch):
    monkeypatch.setattr(rollups, "BATCH_SIZE", 100)
    fill(database, 100)
    first = rollups.refresh_rollups(database, MOSCOW, for_seconds=0)
    assert first.waiting_entries > 0
    assert first.is_behind
    assert rollups.refresh_rollups(database, MOSCOW).waiting_entries == 0


def test_many_may_count_at_once(database, monkeypatch):
    monkeypatch.setattr(rollups, "BATCH_SIZE", 40)
    fill(database, 120)
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(rollups.refresh_rollups, database, MOSCOW) for _ in range(4)]:
            done.result()
    assert daily(database) == from_the_journal(database, MOSCOW)


def test_postgresql_counts_and_shows_the_same(postgres_url, counted):
    server = open_database(postgres_url)
    fill(server)
    assert rollups.refresh_rollups(server, MOSCOW).waiting_entries == 0
    assert daily(server) == daily(counted)
    with server.reading() as there, counted.reading() as here:
        for asked in (PART, ReportQuery(PART.first, PART.last, "category", "IT", "mail")):
            for name, panel in PANELS.items():
                assert panel(there, PanelInputs(asked, WHOLE.last)) == panel(here, PanelInputs(asked, WHOLE.last)), name
            for only in (
                DrillDownFilter(),
                DrillDownFilter(outcome="routed", rank="1"),
                DrillDownFilter(by="hand", reassigned="returned"),
                DrillDownFilter(queue_pair=("IT", "HR")),
                DrillDownFilter(weekday=0, hour=3),
                DrillDownFilter(agent="", state="unsolved", any_day=True),
                DrillDownFilter(blind_review="correct", stars=0),
                DrillDownFilter(predicted_others=("IT",), actual="IT"),
                DrillDownFilter(moved_from="IT", moved_to="HR", measure="replies"),
            ):
                assert find_tickets(there, asked, only, 10) == find_tickets(here, asked, only, 10)
    server.close()


def test_no_text_of_a_ticket_is_in_what_is_counted(counted):
    with counted.reading() as conn:
        for table in (TICKET_FACTS, TARGET_FACTS, QUEUE_MOVES, DAILY_TARGET_FACTS, DAILY_TICKET_FACTS):
            assert "secret of" not in str(conn.execute(select(table)).all())


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("queue", ["", "IT"])
def test_parts_add_up_to_their_wholes(conn, target, queue):
    asked = ReportQuery(PART.first, PART.last, target, queue)
    one = accuracy.measure_accuracy(conn, asked)
    came = one.received
    assert came > 0
    assert came == one.routed + one.suggested + one.left
    assert came == volume.count_by_hour(conn, asked).received == sum(volume.count_by_day(conn, asked).values())
    assert came == find_tickets(conn, asked, DrillDownFilter(), 1).total
    counts = volume.count_by_hour(conn, asked)
    assert sum(counts.by_day) == sum(counts.by_hour) == came
    told = report_contracts(conn, asked, None, Policy())
    assert sum(p.routed for p in told) == one.routed
    assert (sum(p.right.right for p in told), sum(p.right.n for p in told)) == (one.right.right, one.right.n)
    for fate, share in (("", one.top1), ("routed", one.right)):
        found = confusion.build_matrix(confusion.count_pairs(conn, asked, fate))
        assert sum(map(sum, found.counts)) == share.n
        assert sum(row[i] for i, row in enumerate(found.counts)) == share.right
    moved = bounces.count_bounces(conn, asked)
    assert (moved.machine.right + moved.hand.right, moved.machine.n + moved.hand.n) == (moved.moved.right, came)
    for groups in response_times.measure_response_times(conn, asked).values():
        assert groups["all"].n == groups["machine"].n + groups["hand"].n
    burdens = workload.measure_workload(conn, asked)
    assert burdens.solved == find_tickets(conn, asked, DrillDownFilter(state="solved"), 1).total
    assert burdens.unsolved == find_tickets(conn, asked, DrillDownFilter(state="unsolved", any_day=True), 1).total


def test_a_period_is_the_sum_of_its_days_stores_and_the_reader_queues(conn):
    whole = accuracy.measure_accuracy(conn, WHOLE)
    days = [
        accuracy.measure_accuracy(conn, ReportQuery(day, day))
        for day in (WHOLE.first + timedelta(days=n) for n in range(WHOLE.days))
    ]
    stores = [
        accuracy.measure_accuracy(conn, ReportQuery(WHOLE.first, WHOLE.last, store=one)) for one in ("mail", "form")
    ]
    queues = [
        accuracy.measure_accuracy(conn, ReportQuery(WHOLE.first, WHOLE.last, visible_queues=frozenset([one])))
        for one in (*QUEUE_NAMES, "triage")
    ]
    for parts in (days, stores, queues):
        for name in ("received", "routed", "suggested", "left"):
            assert getattr(whole, name) == sum(getattr(one, name) for one in parts)
        assert (whole.right.right, whole.right.n) == (sum(p.right.right for p in parts), sum(p.right.n for p in parts))
    assert whole.received == 300


def test_the_period_before_is_as_long_and_ends_the_day_before(conn):
    asked = ReportQuery(date(2026, 4, 1), date(2026, 4, 30))
    assert (asked.previous_period.first, asked.previous_period.last) == (date(2026, 3, 2), date(2026, 3, 31))
    both = ReportQuery(asked.previous_period.first, asked.last)
    parts = [accuracy.measure_accuracy(conn, one).received for one in (asked, asked.previous_period)]
    assert sum(parts) == accuracy.measure_accuracy(conn, both).received


def test_whoever_sees_some_queues_counts_and_opens_those_tickets_only(conn):
    asked = ReportQuery(WHOLE.first, WHOLE.last, visible_queues=frozenset(["HR"]))
    found = find_tickets(conn, asked, DrillDownFilter(), 1000)
    where = set(conn.scalars(select(TICKET_FACTS.c.queue).where(TICKET_FACTS.c.ticket_id.in_(found.numbers))))
    assert where == {"HR"}
    nobody = ReportQuery(WHOLE.first, WHOLE.last, visible_queues=frozenset())
    for name, panel in PANELS.items():
        figures = panel(conn, PanelInputs(nobody, WHOLE.last))
        if name in csv_export.CSV_TABLES:
            assert not any(queue in csv_export.format_csv(name, figures) for queue in QUEUE_NAMES)


def test_pages_of_the_list_hold_each_ticket_once(conn):
    seen, before = [], None
    while True:
        page = find_tickets(conn, WHOLE, DrillDownFilter(outcome="routed"), 17, before)
        seen += page.numbers
        before = page.next_before
        if before is None:
            break
    assert len(seen) == len(set(seen)) == page.total
    assert all(one > other for one, other in pairwise(seen))


def test_every_outcome_is_there_so_that_the_tests_above_say_something(conn):
    one = accuracy.measure_accuracy(conn, WHOLE)
    assert all(getattr(one, fate) > 10 for fate in ROUTING_OUTCOMES)
    assert 0 < one.right.right < one.right.n < one.routed
    assert one.top1.right < one.top3.right
    assert bounces.count_bounces(conn, WHOLE).queue_pairs


@pytest.mark.parametrize("name", csv_export.CSV_TABLES)
def test_no_cell_of_a_sheet_is_a_formula(conn, name):
    text = csv_export.format_csv(name, panels.PANELS[name](conn, PanelInputs(WHOLE, WHOLE.last)))
    cells = [cell for line in text.splitlines() for cell in line.split(",")]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "@", '"=', '"+', '"@'))]
    assert len(text.splitlines()) > 1


@pytest.mark.parametrize(
    "said", [{"first": "x"}, {"first": "2026-02-30"}, {"last": "2020-01-01", "first": "2021-01-01"}, {"target": "mood"},
             {"first": "1000-01-01"}],
)  # fmt: skip
def test_a_question_that_makes_no_sense_is_refused(said):
    with pytest.raises(BadInput):
        ReportQuery.from_params(**{"first": "", "last": "", "today": date(2026, 3, 3)} | said)
