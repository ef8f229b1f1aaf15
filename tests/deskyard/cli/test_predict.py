"""`deskyard predict`: one answer a row, in order, whatever the rows hold; only sure ones are routed."""

import csv
import gzip
import io
import json
import sys

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from deskyard.cli.predict import predict
from deskyard.domain.decision import Action
from deskyard.errors import DeskyardError
from deskyard.registry import bundle
from deskyard.registry.bundle_files import MANIFEST_FILE

VPN = "the vpn client drops the connection and the laptop is offline"
LEAVE = "прошу согласовать отпуск и больничный лист"
TARGETS = ("priority", "queue", "assignee")


@pytest.fixture
def model(champion):
    return champion / "models" / "tiny"


def written(path, *rows, header="id,subject,body"):
    path.write_text("\n".join([header, *rows]) + "\n", "utf-8")
    return path


def answers(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_each_row_is_answered_in_order_with_what_the_contract_allows(command, model, tmp_path):
    file = written(tmp_path / "new.csv", f"b,{VPN},", f"a,,{LEAVE}", "c,xyzzy,plugh")
    result = command("predict", model, file, "--precision", 0.9)
    assert result.code == 0
    rows = answers(result.out)
    assert list(rows[0]) == ["id", *[f"{t}{part}" for t in TARGETS for part in ("", "_confidence", "_action", "_top")]]
    assert [(row["id"], row["queue"], row["queue_action"]) for row in rows[:2]] == [
        ("b", "IT", "route"),
        ("a", "Кадры/Отпуск", "route"),
    ]
    assert (rows[2]["id"], {rows[2][f"{target}_action"] for target in TARGETS}) == ("c", {"leave"})
    loaded = bundle.load_bundle(model)
    for row in rows:
        for target in TARGETS:
            top = json.loads(row[f"{target}_top"])
            assert top[0] == [row[target], float(row[f"{target}_confidence"])]
            assert {label for label, _ in top} <= set(loaded.labels(target))
    assert "3 rows predicted by tiny" in result.err


def test_a_row_that_is_broken_empty_or_repeated_is_answered_with_leave(command, model, tmp_path):
    file = written(
        tmp_path / "new.csv",
        f"1,{VPN},",
        "2,,",
        f"1,{VPN},again",
        "3,too,many,cells",
        f",{VPN},no id",
        '4,"  ", ',
        f"5,{VPN},",
    )
    result = command("predict", model, file, "--precision", 0.9)
    rows = answers(result.out)
    assert [row["id"] for row in rows] == ["1", "2", "1", "", "", "4", "5"]
    assert [row["queue_action"] for row in rows] == ["route", *["leave"] * 5, "route"]
    assert {row["assignee_action"] for row in rows[1:-1]} == {"leave"}
    assert "7 rows predicted" in result.err


@pytest.mark.parametrize("name", ["out.csv", "out.csv.gz", "out.jsonl", "out.jsonl.gz", "out.parquet", "-"])
def test_every_format_holds_the_same_answers(command, model, tmp_path, name):
    file = written(tmp_path / "new.csv", f"1,{VPN},", "2,,", f"3,,{LEAVE}")
    expected = answers(command("predict", model, file).out)
    out = tmp_path / name if name != "-" else name
    result = command("predict", model, file, "--out", out)
    assert result.code == 0
    opened = gzip.open if name.endswith(".gz") else open
    if name == "-":
        found = answers(result.out)
    elif name.endswith(".parquet"):
        found = pq.read_table(out).to_pylist()
    else:
        with opened(out, "rt", encoding="utf-8", newline="") as stream:
            found = list(csv.DictReader(stream)) if ".csv" in name else [json.loads(line) for line in stream]
    assert len(found) == 3
    for row, like in zip(found, expected, strict=True):
        assert row.keys() == like.keys()
        for column, value in row.items():
            if column.endswith("_confidence"):
                assert float(value) == float(like[column])
            elif column.endswith("_top"):
                assert (json.loads(value) if isinstance(value, str) else value) == json.loads(like[column])
            else:
                assert value == like[column]
    assert name == "-" or result.out == ""


def test_the_answers_are_those_of_the_service(learnt, past, command, tmp_path):
    newest = past.tickets[-40:]
    lines = [json.dumps({"id": t.id, "subject": t.subject, "body": t.body, "channel": t.channel, "language": t.language,
                         "requester": t.requester, "organisation": t.organisation}
                        | {f"x_{name}": value for name, value in t.fields.items()}) for t in newest]  # fmt: skip
    (tmp_path / "new.jsonl").write_text("\n".join(lines), "utf-8")
    rows = answers(command("predict", learnt, tmp_path / "new.jsonl").out)
    loaded = bundle.load_bundle(learnt)
    contracts = loaded.contracts()
    actions = set()
    for row, prediction in zip(rows, loaded.predict(newest), strict=True):
        for target in loaded.targets:
            action, _ = contracts[target].decide(prediction[target])
            actions.add(action)
            assert (row[target], row[f"{target}_action"]) == (prediction[target].label, action.value)
            assert float(row[f"{target}_confidence"]) == prediction[target].confidence
    assert actions >= {Action.ROUTE, Action.SUGGEST}


def test_asking_for_more_precision_routes_less(learnt, past, command, tmp_path):
    file = written(tmp_path / "new.csv", *[f"{n},{json.dumps(t.subject)}," for n, t in enumerate(past.tickets[-60:])])
    routed = []
    for precision in (0.6, 0.8, 0.99):
        rows = answers(command("predict", learnt, file, "--precision", precision).out)
        routed.append(sum(row["queue_action"] == "route" for row in rows))
    assert routed == sorted(routed, reverse=True)
    assert routed[0] > routed[-1] == 0


def test_columns_are_named_by_a_map_and_standard_input_is_a_file(command, model, monkeypatch):
    raw = "Номер;Текст\n7;впн\n".replace("впн", VPN).encode("cp1251")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw)))
    result = command("predict", model, "-", "--map", "id=номер", "--map", "body=Текст")
    (row,) = answers(result.out)
    assert (row["id"], row["queue"]) == ("7", "IT")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["{model}", "{file}", "--precision", "2"], "share from 0.5"),
        (["{model}", "{file}", "--precision", "nan"], "share from 0.5"),
        (["{model}", "nowhere.csv"], "no file nowhere.csv"),
        (["{model}", "{tmp}"], "is a folder"),
        (["{file}", "{file}"], "holds no bundle"),
        (["no-such-model", "{file}"], "holds no bundle"),
        (["{model}", "{file}", "--out", "{tmp}/no/where.csv"], "can't be written"),
        (["{model}", "{file}", "--out", "{tmp}"], "name the file"),
        (["{model}", "{file}", "--out", "out.docx"], "name the file"),
        (["{model}", "{file}", "--map", "body=Nothing"], "no such column"),
        (["{model}", "{file}", "--map", "bodi=body"], "Did you mean 'body'"),
        (["{model}", "{empty}"], "is empty"),
        (["{model}", "{headless}"], "neither 'subject' nor 'body'"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_exit_code_2(command, model, tmp_path, arguments, says):
    places = {
        "model": model,
        "file": written(tmp_path / "new.csv", f"1,{VPN},"),
        "empty": written(tmp_path / "empty.csv", header=""),
        "headless": written(tmp_path / "headless.csv", "1,2", header="a,b"),
        "tmp": tmp_path,
    }
    result = command("predict", *[argument.format(**places) for argument in arguments])
    assert result.code == 2
    assert says in result.err
    assert result.err.startswith("deskyard: ")
    assert result.out == ""


def test_a_broken_bundle_is_refused_before_anything_is_written(command, champion, tmp_path):
    models = tmp_path / "tiny"
    models.mkdir()
    (models / MANIFEST_FILE).write_text("{}")
    result = command("predict", models, written(tmp_path / "new.csv", f"1,{VPN},"), "--out", tmp_path / "out.csv")
    assert (result.code, (tmp_path / "out.csv").exists()) == (2, False)
    assert "not as it was saved" in result.err


@pytest.fixture(scope="module")
def pieces(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz")


CELLS = st.sampled_from(
    ["", " ", "1", "2", VPN, LEAVE, "<p>vpn</p>", "🔥", "\x00", "\ud800", "\u202eabc", "ghbdtn", "С уважением,\nИван",
     "> old", "QUJD" * 40, "0001-01-01", "9999-12-31", "9" * 400, '"', "a;b", "=1+1", "{", "null"]
) | st.text(max_size=12)  # fmt: skip
COLUMNS = st.lists(st.sampled_from(["subject", "created_at", "channel", "x_a", "queue", "", "🔥"]), unique=True)


def answered(model, file, out):
    predict(str(model), file, out)
    with out.open(encoding="utf-8", newline="\n") as stream:
        return [json.loads(line) for line in stream]


@given(COLUMNS, st.lists(st.lists(CELLS, max_size=9), max_size=6), st.sampled_from(",;\t"))
@example([""], [["", "\r0"]], ",")
@settings(max_examples=40, suppress_health_check=list(HealthCheck))
def test_any_cells_are_answered_row_by_row(champion, pieces, more, rows, mark):
    columns = ["id", "body", *more]
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=mark)
    writer.writerow(columns)
    writer.writerows([*row, *[""] * len(columns)][: len(columns)] for row in rows)
    (pieces / "new.csv").write_text(text.getvalue(), "utf-8", "replace", "")
    found = answered(champion / "models" / "tiny", pieces / "new.csv", pieces / "out.jsonl")
    assert len(found) == len(rows)
    assert all(row[f"{target}_action"] in ("route", "suggest", "leave") for row in found for target in TARGETS)


PIECES = st.sampled_from(["id", "body", "subject", ",", ";", "\t", "\n", "\r\n", '"', "{", "}", VPN, "\x00", "сеть"])


@given(
    st.binary(max_size=60) | st.lists(PIECES, max_size=25).map("".join).map(str.encode),
    st.sampled_from(["csv", "txt", "jsonl", "xlsx", "parquet", "gz"]),
)
@settings(max_examples=60, suppress_health_check=list(HealthCheck))
def test_any_file_is_answered_or_refused_in_a_sentence_with_nothing_written(champion, pieces, raw, ending):
    file, out = pieces / f"any.{ending}", pieces / "any-out.jsonl"
    file.write_bytes(raw)
    out.unlink(missing_ok=True)
    try:
        answered(champion / "models" / "tiny", file, out)
    except DeskyardError:
        assert not out.exists()


RECORDS = st.dictionaries(
    st.sampled_from(["id", "subject", "body", "x_new", "created_at"]) | st.text(max_size=6),
    st.none() | st.booleans() | st.integers() | st.floats() | CELLS | st.lists(st.integers(), max_size=2),
    max_size=6,
)


@given(st.lists(RECORDS, max_size=6))
@settings(max_examples=30, suppress_health_check=list(HealthCheck))
def test_any_json_lines_are_answered_line_by_line(champion, pieces, records):
    file = pieces / "new.jsonl"
    file.write_text("\n".join(map(json.dumps, [{"id": "0", "body": VPN}, *records])), "utf-8")
    assert len(answered(champion / "models" / "tiny", file, pieces / "out.jsonl")) == len(records) + 1
