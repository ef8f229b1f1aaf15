"""The reports page in chromium: both languages, all widths, the summary above the fold, figures that open their
tickets, by keyboard and without scripts."""

import re

import pytest

from tests.browser.conftest import LANGUAGES, SCREENS, fits, inaccessible

QUESTIONS = ("/reports", "/reports?target=category")


def whole(page):
    """The page with every panel there: each comes when it is scrolled to."""
    page.wait_for_selector("#summary .answers")
    for panel in page.locator(".panels > section").all():
        panel.scroll_into_view_if_needed()
        panel.locator(".panel-head").wait_for()
    page.evaluate("scrollTo(0, 0)")
    return page


@pytest.fixture(scope="module")
def counted(looking):
    """The service, when all of its journal is counted."""
    page = looking.open("/reports")
    for _ in range(240):
        if "not counted yet" not in page.content():
            break
        page.wait_for_timeout(500)
        page.reload()
    page.context.close()
    return looking


@pytest.mark.parametrize(("language", "width", "scheme"), SCREENS)
def test_the_page_fits_every_screen_and_everybody(counted, language, width, scheme):
    page = whole(counted.open(QUESTIONS[width == 768], language, width=width, color_scheme=scheme))
    fits(page, language, "CSV")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_managers_five_questions_are_answered_without_scrolling(counted, language):
    page = counted.open("/reports", language, width=1366, height=768)
    page.wait_for_selector("#summary .answers")
    cards = page.locator("#summary .answers > li").all()
    assert len(cards) == 5
    for card in cards:
        box = card.bounding_box()
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= 768
        assert re.search(r"\w", card.locator(".figure").inner_text())


def test_no_picture_is_empty_and_no_panel_is_missing(counted):
    page = whole(counted.open("/reports"))
    pictures = page.locator("figure svg").all()
    assert len(pictures) == 2
    for one in pictures:
        assert one.get_attribute("aria-label")
        assert one.locator("path, rect").count() > 10
    assert page.locator(".heat").count() == 2
    assert page.locator(".panel-head").count() == 10


def test_a_figure_opens_its_tickets_and_the_way_back_keeps_the_question(counted):
    page = whole(counted.open("/reports?target=category"))
    link = page.locator("#accuracy tbody tr").first.locator("a").first
    n = link.inner_text()
    link.click()
    page.wait_for_url("**/reports/tickets?*")
    assert page.locator("h1").inner_text().startswith(f"{n} tickets")
    assert page.locator("tbody tr").count() == 50
    assert inaccessible(page) == []
    page.get_by_role("link", name="Older").click()
    page.wait_for_url("**before=*")
    page.locator("main a").first.click()
    page.wait_for_url("**/reports?*target=category*")


def test_prices_are_changed_in_place_and_the_formula_follows(counted):
    page = whole(counted.open("/reports"))
    page.locator("#savings input[name=triage_minutes]").fill("6")
    page.locator("#savings input[name=triage_minutes]").press("Enter")
    page.wait_for_function("() => document.querySelector('#savings .formula').textContent.includes('× 6.0 min')")
    assert page.url.endswith("/reports")


def test_the_heat_map_shows_the_routed_alone_when_asked(counted):
    page = whole(counted.open("/reports"))
    before = page.locator("#confusion .heat").inner_text()
    page.get_by_role("link", name="routed only").click()
    page.wait_for_function("before => document.querySelector('#confusion .heat').innerText !== before", arg=before)
    assert page.locator("#confusion a[aria-current]").inner_text() == "routed only"


def test_the_period_stands_in_the_address(counted):
    page = counted.open("/reports")
    page.get_by_role("link", name="7 days").click()
    page.wait_for_url("**/reports?from=*")
    assert page.locator("a[aria-current=true]").inner_text() == "7 days"
    page.locator("select[name=target]").select_option("priority")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**target=priority*")


@pytest.mark.parametrize("language", LANGUAGES)
def test_without_scripts_every_panel_is_a_page(counted, language):
    page = counted.open("/reports", language, java_script_enabled=False)
    addresses = [one.get_attribute("href") for one in page.locator(".panels h2 a, #summary a").all()]
    assert len(addresses) == 11
    for address in addresses:
        assert page.goto(address).status == 200
        assert page.locator("main section").inner_text().strip()


def test_panels_are_reached_by_keyboard_from_the_answers(counted):
    page = whole(counted.open("/reports"))
    page.locator("#summary h2 a").nth(3).focus()
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.querySelector('#workload').getBoundingClientRect().top < innerHeight")
