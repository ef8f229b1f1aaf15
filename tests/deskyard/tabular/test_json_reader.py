"""JSON as programs write it: lines, lists, wrapped lists and records under their ids."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskyard.errors import BadInput
from deskyard.tabular.readers import BrokenRow, Row, TableLocation, open_table
from tests.deskyard.tabular.files import SLOW_IS_FINE, cells, rows_of, written


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


@SLOW_IS_FINE
@given(st.lists(st.dictionaries(st.text(max_size=5), st.recursive(st.none() | st.booleans() | st.text() | st.floats(),
       lambda inner: st.lists(inner, max_size=3)), min_size=1, max_size=4), min_size=1, max_size=6))  # fmt: skip
def test_every_json_object_is_one_row(tmp_path, records):
    path = written(tmp_path, "\n".join(map(json.dumps, records)), "t.jsonl")
    got = rows_of(path)
    assert len(got) == len(records)
    assert all(isinstance(row, Row) for row in got)
