"""`deskyard train`: from a desk's own file to a champion with queues; what can't be used is said in one sentence."""

import base64
import csv
import json
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, text

from deskyard.domain.decision import Action
from deskyard.domain.ticket import Ticket
from deskyard.errors import DeskyardError, ExtraMissing, NothingToLearn
from deskyard.policy.policy import decide_targets
from deskyard.registry import bundle
from deskyard.simulate.ground_truth import write_history
from deskyard.simulate.world import SimulatedWorld
from training.cli.train import desk_names
from training.data.load import load_history
from training.pipeline.options import Options
from training.pipeline.run import train_model

HEADER = ("id", "created_at", "subject", "body", "category", "priority", "queue", "assignee")
TELLS = {
    "Сеть": "не подключается vpn, пропадает интернет",
    "Бухгалтерия": "неверная сумма в счёте, нужен возврат",
    "Printers": "the printer is jammed and prints blank pages",
}


def written(path, rows, header=HEADER, encoding="utf-8", delimiter=","):
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(header)
        writer.writerows(rows)
    return path


def plain(n, **changes):
    """Rows of three queues in turn, a day each."""
    for i in range(n):
        queue, body = list(TELLS.items())[i % 3]
        row = {"id": i, "created_at": f"2025-01-{i % 28 + 1:02}", "body": body, "queue": queue} | changes
        yield [row.get(name, "") for name in HEADER]


@pytest.fixture
def file(tmp_path):
    return written(tmp_path / "history.csv", plain(45))


def queues(home):
    engine = create_engine(f"sqlite:///{home / 'deskyard.db'}")
    with engine.connect() as connection:
        names = {row[0] for row in connection.execute(text("SELECT name FROM desk_queues"))}
    engine.dispose()
    return names


def test_the_first_bundle_becomes_the_champion_and_the_desk_gets_its_queues(command, home, file):
    said = command("train", file)
    assert said.code == 0
    champion = bundle.champion_folder(home / "models")
    loaded = bundle.load_bundle(champion)
    assert loaded.labels("queue") == tuple(sorted(TELLS))
    assert queues(home) >= set(TELLS)
    assert "45 tickets read" in said.err
    assert "It is the champion now" in said.err
    assert loaded.digest[:16] in said.out
    assert loaded.build_info["at"]
    assert loaded.build_info["seconds"] > 0


def test_a_second_bundle_leaves_the_champion_where_it_is(command, home, file):
    command("train", file)
    first = bundle.champion_folder(home / "models")
    digest = bundle.load_bundle(first).digest
    said = command("train", file, "--seed", 3)
    assert said.code == 0
    assert bundle.champion_folder(home / "models") == first
    assert bundle.load_bundle(first).digest == digest
    assert sum(path.is_dir() for path in (home / "models").iterdir()) == 2
    assert f"The champion is still {first.name}" in said.err


def test_a_bundle_for_another_folder_is_no_champion(command, home, file, tmp_path):
    assert command("train", file, "--out", tmp_path / "mine").code == 0
    assert bundle.load_bundle(tmp_path / "mine").targets == ("queue",)
    assert not (home / "models").exists()


def test_a_semicolon_file_in_cp1251_with_russian_headers_trains_at_once_and_predicts_without_a_map(command, tmp_path):
    rows = [(n, body, queue) for n, (queue, body) in enumerate(list(TELLS.items()) * 10)]
    theirs = ("Номер заявки", "Текст обращения", "Группа")
    file = written(tmp_path / "выгрузка.csv", rows, theirs, "cp1251", ";")
    said = command("train", file, "--out", tmp_path / "b")
    assert said.code == 0, said.err
    assert 'id="Номер заявки", body="Текст обращения", queue="Группа"' in said.err
    assert bundle.load_bundle(tmp_path / "b").labels("queue") == tuple(sorted(TELLS))
    assert "cp1251" in said.err
    # A column that only --map could name is known to `predict` from the bundle.
    odd = written(tmp_path / "odd.csv", rows, ("Код строки", "Поле 7", "Группа"), "cp1251", ";")
    assert command("train", odd, "--map", "body=Поле 7", "--out", tmp_path / "b").code == 0
    assert bundle.load_bundle(tmp_path / "b").build_info["columns"]["columns"] == {"body": "Поле 7", "queue": "Группа"}
    answered = command("predict", tmp_path / "b", odd)
    assert (answered.code, len(answered.out.splitlines())) == (0, 31)


