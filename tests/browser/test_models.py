"""The models page in chromium: the slider, the kill switch, concurrent policy changes, a cancelled training."""

import shutil

import pytest

from deskyard.simulate.ground_truth import write_history
from deskyard.simulate.world import SimulatedWorld
from tests.browser.conftest import SCREENS, english_words, fits, inaccessible, overflow

PAGES = ["/models", "/models/policy"]


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize(("language", "width", "scheme"), SCREENS)
def test_the_pages_fit_every_screen_and_everybody(looking, path, language, width, scheme):
    page = looking.open(path, language, width=width, color_scheme=scheme)
    fits(page, language, "toml")


def test_the_slider_shows_another_precision_while_it_moves(looking):
    page = looking.open("/models")
    page.locator("#precision").focus()
    before = page.locator("#what-if output").inner_text()
    for _ in range(5):
        page.keyboard.press("ArrowLeft")
        page.wait_for_timeout(150)
    page.wait_for_function("before => document.querySelector('#what-if output').innerText !== before", arg=before)
    assert page.evaluate("document.activeElement.id") == "precision"
    assert page.locator("#what-if meter").count() > 5


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_the_kill_switch_asks_once_more_and_is_taken_back(at, scripts):
    page = at.open("/models", java_script_enabled=scripts)
    assert not page.get_by_role("button", name="Yes, stop routing").is_visible()
    page.get_by_text("Stop all routing").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Yes, stop routing").click()
    assert "no tickets are routed" in page.locator(".halt").inner_text()
    if scripts:
        assert inaccessible(page) == []
    page.get_by_role("button", name="Resume routing").click()
    page.get_by_text("Stop all routing").wait_for()


def test_of_two_who_change_the_policy_the_second_is_shown_what_the_first_did(at):
    at.expected.append("412")
    first, second = at.open("/models/policy"), at.open("/models/policy", "ru")
    first.locator("form > table [name=precision]").fill("96")
    first.get_by_role("button", name="Save policy").click()
    first.wait_for_selector("[role=status]")
    second.locator("form > table [name=precision]").fill("93")
    second.get_by_role("button", name="Ввести в действие").click()
    shown = second.locator("[role=alert].warn")
    shown.wait_for()
    assert "+ precision = 0.96" in shown.inner_text()
    assert second.locator("form > table [name=precision]").input_value() == "93"
    assert inaccessible(second) == []
    assert english_words(second, "toml") == []


def test_a_training_is_begun_watched_and_cancelled_from_the_page(at, home, lived):
    (home / "models").unlink()  # the other tests' models stay as they are
    shutil.copytree(lived / "models", home / "models")
    write_history(SimulatedWorld(seed=3), 400, home / "past.csv")
    page = at.open("/models")
    page.locator("[name=source]").select_option("past.csv")
    page.get_by_role("button", name="Start training").click()
    page.wait_for_selector("#run progress[value]", timeout=60_000)
    assert inaccessible(page) == []
    other = at.open("/models", "ru")
    other.wait_for_selector("#run progress")
    assert english_words(other, "toml") == []
    page.get_by_role("button", name="Cancel the training").click()
    page.wait_for_selector("#run .quiet:has-text('cancelled')", timeout=30_000)
    other.wait_for_selector("#run .quiet:has-text('прервано')", timeout=30_000)


def test_a_report_is_opened_and_can_do_nothing(at):
    page = at.open("/models")
    page.get_by_role("link", name="Report", exact=True).first.click()
    page.wait_for_selector("h1")
    assert page.evaluate("document.scripts.length") == 0
    assert overflow(page) == 0
