"""A history is read whole: every row is a ticket or a rejected row that somebody can look at."""

import csv
import gzip
import importlib.util
import io
import json
import os
import sys
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deskyard.errors import BadInput
from deskyard.history.columns import parse_mapping
from training.data.history import History
from training.data.load import load_history

SLOW_IS_FINE = settings(suppress_health_check=list(HealthCheck), max_examples=100)
HEADER = "id,created_at,subject,body,category,priority,queue,assignee"


def written(folder: Path, text: str, name: str = "h.csv", encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def noted(history: History, *parts: str) -> bool:
    return any(all(part in note for part in parts) for note in history.notes)


def test_a_history_becomes_tickets_in_time_order_with_their_labels(tmp_path):
    rows = [
        HEADER + ",organisation,x_product,first_response_at,resolved_at,phase",
        "2,2024-01-02,no sound,at all,Radio,High,IT,ann,ACME,R1,2024-01-02 10:00,2024-01-03,x",
        "1,2024-01-01,rain,inside,Roof,,Yard, bob ,,,,,x",
    ]
    history = load_history([written(tmp_path, "\n".join(rows))])
    assert [ticket.id for ticket in history.tickets] == ["1", "2"]
    assert history.labels == {
        "category": ["Roof", "Radio"],
        "priority": [None, "high"],
        "queue": ["Yard", "IT"],
        "assignee": ["bob", "ann"],
    }
    assert history.tickets[1].fields == {"product": "R1"}
    assert history.tickets[1].organisation == "ACME"
    assert [moment and moment.isoformat() for moment in history.first_responses] == [None, "2024-01-02T10:00:00+00:00"]
    assert [moment and moment.day for moment in history.resolutions] == [None, 3]
    assert history.ignored_columns == {str(tmp_path / "h.csv"): ["phase"]}
    assert [moment.day for moment in history.time_range] == [1, 2]
    assert (len(history), history.dated) == (2, 2)


def test_rejected_rows_are_counted_by_reason_and_written_with_their_lines(tmp_path):
    content = (
        'id,body\n1,good\n,no id\n2, \u200b\n1,again\n3,"broken\n4,a,b\n5,'.encode()
        + b"\xff\xfe\n"
        + "6,ещё\n".encode()
    )
    path = tmp_path / "h.csv"
    path.write_bytes(content)
    history = load_history([path])
    assert [ticket.id for ticket in history.tickets] == ["1", "6"]
    assert history.rejected_by_reason == {
        "no id": 1, "no text": 1, "duplicate id": 1, "broken quoting": 1, "wrong number of cells": 1, "undecodable": 1,
    }  # fmt: skip
    assert history.write_rejected(tmp_path / "rejected.csv") == 6
    with (tmp_path / "rejected.csv").open(encoding="utf-8", newline="") as stream:
        kept = list(csv.DictReader(stream))
    assert [(row["line"], row["reason"]) for row in kept][:3] == [
        ("3", "no id"),
        ("4", "no text"),
        ("5", "duplicate id"),
    ]
    assert kept[0]["raw"] == ",no id"
    assert kept[2]["id"] == "1"


def test_a_clean_history_makes_no_rejected_file(tmp_path):
    assert load_history([written(tmp_path, "id,body\n1,a\n")]).write_rejected(tmp_path / "rejected.csv") == 0
    assert not (tmp_path / "rejected.csv").exists()


def test_russian_headers_in_cp1251_with_semicolons_train_with_one_map_line_each(tmp_path):
    text = "№ заявки;Дата;Текст обращения;Важность;Группа\n7;04.03.2024 10:00;Не печатает, срочно;Высокий;Печать\n"
    lines = ["id=№ заявки", "created_at=Дата", "body=Текст обращения", "priority=Важность", "queue=Группа"]
    history = load_history([written(tmp_path, text, encoding="cp1251")], parse_mapping(lines))
    assert history.tickets[0].body == "Не печатает, срочно"
    assert history.tickets[0].created_at.isoformat() == "2024-03-04T10:00:00+00:00"
    assert (history.labels["priority"], history.labels["queue"]) == (["high"], ["Печать"])
    assert noted(history, "cp1251", "';'")
    assert noted(history, "taken as UTC")


def test_the_same_content_has_the_same_digest_in_every_format(tmp_path):
    rows = [{"id": str(n), "body": f"текст\n{n}", "queue": "a\nb" if n % 2 else "", "x_p": "r"} for n in range(30)]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), delimiter=";")
    writer.writeheader()
    writer.writerows(rows)
    paths = [written(tmp_path, text.getvalue(), "a.csv"), written(tmp_path, text.getvalue(), "b.csv", "utf-16")]
    paths.append(written(tmp_path, "\n".join(map(json.dumps, rows)), "c.jsonl"))
    (tmp_path / "d.csv.gz").write_bytes(gzip.compress(text.getvalue().encode("cp1251")))
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    for row in [list(rows[0]), *([int(row["id"]), *list(row.values())[1:]] for row in rows)]:
        sheet.append(row)
    book.save(tmp_path / "e.xlsx")
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "f.parquet")
    paths += [tmp_path / "d.csv.gz", tmp_path / "e.xlsx", tmp_path / "f.parquet"]
    digests = {load_history([path]).digest for path in paths}
    assert len(digests) == 1
    rows[3]["queue"] = "other"
    assert load_history([written(tmp_path, "\n".join(map(json.dumps, rows)), "g.jsonl")]).digest not in digests


