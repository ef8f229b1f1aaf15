"""The requester portal in chromium, from the form to the rating: both languages, with and without scripts."""

from datetime import UTC, datetime

import pytest

from deskyard.db.database import open_database
from deskyard.db.tables.desk import TICKETS
from deskyard.desk import changes, comments
from deskyard.domain.actors import Actor
from tests.browser.conftest import LANGUAGES, SCREENS, fits

ANN = Actor("person", "ann")
ANSWER = "Hold the power button of the label printer for ten seconds."
QUESTION = "The label printer in the warehouse prints every second label empty."


def write(page, subject, body):
    page.locator("[name=subject]").fill(subject)
    page.locator("[name=body]").fill(body)
    page.locator("[name=requester]").fill("olga@example.org")


def newest(home, change):
    """Do something with the ticket that came last."""
    database = open_database(f"sqlite:///{home}/deskyard.db")
    with database.writing() as conn:
        number = conn.execute(TICKETS.select().order_by(TICKETS.c.id.desc())).first().id
        change(conn, number)
    database.close()


def solve(conn, number):
    now = datetime.now(UTC)
    comments.add_comment(conn, number, ANN, ANSWER, public=True, shared=True, at=now)
    changes.change_ticket(conn, number, {"status": "resolved"}, ANN, at=now)


@pytest.mark.parametrize(("language", "width", "scheme"), SCREENS)
def test_the_form_fits_every_screen_and_everybody(looking, language, width, scheme):
    page = looking.open("/submit?subject=VPN", language, width=width, color_scheme=scheme)
    fits(page, language)
    assert page.locator("[name=subject]").input_value() == "VPN"


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_guest_goes_from_a_request_to_the_stars(signed, home, language, scripts):
    signed.expected.append("422")
    page = signed.open("/submit", language, java_script_enabled=scripts)
    write(page, "Labels", QUESTION)
    page.locator("main button").click()
    page.wait_for_url("**/status/*?new=1")
    if scripts:
        fits(page, language)
    page.locator(".hint a").click()
    assert page.locator(".hint").count() == 0
    newest(home, lambda conn, n: changes.change_ticket(conn, n, {"status": "waiting"}, ANN, at=datetime.now(UTC)))
    page.reload()
    page.locator("[name=text]").fill("It is the left one.")
    page.locator("main button").last.click()
    assert "It is the left one." in page.locator(".conversation").inner_text()
    newest(home, solve)
    page.reload()
    if scripts:
        fits(page, language)
    assert ANSWER in page.locator(".conversation").inner_text()
    page.locator("[name=stars][value='5']").check()
    page.locator(".stars ~ button").click()
    assert page.locator("[name=stars][value='5']").is_checked()
    assert page.locator("section [role=status]").count() == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_shared_answer_shows_up_while_somebody_writes(at, home, language):
    page = at.open("/submit", language)
    write(page, "Labels", QUESTION)
    page.locator("main button").click()
    page.wait_for_url("**/status/*")
    newest(home, solve)
    page.goto("/submit")
    page.locator("[name=body]").press_sequentially("our label printer prints empty labels", delay=5)
    page.wait_for_selector("#suggestions details")
    assert ANSWER in page.locator("#suggestions").inner_text()
    assert "warehouse" not in page.locator("#suggestions").inner_text()
    fits(page, language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_text_that_says_nothing_gets_a_question(looking, language):
    page = looking.open("/submit", language)
    write(page, "Help!", "Nothing works!!!")
    page.locator("main button").click()
    page.wait_for_selector("[role=alert].warn")
    fits(page, language)
    assert page.locator("[name=body]").input_value() == "Nothing works!!!"