def test_with_a_map_of_parents_a_ticket_whose_queue_is_a_toss_goes_to_the_parent(command, tmp_path):
    """VPN or Wi-Fi is a coin's toss, and so is Paper or Toner; which of the two groups is plain."""
    dice = random.Random(0)
    rows = []
    for row in plain(600):
        names = {"Сеть": ("VPN", "Wi-Fi"), "Printers": ("Paper", "Toner")}.get(row[6], ("Bills", "Bills"))
        rows.append([*row[:6], dice.choice(names), ""])
    file, desk = written(tmp_path / "h.csv", rows), tmp_path / "desk.toml"
    desk.write_text('[parent.queue]\nVPN = "Network"\n"Wi-Fi" = "Network"\nPaper = "Printers"\n')
    said = ["--precision", "0.9", "--no-audit", "--order", "file"]
    mapped = ["--map", desk, "--map", "parent.queue.Toner=Printers"]
    assert command("train", file, *said, "--out", tmp_path / "without").code == 0
    assert command("train", file, *said, *mapped, "--out", tmp_path / "with").code == 0
    done = {}
    for name in ("without", "with"):
        loaded = bundle.load_bundle(tmp_path / name)
        ticket = Ticket(id="new", body=TELLS["Сеть"])
        done[name] = decide_targets(ticket, loaded.predict([ticket])[0], loaded.contracts())["queue"]
    assert (done["without"].action, done["without"].label in ("VPN", "Wi-Fi")) == (Action.SUGGEST, True)
    assert (done["with"].action, done["with"].label) == (Action.ROUTE, "Network")
    assert done["with"].confidence > 0.9
    wrong = command("train", file, *said, "--map", "parent.queue.WiFi=Network")
    assert wrong.code == 2
    assert "no ticket has the queue 'WiFi'. Did you mean 'Wi-Fi'?" in " ".join(wrong.err.split())


def test_json_is_one_document_with_the_bundle_and_its_card(command, file, home):
    said = command("train", file, "--json", "--precision", 0.9)
    answer = json.loads(said.out)
    loaded = bundle.load_bundle(bundle.champion_folder(home / "models"))
    assert answer == {"bundle": str(bundle.champion_folder(home / "models")), "digest": loaded.digest} | loaded.card
    assert answer["asked_precision"] == 0.9


def test_rows_that_cannot_be_used_are_counted_and_kept_in_a_file(command, file, tmp_path):
    rows = [*plain(30), ["", "", "", "no id", "", "", "Сеть", ""], ["99", "", "", "", "", "", "Сеть", ""]]
    rows += [["0", "", "", "again", "", "", "Сеть", ""], ["only", "three", "cells"]]
    said = command("train", written(tmp_path / "bad.csv", rows), "--out", tmp_path / "b")
    assert said.code == 0
    assert "4 rows rejected" in said.err
    with Path("rejected.csv").open(encoding="utf-8", newline="") as kept:
        reasons = {row["reason"]: row["line"] for row in csv.DictReader(kept)}
    assert reasons == {"no id": "32", "no text": "33", "duplicate id": "34", "wrong number of cells": "35"}
    assert sum(bundle.load_bundle(tmp_path / "b").card["learnt_from"]["rejected"].values()) == 4
    command("train", tmp_path / "bad.csv", "--out", tmp_path / "b", "--rejected", tmp_path / "why.csv")
    assert (tmp_path / "why.csv").read_bytes() == Path("rejected.csv").read_bytes()