def test_an_id_that_two_files_share_is_a_duplicate(tmp_path):
    one, two = written(tmp_path, "id,body\n1,a\n", "1.csv"), written(tmp_path, "ID,Body\n1,b\n2,c\n", "2.csv")
    history = load_history([one, two])
    assert [ticket.id for ticket in history.tickets] == ["1", "2"]
    assert [(row.file, row.line) for row in history.rejected] == [(str(two), 2)]


def test_critical_is_high_where_a_blocker_occurs_in_any_file(tmp_path):
    one = written(tmp_path, "id,body,priority\n1,a,Critical\n2,a,Trivial\n", "1.csv")
    two = written(tmp_path, "id,body,priority\n3,b,Blocker\n", "2.csv")
    assert load_history([one]).labels["priority"] == ["critical", "low"]
    assert load_history([one, two]).labels["priority"] == ["high", "low", "critical"]


def test_an_unknown_priority_is_emptied_counted_and_named_and_a_bare_number_is_refused(tmp_path):
    path = written(tmp_path, "id,body,priority\n1,a,Горит\n2,b,Горит\n3,c,1\n4,d,4\n")
    history = load_history([path])
    assert history.labels["priority"] == [None] * 4
    assert history.priority_unknown == {"Горит": 2, "1": 1, "4": 1}
    assert noted(history, "Горит", "(2)", "--map")
    assert noted(history, "bare number", "priority.numbers=1-is-urgent")
    history = load_history([path], parse_mapping(["priority.горит=critical", "priority.numbers=1-is-urgent"]))
    assert history.labels["priority"] == ["critical", "critical", "critical", "low"]
    assert not history.priority_unknown


def test_a_label_longer_than_200_characters_is_emptied_counted_and_named(tmp_path):
    history = load_history([written(tmp_path, f"id,body,queue\n1,a,{'x' * 201}\n2,b,{'x' * 200}\n")])
    assert history.labels["queue"] == [None, "x" * 200]
    assert history.long_labels == {"queue": 1}
    assert noted(history, "queue", "201")


def test_the_whole_file_says_whether_the_day_or_the_month_comes_first(tmp_path):
    def days(*dates: str) -> list[int]:
        rows = "\n".join(f"{n},{date},a" for n, date in enumerate(dates))
        history = load_history([written(tmp_path, "id,created_at,body\n" + rows)], order="file")
        return [ticket.created_at.day for ticket in history.tickets]

    assert days("03/04/2024", "13/04/2024") == [3, 13]
    assert days("03/04/2024", "04/13/2024") == [4, 13]
    assert days("03/04/2024", "2024-05-06") == [3, 6]
    path = written(tmp_path, "id,created_at,body\n1,03/04/2024,a\n")
    assert noted(load_history([path]), "begin with the day", "nothing shows")
    assert load_history([path], parse_mapping(["dates=month-first"])).tickets[0].created_at.month == 3


