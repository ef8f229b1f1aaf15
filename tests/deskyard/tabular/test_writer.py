"""Results come back as they were written, and a run that fails leaves the old file."""

import json
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from deskyard.errors import BadInput
from deskyard.tabular.readers import open_writer
from tests.deskyard.tabular.files import cells, rows_of

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
