"""Chromium on a desk with simulated tickets of the last 90 days, in both languages.

Every page that a test opens is watched: an error on the console, a failed request, a request that leaves this host, or
a breach of the content security policy fails the test, whatever else it looked at.
"""

import os
import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright._impl._driver import compute_driver_executable
from playwright.sync_api import sync_playwright

from deskyard.auth import users
from deskyard.db.database import open_database
from tests.conftest import Server
from tests.fakes.lived import learnt

AXE = Path(__file__).parent / "vendor" / "axe-core-4.14.1" / "axe.min.js"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
)  # fmt: skip
TICKETS = int(os.environ.get("DESKYARD_BROWSER_TICKETS", "2500"))
"""`make scale` says 10,000."""
LANGUAGES = ("en", "ru")
LOCALES = {"en": "en-US", "ru": "ru-RU"}
WIDTHS = (360, 768, 1366, 1920)
SCHEMES = ("light", "dark")
SCREENS = [
    pytest.param(language, width, SCHEMES[(i + j // 2) % 2], marks=() if width in (360, 1366) else pytest.mark.scale)
    for i, language in enumerate(LANGUAGES)
    for j, width in enumerate(WIDTHS)
]
"""Every pair of a language, a width and a colour scheme is there once; two widths by default, as `fits` widens the page
to the others."""
PASSWORD = "a password of the tests"
ROLES = {"eve": "viewer", "ann": "agent", "max": "manager", "boss": "admin"}


def lacking() -> str:
    """What this machine lacks for tests in a browser, with the packages that bring it; "" where nothing."""
    driver, _ = compute_driver_executable()
    if CHROMIUM is None:
        return "chromium is not installed: apt-get install chromium fonts-noto-core libatomic1"
    if subprocess.run([driver, "--version"], capture_output=True, check=False).returncode:
        return "Playwright, which drives the browser, lacks a library: apt-get install libatomic1"
    return ""


LACKING = lacking()


def pytest_itemcollected(item):
    if LACKING:
        item.add_marker(pytest.mark.skip(reason=LACKING))


@pytest.fixture(scope="session")
def lived(tmp_path_factory) -> Path:
    """A home with a trained model and a database full of tickets; copy it, never change it."""
    home = tmp_path_factory.mktemp("lived")
    learnt(home, TICKETS)
    return home


@pytest.fixture
def home(lived, tmp_path) -> Path:
    """A home of one's own with the same tickets."""
    return copied(lived, tmp_path)


def copied(lived: Path, to: Path) -> Path:
    """A home with the same model and a copy of the database."""
    (to / "models").symlink_to(lived / "models")
    for file in lived.glob("deskyard.db*"):
        shutil.copy(file, to)
    return to


@pytest.fixture(scope="module")
def chromium():
    """The browser; closed after each file, for while it is open its event loop runs in the thread of all tests."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield opened
        opened.close()


class Watched:
    """Browsers at one service. `open` gives a page of a new browser profile; `troubles` is what went wrong on any."""

    def __init__(self, chromium, server):
        self.chromium, self.server = chromium, server
        self.base = f"http://127.0.0.1:{server.port}"
        self.contexts, self.troubles = [], []
        self.expected = []

    def open(self, path="/", language="en", width=1366, height=768, **options):
        context = self.chromium.new_context(
            base_url=self.base, locale=LOCALES[language], viewport={"width": width, "height": height}, **options
        )
        self.contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: said.type in ("error", "warning") and self.troubles.append(said.text))
        page.on("pageerror", lambda error: self.troubles.append(str(error)))
        page.on("request", lambda one: one.url.startswith((self.base, "data:")) or self.troubles.append(one.url))
        page.goto(path)
        return page

    def sign_in(self, name, to="/", **options):
        page = self.open("/sign-in", **options)
        page.locator("[name=name]").fill(name)
        page.locator("[name=password]").fill(PASSWORD)
        page.locator("main button").click()
        page.goto(to)
        return page

    def close(self):
        for context in self.contexts:
            context.close()

    def judge(self):
        left = [one for one in self.troubles if not any(re.search(fine, one) for fine in self.expected)]
        assert left == []


@pytest.fixture
def at(chromium, home):
    """Browsers at a service without users: whoever sits at this machine is admin."""
    server = Server(home)
    watched = Watched(chromium, server)
    yield watched
    watched.close()
    server.stop()
    watched.judge()


@pytest.fixture(scope="module")
def looking(chromium, lived, tmp_path_factory):
    """The same for tests that change nothing: one service for all of a file."""
    server = Server(copied(lived, tmp_path_factory.mktemp("looking")))
    watched = Watched(chromium, server)
    yield watched
    watched.close()
    server.stop()
    watched.judge()


@pytest.fixture
def signed(home, at):
    """Browsers at a service with a user of each role (`ROLES`), who see everything."""
    database = open_database(f"sqlite:///{home}/deskyard.db")
    with database.writing() as conn:
        for name, role in ROLES.items():
            users.create_user(conn, name, role, PASSWORD, "test", datetime.now(UTC))
    database.close()
    return at


def fits(page, language: str, allowed: str = "") -> None:
    """The page is in that language and no other, fits its window, and is for everybody."""
    assert page.locator("html").get_attribute("lang") == language
    assert overflow(page) == 0
    assert inaccessible(page) == []
    if language == "ru":
        assert english_words(page, allowed) == []
    opened = page.viewport_size
    for width in WIDTHS:
        if width > opened["width"]:
            page.set_viewport_size({"width": width, "height": opened["height"]})
            assert overflow(page) == 0, width
    page.set_viewport_size(opened)


def inaccessible(page) -> list[str]:
    """What axe-core finds against WCAG 2.2 A and AA."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found = page.evaluate("tags => axe.run(document, {runOnly: tags})", tags)
    return [
        f"{one['id']}: {node['target']} {node['failureSummary']}"
        for one in found["violations"]
        for node in one["nodes"]
    ]


def overflow(page) -> int:
    """Pixels that a page is wider than its window."""
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


def english_words(page, allowed: str = "") -> list[str]:
    """Words of Latin letters in what a Russian page itself says; what people wrote and named is `translate=no`."""
    said = page.evaluate(
        """() => {
          const copy = document.body.cloneNode(true);
          const theirs = 'script, noscript, code, [translate=no], [lang]:not([lang=ru])';
          for (const one of copy.querySelectorAll(theirs)) one.remove();
          return copy.innerText;
        }"""
    )
    fine = {"deskyard", "csv", "pdf", "html", *allowed.lower().split()}
    return sorted({word for word in re.findall(r"[A-Za-z]{3,}", said) if word.lower() not in fine})