def test_an_order_of_dates_that_all_files_show_is_kept_for_predictions(tmp_path):
    header = "id,created_at,body,queue\n"
    american = written(tmp_path, header + "1,03/04/2024,a,IT\n2,04/25/2024,b,HR\n", "a.csv")
    european = written(tmp_path, header + "3,03/04/2024,a,IT\n4,25/04/2024,b,HR\n", "b.csv")
    assert load_history([american]).mapping.to_json()["dates"] == "month"
    for paths in ([european], [american, european]):
        assert "dates" not in load_history(paths).mapping.to_json()


def test_a_date_that_cannot_be_read_is_counted_and_named_and_the_row_stays(tmp_path):
    rows = "1,yesterday,a\n2,0001-01-01T00:00:00+05:00,b\n3,9999-12-31T23:59:59-05:00,c\n4,,d\n5,2024-01-01,e\n"
    history = load_history([written(tmp_path, "id,created_at,body\n" + rows)])
    assert [ticket.id for ticket in history.tickets] == ["1", "4", "2", "5", "3"]
    assert history.unreadable_times == {"created_at": 1}
    assert noted(history, "'yesterday' in line 2")
    assert noted(history, "2 of 5 tickets have no created_at")


def test_a_column_of_dates_of_which_none_can_be_read_stops_the_run_and_shows_three(tmp_path):
    path = written(tmp_path, "id,Created at,body\n" + "".join(f"{n},day {n} of the moon,a\n" for n in range(50)))
    with pytest.raises(BadInput) as caught:
        load_history([path])
    said = str(caught.value)
    for part in (
        "none of the 50 times",
        "'Created at'",
        "'day 0 of the moon' in line 2",
        "day 2 of",
        "created_at=none",
    ):
        assert part in said
    assert "day 3 of" not in said
    assert len(load_history([path], order="file")) == 50
    assert noted(load_history([path], parse_mapping(["created_at=none"])), "tested on random tickets")


def test_an_unknown_zone_is_noted_and_its_time_kept(tmp_path):
    rows = "1,06.01.2025 09:03 XYZT,a\n2,06.01.2025 10:03 EST,b\n"
    history = load_history([written(tmp_path, "id,created_at,body\n" + rows)])
    assert [ticket.created_at.hour for ticket in history.tickets] == [9, 15]
    assert noted(history, "zone of some times is not known", "XYZT")
    assert not noted(history, "EST (as in")


def test_rows_without_an_id_column_are_numbered_through_all_files(tmp_path):
    one = written(tmp_path, "Short description,Category\nvpn down,IT\n,IT\nmail down,HR\n", "1.csv")
    two = written(tmp_path, "Short description,Category\nno pay,HR\n", "2.csv")
    three = written(tmp_path, "id,subject\nrow-5,x y\n", "3.csv")
    history = load_history([one, two, three])
    assert [ticket.id for ticket in history.tickets] == ["row-1", "row-3", "row-4", "row-5"]
    assert history.rejected_by_reason == {"no text": 1}
    assert noted(history, "no column holds an id: rows are numbered")
    assert [ticket.id for ticket in load_history([three, one, two, two]).tickets][-1] == "row-5'"


def test_a_target_with_one_label_is_named_as_not_learnt(tmp_path):
    history = load_history([written(tmp_path, "id,body,queue,category\n1,a,IT,x\n2,b,IT,y\n3,c,,y\n")])
    assert noted(history, "queue is not learnt: it has one label only, 'IT' (2 tickets)")
    assert not noted(history, "category is not learnt")