def test_only_the_wanted_targets_are_learnt_and_a_test_file_judges(command, tmp_path):
    write_history(SimulatedWorld(seed=3), 90, tmp_path / "h.csv")
    write_history(SimulatedWorld(seed=4), 40, tmp_path / "t.csv")
    said = command("train", tmp_path / "h.csv", "--targets", "queue, priority", "--test", tmp_path / "t.csv", "--json")
    card = json.loads(said.out)
    assert set(card["targets"]) == {"queue", "priority"}
    assert card["judged_on"].items() >= {"how": "the test file", "tickets": 40, "learnt_from": 90}.items()
    assert card["options"]["targets"] == ["priority", "queue"]


def test_the_table_says_what_the_card_says(command, file, home):
    said = command("train", file)
    card = bundle.load_bundle(bundle.champion_folder(home / "models")).card
    score = card["targets"]["queue"]["score"]
    assert f"{score['accuracy']:.1%}" in said.out
    assert f"{score['majority']:.1%}" in said.out
    assert "the newest fifth" in said.out
    assert "everything is suggested, nothing routed" in said.out
    assert command("card").out.splitlines()[-1] == said.out.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["{file}", "--targets", "queu"], "choose from category,priority,queue,assignee"),
        (["{file}", "--targets", ","], "choose from"),
        (["{file}", "--precision", "2"], "share from 0.5 to below 1"),
        (["{file}", "--precision", "1"], "share from 0.5 to below 1"),
        (["{file}", "--precision", "nan"], "share from 0.5 to below 1"),
        (["nowhere.csv"], "no file nowhere.csv"),
        (["{tmp}"], "is a folder: name the files in it"),
        (["{file}", "--test", "nowhere.csv"], "no file nowhere.csv"),
        (["{file}", "--moves", "nowhere.csv"], "no file nowhere.csv"),
        (["{file}", "--out", "{file}"], "is a file; --out takes a folder"),
        (["{file}", "--out", "{file}/inside"], "can't be written"),
        (["{file}", "--out", "/proc/nothing/here"], "can't be written"),
        (["{file}", "--out", "{tmp}"], "holds other files"),
        (["{bad}", "--rejected", "{tmp}/no/where.csv"], "can't be written"),
        (["{file}", "--map", "body=Nothing"], "no such column"),
        (["{file}", "--targets", "assignee"], "none of assignee has two labels with at least 2 tickets each"),
        (["{one}"], "nothing can be learnt"),
        (["{empty}"], "is empty"),
        (["{header}"], "nothing can be learnt"),
        (["{latin}"], "neither 'subject' nor 'body'"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_exit_code_2(command, home, file, tmp_path, arguments, says):
    places = {
        "file": file,
        "tmp": tmp_path,
        "bad": written(tmp_path / "bad.csv", [*plain(20), ["", "", "no id"] + [""] * 5]),
        "one": written(tmp_path / "one.csv", plain(20, queue="IT")),
        "empty": written(tmp_path / "empty.csv", [], ()),
        "header": written(tmp_path / "header.csv", []),
        "latin": written(tmp_path / "latin.csv", [["1", "2"]], ("a", "b")),
    }
    said = command("train", *[argument.format(**places) for argument in arguments])
    assert said.code == 2
    (sentence,) = [line for line in said.err.splitlines() if line.startswith("deskyard: ")]
    assert says in sentence
    assert said.err.endswith(sentence + "\n")
    assert said.out == ""
    assert not (home / "models").exists()


def test_a_home_that_cannot_be_written_is_one_sentence(command, home, file):
    (home / "models").write_text("a file")
    said = command("train", file)
    assert said.code == 2
    assert "check DESKYARD_HOME" in said.err


@pytest.mark.parametrize("arguments", [["--order", "sideways"], ["--precision", "much"], ["--seed", "x"], ["--what"]])
def test_an_option_that_is_none_is_named(command, file, arguments):
    said = command("train", file, *arguments)
    assert said.code == 2
    assert arguments[0] in said.err
    assert "Traceback" not in said.err


MEGABYTE = "слово body " * 100_000
BODIES = [
    "", "  ", "vpn", "С уважением,\nИван", "> old\n> quote", "<p>html <b>bold", "🔥🔥", "…", "\x00\x01\x07",
    "\u202eabc", base64.b64encode(b"x" * 300).decode(), "ghbdtn ghbynth", "vpn принтер Rechnung", "'=1+1", '"',
    "a,b;c\td",
    "ann@example.org +7 900 123-45-67", "\ufeff", "٣٤", "x" * 5000,
]  # fmt: skip
FIRST, LAST = "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"
TIMES = ["", FIRST, LAST, "2025-01-01", "03/04/2024", "yesterday", "0", "9" * 30]
ROWS = st.fixed_dictionaries(
    {
        "id": st.integers(0, 20).map(str) | st.sampled_from(["", "№1", " "]),
        "created_at": st.sampled_from(TIMES),
        "subject": st.sampled_from(BODIES) | st.text(max_size=8),
        "body": st.sampled_from(BODIES) | st.text(max_size=8),
        "queue": st.sampled_from(["A", "A", "B", "B", "Сеть", "", "x" * 300]),
        "priority": st.sampled_from(["low", "High", "1", "so la la", ""]),
        "x_note": st.sampled_from(["", "1", "99-88-77-66"]) | st.text(max_size=5),
    }
)


@pytest.fixture(scope="module")
def pieces(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz")


def tried(path, rows):
    """Train from JSON lines or say why not; every row is a ticket or a rejected row."""
    path.write_text("\n".join(map(json.dumps, rows)) or " ", "utf-8")
    try:
        history = load_history([path])
        assert len(history) + len(history.rejected) == len(rows)
        return train_model(history, Options(precision=0.9))
    except DeskyardError:
        return None


USUAL = [
    {"id": f"u{n}", "created_at": "2025-01-01", "body": body, "queue": queue}
    for n, (queue, body) in enumerate(list(TELLS.items()) * 3)
]


@given(st.lists(ROWS, min_size=1, max_size=14), st.sampled_from([[], USUAL, USUAL]))
@settings(max_examples=12, suppress_health_check=list(HealthCheck))
def test_any_history_is_learnt_or_refused_in_a_sentence_and_no_row_is_lost(pieces, rows, usual):
    trained = tried(pieces / "h.jsonl", [*rows, *usual])
    assert trained is not None or not usual
    if trained is not None:
        digest = bundle.save_bundle(pieces / "b", trained.scorer, trained.evidence, trained.card, {})
        loaded = bundle.load_bundle(pieces / "b")
        assert loaded.digest == digest
        assert loaded.contracts(0.9)
        assert all(contract.threshold is None for contract in loaded.contracts(0.9).values())


STRANGE = {
    "a megabyte in one body": [{"body": MEGABYTE}],
    "times of the years 1 and 9999": [{"created_at": FIRST}, {"created_at": LAST}],
    "only signatures": [{"body": "С уважением,\nИван"}] * 6,
    "nothing but emoji": [{"body": "🔥"}] * 6,
    "ten thousand more columns": [{f"x_{n}": str(n) for n in range(5_000)} | {f"c{n}": "y" for n in range(5_000)}],
    "lone surrogates": [{"body": "a\ud800b", "queue": "A\udfff"}] * 4,
    "control characters": [{"body": "a\x00b\x07\x85", "requester": "\x00"}],
}


@pytest.mark.parametrize("rows", STRANGE.values(), ids=STRANGE)
def test_strange_tickets_are_learnt_with_the_others(pieces, rows):
    strange = [{"id": f"s{n}", "body": "vpn", "queue": "AB"[n % 2]} | row for n, row in enumerate(rows)]
    trained = tried(pieces / "s.jsonl", [*strange, *USUAL])
    assert set(TELLS) <= set(trained.scorer.heads["queue"].labels)
    history = load_history([pieces / "s.jsonl"])
    answers = trained.scorer.predict(history.tickets)
    assert len(answers) == len(rows) + 9
    assert all(0 <= answer["queue"].confidence <= 1 for answer in answers)


def test_only_white_space_is_refused(pieces):
    (pieces / "w.csv").write_text("id,body,queue\n" + "\n".join(f'{n}," \t ",A' for n in range(9)), "utf-8")
    history = load_history([pieces / "w.csv"])
    assert (len(history), len(history.rejected)) == (0, 9)
    with pytest.raises(NothingToLearn):
        train_model(history, Options())


def test_a_run_leaves_a_report_beside_the_bundle_and_its_digest_alone(command, home, file, tmp_path):
    said = command("train", file, "--lang", "ru", "--out", tmp_path / "a")
    assert f"Report: {tmp_path / 'a' / 'report.html'}" in said.err
    page = (tmp_path / "a" / "report.html").read_text("utf-8")
    assert '<html lang="ru">' in page
    assert "принтер" not in page.lower().replace("printers", "")
    document = json.loads((tmp_path / "a" / "report.json").read_text("utf-8"))
    digest = bundle.load_bundle(tmp_path / "a").digest
    assert document["digest"] == digest
    assert document["command"].startswith("deskyard train ")
    assert document["made"]["at"] == bundle.load_bundle(tmp_path / "a").build_info["at"]
    assert command("train", file, "--lang", "en", "--out", tmp_path / "a").code == 0
    assert bundle.load_bundle(tmp_path / "a").digest == digest


def test_texts_of_mistakes_are_shown_only_where_they_were_asked_for(command, home, tmp_path):
    rows = [[*row[:3], f"{row[3]} shibboleth", row[4], "", list(TELLS)[n % 2], ""] for n, row in enumerate(plain(60))]
    file = written(tmp_path / "history.csv", rows)
    for options, shown in ((), False), (("--with-texts",), True):
        assert command("train", file, "--out", tmp_path / "b", *options).code == 0
        assert ("shibboleth" in (tmp_path / "b" / "report.html").read_text("utf-8")) == shown
        assert "shibboleth" not in (tmp_path / "b" / "report.json").read_text("utf-8")


def test_a_report_that_fails_does_not_lose_the_bundle(command, home, file, tmp_path, monkeypatch):
    from training.publish import handover

    for error, told in ((ExtraMissing("install it"), "install it"), (ZeroDivisionError("oh"), "ZeroDivisionError")):

        def fails(*_, raised=error):
            raise raised

        monkeypatch.setattr(handover, "render_report", fails)
        said = command("train", file, "--out", tmp_path / "b", "--json")
        assert said.code == 0
        assert "The bundle is saved; its report could not be made" in said.err
        assert told in said.err
        assert bundle.load_bundle(tmp_path / "b").digest == json.loads(said.out)["digest"]


def test_the_desks_spelling_wins_and_of_two_the_one_that_has_tickets(home, command, tmp_path):
    from datetime import UTC, datetime

    from deskyard.db.database import desk_database
    from deskyard.desk import queues as desk_queues
    from deskyard.desk import tickets

    with desk_database() as database, database.writing() as conn:
        desk_queues.ensure_queues(conn, ["сеть", "Сеть", "БУХГАЛТЕРИЯ", "printers", "PRINTERS"])
        tickets.file_ticket(conn, Ticket(id=""), "сеть", {}, at=datetime.now(UTC))
    assert set(desk_names()["queue"]) == {"сеть", "БУХГАЛТЕРИЯ", "printers", "PRINTERS"}
    history = load_history([written(tmp_path / "pulled.csv", plain(45))], known_labels=desk_names())
    assert set(history.labels["queue"]) == {"сеть", "БУХГАЛТЕРИЯ", "Printers"}
    assert "queue 'Printers' may be 'PRINTERS' or 'printers' of the desk" in " ".join(history.notes)
