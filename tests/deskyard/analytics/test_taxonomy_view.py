"""Reports with current label names are as if these names had been used from the beginning."""

import random
from datetime import date

import pytest
from sqlalchemy import delete, insert

from deskyard.analytics import accuracy, bounces, confusion, contract_report, response_times, rollups, volume, workload
from deskyard.analytics.drill_down import find_tickets
from deskyard.analytics.query import DrillDownFilter, ReportQuery
from deskyard.db.tables.analytics import QUEUE_MOVES, TARGET_FACTS, TICKET_FACTS
from deskyard.domain.taxonomy import TaxonomyChange, make_translator
from deskyard.domain.ticket import TARGETS
from deskyard.errors import BadInput
from deskyard.policy.policy import Policy

DAY, DAYS = date(2026, 3, 1), ("2026-02-27", "2026-02-28", "2026-03-01")
QUEUES = ("VPN", "Wi-Fi", "Network", "Billing", "Accounts", "triage")
CHANGES = (
    TaxonomyChange(DAY, "queue", "merge", ("VPN", "Wi-Fi"), ("Network",)),
    TaxonomyChange(DAY, "queue", "rename", ("Billing",), ("Accounts",)),
    TaxonomyChange(DAY, "category", "rename", ("Bill",), ("Invoice",)),
    TaxonomyChange(DAY, "assignee", "rename", ("ann",), ("anna",)),
)
LABELS = {
    "queue": QUEUES[:-1], "category": ("Bill", "Invoice", "Other"), "priority": ("low", "high"),
    "assignee": ("ann", "anna", "bob"),
}  # fmt: skip


def asked(taxonomy, target="queue", **more):
    return ReportQuery.from_params(
        "2026-02-01", "2026-03-31", DAY, target, taxonomy=taxonomy, taxonomy_changes=CHANGES, **more
    )


@pytest.fixture(params=range(4))
def counted(database, request):
    """A database whose reports hold random tickets, moves and blind answers."""
    dice = random.Random(request.param)
    facts, answers, moves = [], [], []
    for number in range(1, 80):
        own = {
            "ticket_id": number, "day": dice.choice(DAYS), "source": dice.choice(["desk", "znuny"]),
            "placed": dice.choice(QUEUES), "queue": dice.choice(QUEUES),
        }  # fmt: skip
        passed = [
            {**own, "n": n, "was": dice.choice(QUEUES), "became": dice.choice(QUEUES), "back": dice.random() < 0.3}
            for n in range(dice.choice([0, 0, 1, 2]))
        ]
        moves += passed
        fate = dice.choice(["routed", "suggested", "left"])
        facts.append(
            own | {
                "hour": dice.randrange(24), "fate": fate, "assignee": dice.choice(["", "ann", "anna", "bob"]),
                "solved": dice.random() < 0.7, "first_response": dice.choice([None, 60]), "replies": 1,
                "resolution": dice.choice([None, 3600]), "moves": len(passed),
                "returned": any(move["back"] for move in passed),
            }
        )  # fmt: skip
        for target in TARGETS:
            said, truth = dice.choice(["", *LABELS[target]]), dice.choice(["", *LABELS[target]])
            place = -1 if not said or not truth else 1 if said == truth else dice.choice([0, 2, 3])
            answers.append(
                own | {
                    "target": target, "fate": fate, "said": said, "truth": truth, "place": place, "heard": "",
                    "agreed": False,
                }
            )  # fmt: skip
    write(database, facts, answers, moves)
    return database, (facts, answers, moves)


def write(database, facts, answers, moves):
    with database.writing() as conn:
        for table, rows in ((TICKET_FACTS, facts), (TARGET_FACTS, answers), (QUEUE_MOVES, moves)):
            conn.execute(delete(table))
            if rows:
                conn.execute(insert(table), rows)
        rollups._recount_days(conn, DAYS)


