"""CSV as people and programs write it: how it can be broken, and what must never be lost."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskyard.errors import BadInput
from deskyard.tabular.readers import BrokenRow, Row, TableLocation, open_table
from tests.deskyard.tabular.files import SLOW_IS_FINE, cells, rows_of, written


def test_a_quoted_body_may_span_lines_and_line_numbers_stay_physical(tmp_path):
    got = rows_of(written(tmp_path, 'id,body\n1,"a\n\n""b"",c"\n\n2,d\n'))
    assert [(row.line, row.values["body"]) for row in got if isinstance(row, Row)] == [(2, 'a\n\n"b",c'), (6, "d")]


@pytest.mark.parametrize("first", ["two", "", "\r"])
def test_lines_that_end_in_a_delimiter_keep_the_quoted_lines_of_a_body(tmp_path, first):
    got = rows_of(written(tmp_path, f'id,body,\n1,"{first}\nlines",\n2,"{first}\nmore",\n3,one,\n'))
    assert [row.values["body"].strip() for row in got] == [f"{first}\nlines".strip(), f"{first}\nmore".strip(), "one"]


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
