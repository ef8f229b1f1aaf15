"""Pictures of the pages for the docs: `make pictures`. A simulated desk, a signed-in manager, both languages.

Writes `docs/pictures/<page>.<language>.png`. All tickets in them are synthetic.
"""

import tempfile
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from deskyard.analytics import rollups
from deskyard.auth import users
from deskyard.db.database import open_database
from deskyard.settings import settings
from tests.browser.conftest import CHROMIUM, LOCALES, PASSWORD, QUIET
from tests.conftest import Server
from tests.fakes.lived import learnt

FOLDER = Path(__file__).parents[1] / "docs" / "pictures"
TICKETS = 10_000
PAGES = {
    "overview": "/",
    "review": "/review",
    "ticket": "/tickets/{ticket}",
    "queue": "/queues/Mail",
    "reports": "/reports",
    "models": "/models",
    "submit": "/submit",
}
"""Name of a picture → address; {ticket} is a routed one of the last days."""


def main() -> None:
    """Build the desk, look at each page, keep what was seen."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        home = Path(folder)
        learnt(home, TICKETS)
        database = open_database(f"sqlite:///{home}/deskyard.db")
        with database.writing() as conn:
            users.create_user(conn, "boss", "admin", PASSWORD, "pictures", datetime.now(UTC))
        rollups.refresh_rollups(database, settings().time_zone)
        database.close()
        server = Server(home)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        for language, locale in LOCALES.items():
            context = browser.new_context(
                base_url=f"http://127.0.0.1:{server.port}", locale=locale, viewport={"width": 1366, "height": 768}
            )
            _take(context.new_page(), language)
            context.close()
        browser.close()
        server.stop()


def _take(page: Page, language: str) -> None:
    page.goto("/sign-in")
    page.locator("[name=name]").fill("boss")
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("main button").click()
    page.wait_for_selector(".decisions .outcome.routed")
    ticket = page.locator(".decisions li:has(.routed) a").first.inner_text()
    for name, address in PAGES.items():
        page.goto(address.format(ticket=ticket))
        page.wait_for_load_state("networkidle") if address != "/" else page.wait_for_timeout(500)
        page.screenshot(path=FOLDER / f"{name}.{language}.png")
        print(f"{name}.{language}.png")


if __name__ == "__main__":
    main()
