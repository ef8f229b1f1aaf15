"""Tables of tickets in files: what people export, how it can be broken, and what must never be lost."""

import csv
import datetime as dt
import gzip
import io
import json
import sys
import time
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from deskyard.errors import BadInput
from deskyard.tabular.readers import BrokenRow, Row, TableLocation, open_table, open_writer

SLOW_IS_FINE = settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=150)


def written(folder: Path, content: bytes | str, name: str = "t.csv", encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


def rows_of(path: Path) -> list[Row | BrokenRow]:
    with open_table(path) as table:
        return list(table)


def cells(rows: list[Row | BrokenRow]) -> list[list[str]]:
    return [list(row.values.values()) for row in rows if isinstance(row, Row)]


def test_a_quoted_body_may_span_lines_and_line_numbers_stay_physical(tmp_path):
    got = rows_of(written(tmp_path, 'id,body\n1,"a\n\n""b"",c"\n\n2,d\n'))
    assert [(row.line, row.values["body"]) for row in got if isinstance(row, Row)] == [(2, 'a\n\n"b",c'), (6, "d")]


ROWS = [["1", 'VPN, or "vpn"', "Network"], ["2", "printer; paper", "Printing"], ["3", "salary", "Payroll"]] * 3


@pytest.mark.parametrize(
    "text",
    [
        'id, body, queue\n1, "VPN, or ""vpn""", Network\n2, "printer; paper", Printing\n3, "salary", Payroll\n',
        '"id,body,queue"\n"1,""VPN, or """"vpn"""""",Network"\n"2,printer; paper,Printing"\n"3,salary,Payroll"\n',
        '"id;body;queue";\n"1;VPN, or ""vpn"";Network";\n"2;""printer; paper"";Printing";\n"3;salary;Payroll";\n',
        'id,body,queue\n="1","VPN, or ""vpn""",Network\n"=""2""",printer; paper,Printing\n="3",="salary",Payroll\n',
        'id,body,queue\n1,VPN\\, or "vpn",Network\n2,printer; paper,Printing\n3,salary,Payroll\n',
        'id!body!queue\n1!VPN, or "vpn"!Network\n2!printer; paper!Printing\n3!salary!Payroll\n',
        '|id|body|queue|\n|--|:---|---|\n|1|VPN, or "vpn"|Network|\n|2|printer; paper|Printing|\n|3|salary|Payroll|\n',
    ],
    ids=["quotes behind spaces", "lines in quotes", "lines in quotes and a delimiter", "formulas",
         "escaped delimiters", "exclamation marks", "a table of text"],
)  # fmt: skip
def test_a_dialect_that_programs_write_is_read(tmp_path, text):
    got = rows_of(written(tmp_path, text))
    assert [[row.values[name].strip() for name in ("id", "body", "queue")] for row in got] == ROWS[:3]


def test_a_header_that_is_repeated_and_a_line_of_dashes_are_no_tickets_and_counted(tmp_path):
    with open_table(written(tmp_path, "id,body\n--,----\n1,a\nid,body\n2,--\n")) as table:
        assert cells(list(table)) == [["1", "a"], ["2", "--"]]
        assert table.describe_repairs() == ["2 rows are the header once more, or a line of dashes, and are passed over"]


def test_a_delimiter_of_several_characters_is_told(tmp_path):
    with pytest.raises(BadInput, match="'::' seem to stand between its columns"):
        open_table(written(tmp_path, "id::created_at::queue\n1::2025-01-06 09:03::a\n2::2025-01-06::e\n"))


@pytest.mark.parametrize("text", ["Grüße aus Köln, die Tür klemmt", "une collègue a besoin d'un écran, très vite"])
def test_the_code_page_of_dos_is_known(tmp_path, text):
    path = written(tmp_path, f"id;body\n1;{text}\n2;{text.upper()}\n", encoding="cp850")
    assert cells(rows_of(path)) == [["1", text], ["2", text.upper()]]


@pytest.mark.parametrize("damage", ['x,"never closed,y', 'x,"closed"too early,y', '"x,y', 'x,y,"', '"x"y",z,""'])
@pytest.mark.parametrize("quoting", [csv.QUOTE_ALL, csv.QUOTE_MINIMAL])
def test_a_broken_quote_costs_one_row_and_not_the_file(tmp_path, damage, quoting):
    text = io.StringIO()
    writer = csv.writer(text, quoting=quoting, lineterminator="\n")
    writer.writerows([["id", "body", "queue"], *([str(n), f'line {n}, "quoted"', "q"] for n in range(100))])
    lines = text.getvalue().splitlines(keepends=True)
    lines.insert(40, damage + "\n")
    got = rows_of(written(tmp_path, "".join(lines)))
    assert [(row.line, row.reason) for row in got if isinstance(row, BrokenRow)] == [(41, "broken quoting")]
    assert [row.values["id"] for row in got if isinstance(row, Row)] == [str(n) for n in range(100)]


def test_a_quote_that_is_never_closed_in_a_file_without_quotes_costs_one_row(tmp_path):
    lines = ["id,body", "1,a", '2,"b', *(f"{n},c" for n in range(3, 5000))]
    got = rows_of(written(tmp_path, "\n".join(lines)))
    assert len(got) == 4999
    assert [row.line for row in got if isinstance(row, BrokenRow)] == [3]


def test_a_body_that_holds_pasted_csv_is_one_row(tmp_path):
    body = "see:\n1,2,3\n4,5,6\n"
    text = io.StringIO()
    csv.writer(text).writerows([["id", "body", "queue"], ["7", body, "q"], ["8", "b", "q"]])
    assert cells(rows_of(written(tmp_path, text.getvalue()))) == [["7", body, "q"], ["8", "b", "q"]]


def test_a_row_with_more_cells_than_the_header_or_a_single_one_is_broken_and_blank_lines_are_no_rows(tmp_path):
    got = rows_of(written(tmp_path, "id,body\n1\n\n  \n2,a,b\n3,c\n"))
    assert [(row.line, getattr(row, "detail", "")) for row in got] == [
        (2, "it has 1 cells, the header has 2"),
        (5, "it has 3 cells, the header has 2"),
        (6, ""),
    ]


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [
        ("utf-8", "UTF-8"),
        ("utf-8-sig", "UTF-8"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("utf-32", "utf-32"),
        ("utf-32-le", "utf-32-le"),
        ("utf-32-be", "utf-32-be"),
        ("cp1251", "cp1251"),
        ("koi8-r", "koi8-r"),
        ("cp866", "cp866"),
        ("mac-cyrillic", "mac-cyrillic"),
    ],
)
@pytest.mark.parametrize("delimiter", [";", "\t", "^", "#"])
def test_encoding_and_delimiter_are_detected_and_said(tmp_path, encoding, shown, delimiter):
    body = "Добрый день! Не печатает принтер, прошу помочь; Иванов"
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows([["Номер", "Текст обращения", "Очередь"], ["1", body, "Печать"]])
    path = written(tmp_path, text.getvalue(), encoding=encoding)
    with open_table(path) as table:
        assert table.columns == ["Номер", "Текст обращения", "Очередь"]
        assert shown in table.notes[0]
        assert cells(list(table)) == [["1", body, "Печать"]]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Der Drucker im Büro läuft nicht, größere Störung", "cp1252"),
        ("La impresión no funciona, ¿qué pasó?", "cp1252"),
        ("A seleção não está disponível, é urgente", "cp1252"),
        ("Не працює друк, зʼєднання є, її немає", "utf-8"),
        ("Не працює мій комп'ютер, прошу вирішити її питання", "cp1251"),
        ("I only said café once", "cp1252"),
    ],
)
def test_german_spanish_portuguese_and_ukrainian_pages_are_read(tmp_path, text, encoding):
    path = written(tmp_path, f"id;body\n1;{text}\n2;plain words\n", encoding=encoding)
    assert cells(rows_of(path)) == [["1", text], ["2", "plain words"]]