def rewritten(facts, answers, moves):
    """The same rows, with the current names from the beginning."""
    called = {target: make_translator(CHANGES, target) for target in TARGETS}

    def queued(row):
        return row | {name: called["queue"](row[name]) for name in ("placed", "queue", "was", "became") if name in row}

    moves = [move for move in map(queued, moves) if move["was"] != move["became"]]
    answers = [queued(row) | {name: called[row["target"]](row[name]) for name in ("said", "truth")} for row in answers]
    answers = [row | ({"place": 1} if row["said"] == row["truth"] and row["place"] >= 0 else {}) for row in answers]
    facts = [
        queued(row) | {
            "assignee": called["assignee"](row["assignee"]),
            "moves": sum(move["ticket_id"] == row["ticket_id"] for move in moves),
            "returned": any(move["back"] and move["ticket_id"] == row["ticket_id"] for move in moves),
        }
        for row in facts
    ]  # fmt: skip
    return facts, answers, moves


def figures(conn, of):
    return (
        [accuracy.measure_accuracy(conn, one) for one in of],
        [confusion.count_pairs(conn, one) for one in of],
        [confusion.count_pairs(conn, one, "routed") for one in of],
        [contract_report.report_contracts(conn, one, None, Policy()) for one in of],
        [bounces.count_bounces(conn, one) for one in of],
        [workload.measure_workload(conn, one) for one in of],
        [volume.count_by_hour(conn, one) for one in of],
        [response_times.measure_response_times(conn, one) for one in of],
        [find_tickets(conn, one, DrillDownFilter(rank="1"), 100) for one in of],
        [find_tickets(conn, one, DrillDownFilter(reassigned="reassigned"), 100) for one in of],
        [find_tickets(conn, one, DrillDownFilter(agent="anna"), 100) for one in of],
    )


def test_they_tell_what_they_would_if_things_had_always_been_called_so(counted):
    database, rows = counted
    questions = [{}, {"queue": "Network"}, {"store": "desk"}, *({"target": target} for target in TARGETS)]
    with database.reading() as conn:
        now = figures(conn, [asked("current", **one) for one in questions])
        then = figures(conn, [asked("original", **one) for one in questions])
    assert now != then
    write(database, *rewritten(*rows))
    with database.reading() as conn:
        assert figures(conn, [asked("original", **one) for one in questions]) == now


def test_behind_each_figure_stand_its_tickets_in_either_names(counted):
    database, _ = counted
    for taxonomy in ("current", "original"):
        with database.reading() as conn:
            pairs, bounced = confusion.count_pairs(conn, asked(taxonomy)), bounces.count_bounces(conn, asked(taxonomy))
            assert sum(n for (truth, said), n in pairs.items() if truth != said) > 0
            assert bounced.moves
            assert bounced.queue_pairs
            for (truth, said), n in pairs.items():
                assert (
                    find_tickets(
                        conn, asked(taxonomy), DrillDownFilter(rank="known", predicted=said, actual=truth), 100
                    ).total
                    == n
                )
            for was, became, n in bounced.moves:
                assert (
                    find_tickets(conn, asked(taxonomy), DrillDownFilter(moved_from=was, moved_to=became), 100).total
                    == n
                )
            for one, other, n in bounced.queue_pairs:
                assert find_tickets(conn, asked(taxonomy), DrillDownFilter(queue_pair=(one, other)), 100).total == n


def test_who_may_see_a_queue_sees_what_stands_in_it_whatever_it_is_called(counted):
    """A queue of before is not opened to who may see the one that it became."""
    database, (facts, _, _) = counted
    mine = {row["ticket_id"] for row in facts if row["queue"] == "Network"}
    assert 0 < len(mine) < len(facts)
    for taxonomy in ("current", "original"):
        with database.reading() as conn:
            found = find_tickets(conn, asked(taxonomy, visible=frozenset({"Network"})), DrillDownFilter(), 100)
        assert set(found.numbers) == mine


def test_an_old_name_asks_for_the_queue_it_is_today(counted):
    database, _ = counted
    with database.reading() as conn:
        by_old, by_new = (volume.count_by_hour(conn, asked("current", queue=name)) for name in ("VPN", "Network"))
        alone = volume.count_by_hour(conn, asked("original", queue="VPN"))
    assert by_old == by_new
    assert alone.received < by_new.received


def test_the_address_keeps_whose_names_are_used():
    assert "taxonomy" not in asked("current").to_params()
    assert asked("original").to_params()["taxonomy"] == "original"
    assert asked("original").previous_period.to_params()["taxonomy"] == "original"
    with pytest.raises(BadInput, match="taxonomy is one of current, original"):
        asked("tomorrow")