def test_a_repeated_column_gives_its_first_value_that_is_not_empty(tmp_path):
    path = written(tmp_path, "Issue key,Summary,Component/s,Component/s\nA-1,vpn,,IT\nA-2,pay,HR,IT\nA-3,x,,\n")
    assert load_history([path]).labels["queue"] == ["IT", "HR", None]
    assert load_history([path], parse_mapping(["queue=Component/s (2)"])).labels["queue"] == ["IT", "IT", None]
    assert load_history([path], parse_mapping(["queue=Component/s (1)"])).labels["queue"] == [None, "HR", None]


def test_columns_that_were_recognised_are_in_the_mapping_of_the_history(tmp_path):
    path = written(tmp_path, "№ заявки;Текст обращения;Группа\n1;а б;x\n2;в г;y\n")
    assert load_history([path]).mapping.columns == {"id": "№ заявки", "body": "Текст обращения", "queue": "Группа"}


def test_the_columns_that_a_bundle_keeps_are_used_where_the_file_has_them(tmp_path):
    texts = [f"the printer on floor {n} does not print anything since the last update" for n in range(30)]
    lines = [f"{n},{text},more about it: {text},{'IT' if n % 2 else 'HR'}" for n, text in enumerate(texts)]
    path = written(tmp_path, "\n".join(["id,Was,Details of it,queue", *lines]))
    with pytest.raises(BadInput, match='--map body="Details of it"'):
        load_history([path], order="file")
    stored = {"columns": {"body": "Was", "subject": "Of another file"}}
    assert load_history([path], order="file", stored_columns=stored).tickets[7].body == texts[7]


def test_nested_members_are_named_with_dots(tmp_path):
    lines = [json.dumps({"k": n, "f": {"kind": {"text": f"a b {n}"}, "t": {"n": "IT"}}}) for n in range(3)]
    mapping = parse_mapping(["id=k", "body=f.kind.text", "queue=f.t.n"])
    history = load_history([written(tmp_path, "\n".join(lines), "h.jsonl")], mapping)
    assert ([ticket.body for ticket in history.tickets][2], history.labels["queue"][0]) == ("a b 2", "IT")


def test_moves_tell_the_journey_and_those_of_unknown_tickets_are_counted(tmp_path):
    path = written(tmp_path, "id,body,queue\n1,a,IT\n2,b,HR\n")
    moves = written(
        tmp_path,
        "id,at,actor,field,from,to\n1,2024-01-02 10:00,ann,Queue,HR,IT\n1,2024-01-01,bot,priority,normal,Urgent\n"
        "9,2024-01-01,bot,queue,,HR\n2,never,ann,queue,,HR\n,2024-01-01,ann,queue,,HR\n",
        "m.csv",
    )
    history = load_history([path], moves=moves)
    assert [(m.id, m.at.day, m.actor, m.field, m.before, m.after) for m in history.moves] == [
        ("1", 1, "bot", "priority", "medium", "critical"),
        ("1", 2, "ann", "queue", "HR", "IT"),
    ]
    assert history.rejected_by_reason == {"no time": 1, "no id": 1}
    assert noted(history, "1 moves are of 1 tickets", "9")


def test_moves_speak_the_desks_own_words_through_the_map(tmp_path):
    path = written(tmp_path, "id;Текст;Группа\n1;а;Сеть\n")
    moves = written(tmp_path, "id;Когда;field;to\n1;01.02.2024 10:00;Группа;Почта\n", "m.csv")
    said = parse_mapping(["body=Текст", "queue=Группа", "moves.at=Когда"])
    assert [(move.field, move.after) for move in load_history([path], said, moves=moves).moves] == [("queue", "Почта")]
    with pytest.raises(BadInput, match=r"no column 'at'.*--map moves.at="):
        load_history([path], parse_mapping(["body=Текст", "queue=Группа"]), moves=moves)


def test_files_without_our_columns_are_sentences_that_say_what_to_add(tmp_path):
    with pytest.raises(BadInput, match=r'Columns found: .*--map body="Инфо"'):
        load_history([written(tmp_path, "Код;Инфо\n1;а и б\n")])
    with pytest.raises(BadInput, match="Did you mean 'Описание'"):
        load_history([written(tmp_path, "id;Описание\n1;а\n")], parse_mapping(["body=Описания"]))
    with pytest.raises(BadInput, match="at least one file"):
        load_history([])