def test_a_bad_line_in_a_utf8_file_is_one_undecodable_row(tmp_path):
    good = "id,body\n1,Принтер не печатает\n2,ещё раз\n".encode()
    got = rows_of(written(tmp_path, good + b"3,\xff\xfe\xd0\n" + "4,спасибо\n".encode()))
    assert [(row.line, row.reason) for row in got if isinstance(row, BrokenRow)] == [(4, "undecodable")]
    assert "\ufffd" in got[2].raw
    assert len(cells(got)) == 3


def test_stray_bytes_in_an_english_file_are_damage_and_not_cyrillic(tmp_path):
    got = rows_of(written(tmp_path, b"id,body\n1,hello\n2,\xff\xfe\xfa\n3,bye\n"))
    assert [type(row).__name__ for row in got] == ["Row", "BrokenRow", "Row"]


def test_russian_that_begins_after_a_megabyte_of_ascii_is_found(tmp_path):
    head = "id;body\n" + "".join(f"{n};plain text without any accent whatever\n" for n in range(40_000))
    path = written(tmp_path, head + "x;Добрый день, не работает почта\n", encoding="cp1251")
    assert cells(rows_of(path))[-1] == ["x", "Добрый день, не работает почта"]


def test_a_one_megabyte_body_is_a_row(tmp_path):
    body = 'слово "и" строка\n' * 60_000
    text = io.StringIO()
    csv.writer(text).writerows([["id", "body"], ["1", body], ["2", "b"]])
    assert cells(rows_of(written(tmp_path, text.getvalue()))) == [["1", body], ["2", "b"]]


