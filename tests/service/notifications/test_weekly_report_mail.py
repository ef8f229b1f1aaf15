"""`deskyard report --week`: one file that needs nothing else, in both languages, as PDF, and by mail."""

import builtins
import html
import io
import os
import re
import shutil
import socket
import subprocess
import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from threading import Thread

import pytest
from pypdf import PdfReader

from deskyard.db.database import desk_database
from deskyard.reports.weekly_page import render_pdf
from deskyard.settings import settings
from tests.fakes.desk_journal import fill
from tests.fakes.smtp import served

MONDAY = (datetime.now(UTC) - timedelta(days=datetime.now(UTC).weekday() + 7)).date()
NAME = f"report-{MONDAY.isocalendar().year}-W{MONDAY.isocalendar().week:02}"


@pytest.fixture(scope="module")
def past(blank, tmp_path_factory):
    """A database with ten weeks in it."""
    file = tmp_path_factory.mktemp("past") / "deskyard.db"
    shutil.copy(blank, file)
    start = (datetime.now(UTC) - timedelta(days=70)).replace(hour=0, minute=0, second=0, microsecond=0)
    with desk_database(f"sqlite:///{file}") as database:
        fill(database, 200, start=start)
    return file


@pytest.fixture
def desk(command, past, home, monkeypatch):
    """The command line at the home of a desk that has lived."""
    shutil.copy(past, home / "deskyard.db")
    monkeypatch.setenv("DESKYARD_NOTIFY_ALLOW", '["127.0.0.0/8"]')
    return command


@pytest.fixture
def folder():
    """Where the commands write."""
    return Path.cwd()


class Outside(HTMLParser):
    """What a page would load or run."""

    def __init__(self):
        super().__init__()
        self.found, self.headings = [], 0

    def handle_starttag(self, tag, attributes):
        self.headings += tag == "h2"
        if tag in ("script", "link", "img", "iframe", "object"):
            self.found.append(tag)
        self.found += [name for name, _ in attributes if name.startswith("on") or name in ("src", "style")]


@pytest.mark.parametrize(
    ("language", "text"), [("en", "How accurate is routing?"), ("ru", "Насколько точна маршрутизация?")]
)
def test_the_week_is_one_file_that_needs_nothing_else(desk, folder, language, text):
    assert desk("report", "--week", "--lang", language).code == 0
    page = (folder / f"{NAME}.html").read_text(encoding="utf-8")
    outside = Outside()
    outside.feed(page)
    assert outside.found == []
    assert outside.headings >= 14
    assert not re.findall(r"(?:https?:)?//(?!www\.w3\.org)\w", page)
    assert text in page
    assert "secret of" not in page
    assert "/reports/tickets" not in page


def test_figures_of_the_week_open_their_tickets_where_the_service_has_an_address(desk, folder, monkeypatch):
    monkeypatch.setenv("DESKYARD_PUBLIC_URL", "https://desk.example.org/")
    settings.cache_clear()
    desk("report", "--week", "--out", str(folder / "x.html"))
    page = (folder / "x.html").read_text(encoding="utf-8")
    assert f'href="https://desk.example.org/reports/tickets?from={MONDAY}&amp;to={MONDAY + timedelta(days=6)}' in page


def test_the_pdf_says_what_the_page_says_on_a_machine_without_fonts(desk, folder, home):
    (folder / "fonts.conf").write_text("<fontconfig/>")
    subprocess.run(
        [sys.executable, "-m", "deskyard", "report", "--week", "--pdf", "--lang", "ru"],
        env={**os.environ, "DESKYARD_HOME": str(home), "FONTCONFIG_FILE": str(folder / "fonts.conf")},
        check=True,
    )
    page = (folder / f"{NAME}.html").read_text(encoding="utf-8")
    sheets = PdfReader(folder / f"{NAME}.pdf").pages
    text = " ".join(" ".join(sheet.extract_text() for sheet in sheets).split())
    headings = [html.unescape(heading) for heading in re.findall("<h2>([^<]+)</h2>", page)]
    assert len(headings) >= 9
    assert [heading for heading in headings if heading not in text] == []
    assert "→" in text
    assert {(round(sheet.mediabox.width), round(sheet.mediabox.height)) for sheet in sheets} == {(595, 842)}  # A4


def test_a_pdf_fetches_nothing(home):
    visitors = []

    def answer():
        with suppress(OSError):
            while True:
                visitor, _ = outside.accept()
                visitors.append(visitor)
                visitor.close()

    with socket.create_server(("127.0.0.1", 0)) as outside:
        Thread(target=answer, daemon=True).start()
        address = f"http://127.0.0.1:{outside.getsockname()[1]}"
        pdf = render_pdf(f"<link rel=stylesheet href='{address}/a.css'><img src='{address}/a.png'><p>here</p>")
        outside.shutdown(socket.SHUT_RDWR)
    assert visitors == []
    assert PdfReader(io.BytesIO(pdf)).pages[0].extract_text() == "here"


def test_without_plutoprint_a_sentence_says_what_to_install(desk, monkeypatch):
    real = builtins.__import__

    def without(name, *rest):
        if name == "plutoprint":
            raise ModuleNotFoundError("No module named 'plutoprint'", name="plutoprint")
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    result = desk("report", "--week", "--pdf")
    assert result.code == 2
    assert "pip install 'deskyard[pdf]'" in result.err


def test_the_week_is_mailed_with_page_and_pdf(desk):
    with served(users={"ways": "PLAIN LOGIN", "desk": "s3cret"}) as server:
        url = f"smtp://desk:s3cret@127.0.0.1:{server.port}/max@example.org?from=desk@example.org"
        result = desk("report", "--week", "--pdf", "--lang", "ru", "--mail", url)
    assert result.code == 0, result.err
    sender, to, mail = server.mails[0]
    assert (sender, to) == ("desk@example.org", ["max@example.org"])
    assert mail["Subject"] == "Недельный отчёт о маршрутизации"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert [part.get_filename() for part in mail.iter_attachments()] == [f"{NAME}.html", f"{NAME}.pdf"]
    assert "s3cret" not in result.out + result.err


def test_another_week_is_named_by_one_of_its_days(desk, folder):
    assert desk("report", "--week", "--day", "2026-01-07").code == 0
    assert (folder / "report-2026-W02.html").exists()
    assert desk("report", "--week", "--day", "tomorrow").code == 2
    assert desk("report", "--pdf").code == 2
