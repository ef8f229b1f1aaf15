"""The ticket page in chromium: every screen, both languages, and a form that reports concurrent changes."""

import pytest

from tests.browser.conftest import LANGUAGES, SCREENS, english_words, fits

NEWEST = ".decisions li a"


@pytest.mark.parametrize(("language", "width", "scheme"), SCREENS)
def test_a_ticket_fits_every_screen_and_everybody(looking, language, width, scheme):
    page = looking.open("/tickets/1", language, width=width, color_scheme=scheme)
    assert page.locator(".timeline li.decided").count() == 1
    assert page.locator(".timeline li.changed").count() > 0
    fits(page, language)


def test_a_ticket_is_changed_and_discussed_by_keyboard(at):
    page = at.open("/")
    page.locator(NEWEST).first.click()
    page.locator("select[name=priority]").focus()
    page.locator("select[name=priority]").select_option("critical")
    page.keyboard.press("Tab")
    page.keyboard.type("Printers")
    page.keyboard.press("Enter")
    page.wait_for_load_state()
    assert page.locator("select[name=priority]").input_value() == "critical"
    assert page.locator("input[name=category]").input_value() == "Printers"
    page.locator("textarea[name=text]").fill("Have you tried it again?")
    page.get_by_role("button", name="Add comment").press("Enter")
    page.wait_for_load_state()
    assert "Have you tried it again?" in page.locator(".timeline").inner_text()


def test_of_two_browsers_the_slower_one_is_told(at):
    one, other = at.open("/tickets/1"), at.open("/tickets/1")
    at.expected.append("409")
    for page, priority in ((one, "critical"), (other, "low")):
        page.locator("select[name=priority]").select_option(priority)
        page.get_by_role("button", name="Change").click()
        page.wait_for_load_state()
    assert one.get_by_text("Somebody else changed it").count() == 0
    assert other.get_by_text("Somebody else changed it").count() == 1
    assert other.locator("select[name=priority]").input_value() == "critical"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_decision_is_computed_again_from_the_page(looking, language):
    page = looking.open("/tickets/2", language)
    page.locator("form[action$='/verify'] button").click()
    page.wait_for_load_state()
    assert page.locator("[role=status].hint").count() == 1
    if language == "ru":
        assert english_words(page) == []