def test_ten_thousand_columns_are_read(tmp_path):
    names = ["id", "body", *(f"extra {n}" for n in range(10_000))]
    with open_table(written(tmp_path, ",".join(names) + "\n" + ",".join("x" for _ in names) + "\n")) as table:
        assert len(table.columns) == 10_002
        assert len(cells(list(table))[0]) == 10_002


def test_excels_sep_line_is_obeyed_and_lines_count_from_it(tmp_path):
    got = rows_of(written(tmp_path, "sep=;\r\nid;body, text\r\n1;a, b\r\n"))
    assert [(row.line, row.values) for row in got if isinstance(row, Row)] == [(3, {"id": "1", "body, text": "a, b"})]


def test_old_mac_line_ends_are_lines(tmp_path):
    assert cells(rows_of(written(tmp_path, "id,body\r1,a\r2,b\r"))) == [["1", "a"], ["2", "b"]]


def test_nul_bytes_are_replaced_and_the_row_is_kept(tmp_path):
    assert cells(rows_of(written(tmp_path, "id,body\n1,a\0b\n"))) == [["1", "a\ufffdb"]]


def test_gz_is_read_whatever_the_name_says_and_a_damaged_one_is_named(tmp_path):
    packed = gzip.compress(b"id,body\n" + b"".join(b"%d,some words %d\n" % (n, n * 7919) for n in range(20_000)))
    assert len(rows_of(written(tmp_path, packed, "t.csv.gz"))) == 20_000
    assert len(rows_of(written(tmp_path, packed, "t.csv"))) == 20_000
    with pytest.raises(BadInput, match=r"cut\.csv\.gz .*download or compress it again"):
        rows_of(written(tmp_path, packed[:-2000], "cut.csv.gz"))


@pytest.mark.parametrize("name", ["t.csv", "t.jsonl", "t"])
@pytest.mark.parametrize("content", [b"", b"\n \n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\r\n"])
def test_an_empty_file_is_a_sentence(tmp_path, name, content):
    with pytest.raises(BadInput, match="is empty"):
        rows_of(written(tmp_path, content, name))


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("t.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old Excel"),
        ("t.xlsx", b"PK\x03\x04nonsense", "not a readable workbook"),
        ("t.parquet", b"PAR1nonsense", "not a readable Parquet"),
        ("t.json", b'[{"id": 1}', "JSON array that is broken in line 1"),
        ("t.json", b'{"total": 3, "took": 5}x', "JSON document that is broken"),
        (
            "t.json",
            b'{\n"total": {"x": 3},\n"page": 5\n}',
            "without a list of objects. Its members are 'total', 'page'",
        ),
        ("t.json", b"[1, 2, 3]", "It is an array of 3 single values"),
        ("t.csv", b"%PDF-1.7", "is a PDF"),
        ("t.csv", b"-- MySQL dump 10.13\nCREATE TABLE a;", "is an SQL dump"),
        ("t.csv", b"<html><body><p>Sign in</p></body></html>", "is an HTML page without a table"),
        ("t.xls", b"<?xml version='1.0'?><tickets><ticket/></tickets>", "is XML"),
        ("t.eml", b"MIME-Version: 1.0\nSubject: a\n\nbody", "is a mail"),
        ("t.7z", b"7z\xbc\xaf'\x1c\0\4", "7z archive"),
        ("t.csv", b'id,"body\n1,a\n', "header can't be read"),
    ],
)
def test_a_file_that_is_something_else_is_a_sentence_that_says_what_to_do(tmp_path, name, content, says):
    with pytest.raises(BadInput, match=says):
        rows_of(written(tmp_path, content, name))


