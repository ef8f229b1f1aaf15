"""Files of every kind, and of none: each is a table or a sentence that says what to do."""

import gzip
import io
import sys
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from deskyard.errors import BadInput
from deskyard.tabular.readers import Row, open_table
from tests.deskyard.tabular.files import SLOW_IS_FINE, cells, rows_of, written


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


def test_standard_input_is_read_whatever_it_is(monkeypatch):
    class Stdin:
        buffer = io.BytesIO(gzip.compress(b'{"id": 1, "body": "a"}\n'))

    monkeypatch.setattr(sys, "stdin", Stdin)
    with open_table("-") as table:
        assert table.name == "standard input"
        assert cells(list(table)) == [["1", "a"]]


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
