"""Encodings of files, detected and said; bytes that do not fit cost a row and not the file."""

import csv
import io

import pytest

from deskyard.tabular.readers import BrokenRow, open_table
from tests.deskyard.tabular.files import cells, rows_of, written


@pytest.mark.parametrize("text", ["Grüße aus Köln, die Tür klemmt", "une collègue a besoin d'un écran, très vite"])
def test_the_code_page_of_dos_is_known(tmp_path, text):
    path = written(tmp_path, f"id;body\n1;{text}\n2;{text.upper()}\n", encoding="cp850")
    assert cells(rows_of(path)) == [["1", text], ["2", text.upper()]]


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