def test_a_missing_file_and_a_folder_are_sentences(tmp_path):
    with pytest.raises(BadInput, match="there is no file"):
        open_table(tmp_path / "none.csv")
    with pytest.raises(BadInput, match="is a folder"):
        open_table(tmp_path)


def test_repeated_column_names_are_kept_apart_and_known(tmp_path):
    with open_table(written(tmp_path, "id,Comment,comment,,\n1,a,b,c,d\n")) as table:
        assert table.columns == ["id", "Comment", "comment (2)", "column 4", "column 5"]
        assert table.repeated == {"comment"}


def test_json_lines_keep_numbers_lists_and_rows_with_lone_surrogates(tmp_path):
    lines = [
        '{"id": 12345678901234567890123, "body": "a\\ud800b", "n": 12.0, "tags": ["я"], "none": null}',
        "",
        '{"id": 2, "Body": "\\ud83d\\ude00\\u0000"}',
        "[1]",
        "{broken",
        "[" * 100_000,
        '{"id": 3, "late": true}',
    ]
    with open_table(written(tmp_path, "\n".join(lines), "t.jsonl")) as table:
        got = list(table)
    assert got[0].values == {
        "id": "12345678901234567890123",
        "body": "a\ufffdb",
        "n": "12",
        "tags": '["я"]',
        "none": "",
    }
    assert got[1].values == {"id": "2", "body": "😀\ufffd"}
    assert [(row.line, row.reason) for row in got if isinstance(row, BrokenRow)] == [
        (n, "broken JSON") for n in (4, 5, 6)
    ]
    assert got[-1].values == {"id": "3", "late": "true"}
    assert table.columns == ["id", "body", "n", "tags", "none", "late"]


def test_a_workbook_gives_whole_numbers_iso_dates_and_padded_rows(tmp_path):
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Tickets"
    sheet.append([])
    sheet.append(["id", "created_at", "body", "note"])
    sheet.append([12.0, dt.datetime(2024, 1, 2, 3, 4, 5), "line\nbreak"])
    sheet.append([])
    sheet.append([13, None, "b", "#N/A"])
    book.create_sheet("Other").append(["x"])
    book.save(tmp_path / "t.xlsx")
    with open_table(tmp_path / "t.xlsx") as table:
        assert table.notes == ("XLSX, sheet 'Tickets'", "other sheets are not read: 'Other' (see --sheet)")
        got = list(table)
    assert cells(got) == [["12", "2024-01-02T03:04:05", "line\nbreak", ""], ["13", "", "b", ""]]
    assert [row.line for row in got] == [3, 5]


def test_parquet_is_read_in_batches_and_a_time_outside_every_calendar_is_empty(tmp_path):
    count = 1000
    table = pa.table(
        {
            "id": pa.array([float(n) if n else None for n in range(count)]),
            "created_at": pa.array([2**62] + [n * 10**6 for n in range(1, count)], pa.timestamp("us", "UTC")),
            "body": pa.array(["текст"] * count).dictionary_encode(),
        }
    )
    pq.write_table(table, tmp_path / "t.parquet")
    got = cells(rows_of(tmp_path / "t.parquet"))
    assert len(got) == count
    assert got[0] == ["", "", "текст"]
    assert got[7] == ["7", "1970-01-01T00:00:07+00:00", "текст"]


def test_standard_input_is_read_whatever_it_is(monkeypatch):
    class Stdin:
        buffer = io.BytesIO(gzip.compress(b'{"id": 1, "body": "a"}\n'))

    monkeypatch.setattr(sys, "stdin", Stdin)
    with open_table("-") as table:
        assert table.name == "standard input"
        assert cells(list(table)) == [["1", "a"]]


def test_rows_that_end_early_are_padded_and_empty_extras_dropped_and_both_are_counted(tmp_path):
    lines = ["id;body;queue;note", "1;a;IT", "2;b;IT;x", "3;c", "4;d;HR;;;", "5;e;HR;;z"]
    with open_table(written(tmp_path, "\n".join(lines))) as table:
        got = list(table)
    assert cells(got) == [["1", "a", "IT", ""], ["2", "b", "IT", "x"], ["3", "c", "", ""], ["4", "d", "HR", ""]]
    assert [(row.line, row.reason) for row in got if isinstance(row, BrokenRow)] == [(6, "wrong number of cells")]
    assert table.describe_repairs() == [
        "2 rows end before the last column; their missing cells are taken as empty",
        "1 rows have empty cells beyond the last column, which are dropped",
    ]