def test_a_header_without_rows_is_an_empty_history(tmp_path):
    history = load_history([written(tmp_path, HEADER + "\n")])
    assert (len(history), history.rejected, history.time_range) == (0, [], None)


def test_json_rows_may_bring_columns_late(tmp_path):
    lines = [json.dumps({"id": n, "body": "a"}) for n in range(1500)] + [
        json.dumps({"id": "x", "body": "b", "queue": "q"})
    ]
    history = load_history([written(tmp_path, "\n".join(lines), "h.jsonl")])
    assert history.labels["queue"][-1] == "q"


CELL = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from(
    [
        "1",
        "2",
        "",
        " ",
        "critical",
        "4",
        "03/04/2024",
        "0001-01-01T00:00+03:00",
        "\u202eabc",
        '"',
        '",',
        "\n",
        "x" * 300,
    ]
)


@SLOW_IS_FINE
@given(st.lists(st.lists(CELL, min_size=5, max_size=5), max_size=12), st.sampled_from([",", ";", "\t"]))
def test_every_row_is_a_ticket_or_a_rejected_row(tmp_path, rows, delimiter):
    with (tmp_path / "h.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, delimiter=delimiter, quoting=csv.QUOTE_ALL)
        # One date can be read, since a column of which none can be read stops the run.
        rows = [*rows, ["last", "2024-01-01", "words", "", ""]]
        writer.writerows([["id", "created_at", "body", "priority", "queue"], *rows])
    history = load_history([tmp_path / "h.csv"])
    assert len(history) + len(history.rejected) == len(rows)
    assert all(len(labels) == len(history) for labels in history.labels.values())
    assert len(history.first_responses) == len(history.resolutions) == len(history)
    assert len({ticket.id for ticket in history.tickets}) == len(history)
    history.write_rejected(tmp_path / "rejected.csv")
    (tmp_path / "rejected.csv").unlink(missing_ok=True)


@SLOW_IS_FINE
@given(
    st.sampled_from([b"id,body,queue\n", b'"id";"body"\n', b"", b"\xff\xfei\0d\0"]),
    st.binary(max_size=300),
    st.sampled_from(["h.csv", "h.jsonl", "h"]),
)
def test_any_bytes_are_a_history_or_a_sentence(tmp_path, head, content, name):
    (tmp_path / name).write_bytes(head + content)
    try:
        history = load_history([tmp_path / name])
    except BadInput as error:
        assert name in str(error)  # noqa: PT017 - either outcome is right
    else:
        assert len(history.digest) == 64


CASES = Path(os.environ.get("DESKYARD_CASES", Path(__file__).resolve().parents[3] / "shared" / "check" / "cases.py"))


@pytest.mark.skipif(not CASES.is_file(), reason="the real cases of ../shared are not here (or set DESKYARD_CASES)")
def test_the_real_cases_are_read_without_losing_a_row(tmp_path):
    spec = importlib.util.spec_from_file_location("cases", CASES)
    cases = importlib.util.module_from_spec(spec)
    sys.modules["cases"] = cases
    spec.loader.exec_module(cases)
    cases.main(tmp_path, [])
    folders = sorted(tmp_path.iterdir())
    assert len(folders) == 12
    for folder in folders:
        with (folder / "train.csv").open(encoding="utf-8", newline="") as stream:
            truth = list(csv.DictReader(stream))
        history = load_history([folder / "train.csv"], order="file")
        assert len(history) + len(history.rejected) == len(truth), folder.name
        assert set(history.rejected_by_reason) <= {"no text", "duplicate id"}, folder.name
        rows = {row["id"]: row for row in reversed(truth)}
        for ticket, queue in zip(history.tickets, history.labels["queue"], strict=True):
            assert ticket.body == rows[ticket.id]["body"]
            assert (queue or "") == rows[ticket.id]["queue"].strip()
        assert not history.unreadable_times
        assert not history.ignored_columns