def test_the_rest_of_a_text_with_a_line_break_that_was_not_quoted_is_no_ticket(tmp_path):
    lines = [
        "id;body;queue;note",
        *(f"{n};words {n};IT;x" for n in range(9)),
        "9;Hello,",
        "it burns;IT;x",
        "10;a b;HR;",
    ]
    got = rows_of(written(tmp_path, "\n".join(lines)))
    assert [row.line for row in got if isinstance(row, BrokenRow)] == [11, 12]
    assert cells(got)[-1] == ["10", "a b", "HR", ""]


def test_quotes_escaped_by_a_backslash_are_read_even_over_lines(tmp_path):
    text = (
        '"id","body","queue"\n'
        '"1","say \\"please\\"","IT"\n'
        '"2","a\nb \\"c\\", d","HR"\n'
        '"3","C:\\\\ \\"x\\"","IT"\n'
        '"4","a ""b""","IT"\n'
    )
    with open_table(written(tmp_path, text)) as table:
        got = list(table)
    assert cells(got) == [
        ["1", 'say "please"', "IT"], ["2", 'a\nb "c", d', "HR"], ["3", 'C:\\ "x"', "IT"], ["4", 'a "b"', "IT"]
    ]  # fmt: skip
    assert table.describe_repairs() == ['quotes are written \\" in 3 rows']


def test_a_windows_path_before_a_closing_quote_stays_a_path(tmp_path):
    assert cells(rows_of(written(tmp_path, '"id","body"\n"1","C:\\temp\\"\n"2","b"\n'))) == [
        ["1", "C:\\temp\\"],
        ["2", "b"],
    ]


@pytest.mark.parametrize("delimiter", ["¤", "§", "#", "*", "\x02", "→", ":"])
def test_any_character_may_be_the_delimiter(tmp_path, delimiter):
    lines = [["Nr", "Text, lang", "Gruppe"], *([str(n), f"ja, {'nein, ' * n}gut", "IT"] for n in range(9))]
    path = written(tmp_path, "\n".join(map(delimiter.join, lines)))
    for location in (None, TableLocation(delimiter=delimiter)):
        with open_table(path, location) as table:
            assert (table.columns, len(list(table))) == (["Nr", "Text, lang", "Gruppe"], 9)


def test_a_letter_or_a_rare_mark_of_the_texts_is_no_delimiter(tmp_path):
    with open_table(written(tmp_path, "text\n" + "a: b, c # d\n" * 9)) as table:
        assert table.columns == ["text"]
        assert [row.line for row in table if isinstance(row, BrokenRow)] == list(range(2, 11))


def test_titles_above_a_csv_are_passed_over_and_lines_stay_physical(tmp_path):
    text = "Report of March;;\n\nNumber;Opened;Description\n1;2025-01-06;vpn\n2;2025-01-07;mail\n"
    with open_table(written(tmp_path, text)) as table:
        assert table.columns == ["Number", "Opened", "Description"]
        assert "the table begins in line 3, after lines of titles" in table.notes
        assert [row.line for row in table] == [4, 5]


RECORDS = [{"id": str(n), "body": f"words {n}", "team": {"name": "IT"}} for n in range(3)]
FLAT = [["0", "words 0", "IT"], ["1", "words 1", "IT"], ["2", "words 2", "IT"]]


@pytest.mark.parametrize(
    ("document", "form"),
    [
        (RECORDS, "JSON, one array"),
        ({"total": 3, "users": [{"x": 1}], "tickets": RECORDS}, "JSON, records in 'tickets'"),
        ({"data": {"issues": {"nodes": RECORDS}}}, "JSON, records in 'data.issues.nodes'"),
        ({"id": {"0": "0", "1": "1", "2": "2"}, "body": {str(n): f"words {n}" for n in range(3)},
          "team.name": dict.fromkeys("012", "IT")}, "JSON, written column by column"),
        ({"id": ["0", "1", "2"], "body": [one["body"] for one in RECORDS], "team.name": ["IT"] * 3},
         "JSON, written column by column"),
        ({"columns": ["id", "body", "team.name"], "index": [0, 1, 2], "data": FLAT}, "JSON, written column by column"),
        ([["id", "body", "team.name"], *FLAT], "JSON, one array of rows"),
        ({one["id"]: one for one in RECORDS}, "JSON, one member a record"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("name", ["t.json", "t.csv"])
def test_json_is_read_as_programs_write_it(tmp_path, document, form, indent, name):
    with open_table(written(tmp_path, json.dumps(document, indent=indent), name)) as table:
        assert table.notes == (f"{form}, UTF-8",)
        assert cells(list(table)) == FLAT


def test_fields_that_are_listed_with_names_and_values_are_columns(tmp_path):
    listed = [{"fieldId": "summary", "label": "Summary", "value": "a"}, {"fieldId": "team", "value": [{"name": "IT"}]}]
    named = [{"id": 1, "name": "Room", "value": None}, {"id": 2, "name": "Queue", "value": "IT"}]
    records = [{"id": 1, "requestFieldValues": listed, "custom_fields": named, "tags": [{"value": "x"}]}] * 2
    with open_table(written(tmp_path, json.dumps({"values": records}), "t.json")) as table:
        assert table.columns == [
            "id", "requestFieldValues.summary", "requestFieldValues.team", "requestFieldValues.team.name",
            "custom_fields.Room", "custom_fields.Queue", "tags", "tags.value",
        ]  # fmt: skip
        assert cells(list(table))[0][3:6] == ["IT", "", "IT"]


def test_records_in_a_wrapper_each_or_under_their_ids_are_found(tmp_path):
    wrapped = [{"helpdesk_ticket": record} for record in RECORDS]
    assert cells(rows_of(written(tmp_path, json.dumps(wrapped), "t.json"))) == FLAT
    by_id = {"tickets": [1, 2], "assets": {"User": {"5": {"id": 5, "login": "a"}, "6": {"id": 6, "login": "b"}},
                                           "Ticket": {str(n): record for n, record in enumerate(RECORDS)}}}  # fmt: skip
    assert cells(rows_of(written(tmp_path, json.dumps(by_id), "t.json"))) == FLAT


def test_objects_one_after_the_other_over_lines_are_records(tmp_path):
    text = "\n".join(json.dumps(record, indent=2) for record in RECORDS)
    assert cells(rows_of(written(tmp_path, text, "t.json"))) == FLAT


def test_the_member_with_the_records_can_be_named_and_a_wrong_one_is_a_short_sentence(tmp_path):
    path = written(tmp_path, json.dumps({"a": [{"id": 1, "subject": "x"}], "b": {"c": RECORDS}}), "t.json")
    with open_table(path, TableLocation(records="b.c")) as table:
        assert cells(list(table)) == FLAT
    with pytest.raises(BadInput, match=r"records=nothing: there is no list of objects. Its members are 'a', 'b'"):
        open_table(path, TableLocation(records="nothing"))


def test_nested_members_are_columns_and_a_list_of_objects_gives_its_first_value(tmp_path):
    record = {"id": 1, "f": {"text": "a", "parts": [{"name": None}, {"name": "IT"}], "tags": ["x"]}, "x_raw": {"y": 1}}
    (row,) = rows_of(written(tmp_path, json.dumps(record) + "\n" + json.dumps({"id": 2}), "t.jsonl"))[:1]
    parts = '[{"name": null}, {"name": "IT"}]'
    assert row.values == {"id": "1", "f.text": "a", "f.parts": parts, "f.parts.name": "IT", "f.tags": '["x"]',
                          "x_raw": '{"y": "1"}'}  # fmt: skip


def test_a_description_of_nested_nodes_is_its_words(tmp_path):
    nodes = [{"type": "paragraph", "content": [{"type": "text", "text": part}]} for part in ("no sound", "help")]
    record = {"key": "A-1", "fields": {"description": {"version": 1, "type": "doc", "content": nodes}}}
    (row, _) = rows_of(written(tmp_path, json.dumps(record) + "\n" + json.dumps({"key": "A-2"}), "t.jsonl"))
    assert row.values == {"key": "A-1", "fields.description": "no sound\nhelp"}


@pytest.fixture
def workbook(tmp_path):
    def make(*sheets, merges=()):
        book = openpyxl.Workbook()
        book.remove(book.active)
        for title, rows in sheets:
            sheet = book.create_sheet(title)
            for row in rows:
                sheet.append(row)
            for merge in merges:
                sheet.merge_cells(merge)
        book.save(tmp_path / "t.xlsx")
        return tmp_path / "t.xlsx"

    return make


TICKETS = [["Number", "Description", "Assignment group"], ["1", "vpn", "IT"], ["2", "mail", "IT"], ["3", "pay", "HR"]]


def test_the_sheet_with_tickets_is_read_or_the_one_that_is_named(workbook):
    path = workbook(("Summary", [["queue", "count"], ["IT", 2]]), ("Data", TICKETS), ("More", TICKETS[:2]))
    with open_table(path) as table:
        assert table.notes[0] == "XLSX, sheet 'Data'"
        assert len(cells(list(table))) == 3
    for sheet, count in (("more", 1), ("3", 1), ("Summary", 1)):
        with open_table(path, TableLocation(sheet=sheet)) as table:
            assert len(list(table)) == count
    with pytest.raises(BadInput, match=r"has no sheet 'x'\. Its sheets are 'Summary', 'Data', 'More'"):
        open_table(path, TableLocation(sheet="x"))


def test_title_rows_are_passed_over_and_merged_cells_are_filled_down(workbook):
    titles = [["Report"], ["Generated on 2025-03-01"], []]
    rows = [
        TICKETS[0],
        ["1", "vpn", "IT"],
        ["2", "mail", None],
        ["3", "pay", "HR"],
        ["4", "tax", None],
        ["5", "x", None],
    ]
    path = workbook(("a", [*titles, *rows]), merges=["A1:C1", "C5:C6", "C7:C8"])
    with open_table(path) as table:
        assert table.notes[1:] == (
            "the table begins in row 4, after rows of titles",
            "merged cells of 'Assignment group' are taken for each of their rows",
        )
        got = list(table)
    assert [row.values["Assignment group"] for row in got] == ["IT", "IT", "HR", "HR", ""]
    assert [row.line for row in got] == [5, 6, 7, 8, 9]


@pytest.mark.parametrize(
    "text",
    ['id,body\n' + ',"' * 60_000, 'id,body\n' + '\\"' * 60_000, 'id,body\n' + '1,"\\"\n' * 20_000,
     'id,body\n' + '"a\\""\n' * 20_000, "id,body\n" + "\n" * 100_000, "¤§#*" * 30_000, "[" * 200_000, '{"a":' * 60_000,
     "<table>" * 20_000, "<!--" * 30_000, "<" * 100_000, '[{"id":' + "1" * 100_000],
)  # fmt: skip
def test_a_hostile_file_costs_little_time_and_a_short_message(tmp_path, text):
    began = time.perf_counter()
    try:
        rows_of(written(tmp_path, text))
    except BadInput as error:
        assert len(str(error)) < 600  # noqa: PT017 - either outcome is right
    assert time.perf_counter() - began < 5


FIELD = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30) | st.text(
    '",;\n\r \t|aя0', max_size=12
)


@SLOW_IS_FINE
@given(
    st.lists(st.tuples(FIELD, FIELD, FIELD), max_size=8),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_every_file_that_a_csv_writer_makes_comes_back_cell_by_cell(tmp_path, rows, delimiter, quoting, end):
    if end == "\n" and quoting == csv.QUOTE_MINIMAL:  # Python's writer then leaves a bare carriage return unquoted
        rows = [tuple(cell.replace("\r", " ") for cell in row) for row in rows]
    path = tmp_path / "t.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, delimiter=delimiter, quoting=quoting, lineterminator=end)
        writer.writerows([("id", "body", "queue"), *rows])
    assert cells(rows_of(path)) == [list(row) for row in rows]


@SLOW_IS_FINE
@given(st.binary(max_size=400), st.sampled_from(["t.csv", "t.jsonl", "t.xlsx", "t.parquet", "t.csv.gz", "t"]))
@example(b"\xff\xfea", "t.csv")
@example(b"\x1f\x8b\x08", "t.csv.gz")
@example(b"\xff\xfe\x00\x00\x00", "t.csv")
def test_any_bytes_are_a_table_or_a_sentence(tmp_path, content, name):
    try:
        for row in rows_of(written(tmp_path, content, name)):
            texts = [row.raw, *row.values, *row.values.values()] if isinstance(row, Row) else [row.raw]
            "".join(texts).encode()
    except BadInput as error:
        assert name in str(error)  # noqa: PT017 - either outcome is right


@SLOW_IS_FINE
@given(st.lists(st.dictionaries(st.text(max_size=5), st.recursive(st.none() | st.booleans() | st.text() | st.floats(),
       lambda inner: st.lists(inner, max_size=3)), min_size=1, max_size=4), min_size=1, max_size=6))  # fmt: skip
def test_every_json_object_is_one_row(tmp_path, records):
    path = written(tmp_path, "\n".join(map(json.dumps, records)), "t.jsonl")
    got = rows_of(path)
    assert len(got) == len(records)
    assert all(isinstance(row, Row) for row in got)


RESULTS = [
    {"id": "1", "queue": 'Сеть, "VPN"', "queue_confidence": 0.9, "queue_top": [["Сеть", 0.9], ["Почта", 0.1]]},
    {"id": "", "queue": None, "queue_confidence": None, "queue_top": []},
]


@pytest.mark.parametrize("name", ["o.csv", "o.csv.gz", "o.jsonl", "o.parquet"])
def test_any_line_end_in_a_cell_is_written_and_read_as_it_is(tmp_path, name):
    texts = ["a\rb", "\r", "a\r", "a\r\nb", "a\nb", '"\r"', "no end"]
    with open_writer(tmp_path / name, ["id", "body"]) as out:
        for n, text in enumerate(texts):
            out.write({"id": str(n), "body": text})
    assert cells(rows_of(tmp_path / name)) == [[str(n), text] for n, text in enumerate(texts)]
    if name == "o.csv":
        assert (tmp_path / name).read_bytes().startswith(b'id,body\n0,"a\rb"\n')


@pytest.mark.parametrize("name", ["o.csv", "o.csv.gz", "o.jsonl", "o.jsonl.gz", "o.parquet"])
def test_results_come_back_as_they_were_written(tmp_path, name):
    with open_writer(tmp_path / name, list(RESULTS[0])) as out:
        for result in RESULTS:
            out.write(result)
        assert not (tmp_path / name).exists()
    assert [path.name for path in tmp_path.iterdir()] == [name]
    got = cells(rows_of(tmp_path / name))
    assert got[0][:3] == ["1", 'Сеть, "VPN"', "0.9"]
    if ".jsonl" not in name:
        assert json.loads(got[0][3]) == RESULTS[0]["queue_top"]
    assert got[1] == ["", "", "", "[]"]
    if name == "o.jsonl":
        assert json.loads((tmp_path / name).read_text("utf-8").splitlines()[0])["queue_top"][0] == ["Сеть", 0.9]
    if name == "o.parquet":
        assert pq.read_table(tmp_path / name).schema.field("queue_confidence").type == pa.float64()


@pytest.mark.parametrize("name", ["o.csv", "o.jsonl", "o.parquet"])
def test_a_run_that_fails_leaves_the_old_file_and_no_half_one(tmp_path, name):
    (tmp_path / name).write_text("old")

    def fail() -> None:
        with open_writer(tmp_path / name, ["id"]) as out:
            out.write({"id": "1"})
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "old"


def test_results_without_rows_are_a_whole_file(tmp_path):
    for name in ("o.csv", "o.parquet", "o.jsonl"):
        with open_writer(tmp_path / name, ["id", "queue"]):
            pass
    assert (tmp_path / "o.csv").read_text() == "id,queue\n"
    assert pq.read_table(tmp_path / "o.parquet").num_rows == 0


def test_standard_output_is_csv_and_stays_open(capfdbinary):
    with open_writer("-", ["id", "queue"]) as out:
        out.write({"id": "1", "queue": "Сеть"})
    assert capfdbinary.readouterr().out.decode() == "id,queue\n1,Сеть\n"
    sys.stdout.write("")


def test_a_place_that_cannot_be_written_and_an_unknown_ending_are_sentences(tmp_path):
    with pytest.raises(BadInput, match="can't be written"), open_writer(tmp_path / "no" / "o.csv", ["id"]):
        pass
    with pytest.raises(BadInput, match=r"name the file with one of these endings"):  # noqa: SIM117
        with open_writer(tmp_path / "o.docx", ["id"]):
            pass
