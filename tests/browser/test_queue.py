"""A queue's page in chromium: on every screen, in both languages; tickets changed many at once, and taken home."""

import csv

import pytest

from tests.browser.conftest import LANGUAGES, SCREENS, english_words, fits, inaccessible

QUEUE = "/queues/Network%20%2F%20VPN"


@pytest.mark.parametrize(("language", "width", "scheme"), SCREENS)
def test_a_queue_fits_every_screen_and_everybody(looking, language, width, scheme):
    page = looking.open(f"{QUEUE}?status=all", language, width=width, color_scheme=scheme)
    assert page.locator("tbody tr").count() == 50
    fits(page, language)


def test_filters_stand_in_the_address_and_pages_follow_each_other(looking):
    page = looking.open("/")
    page.get_by_role("link", name="Network / VPN").click()
    page.locator("select[name=status]").select_option("resolved")
    page.locator("select[name=sort]").select_option("newest")
    page.get_by_role("button", name="Show").click()
    page.wait_for_load_state()
    assert "status=resolved" in page.url
    first = page.locator("tbody th a").all_inner_texts()
    page.get_by_role("link", name="Next page").click()
    page.wait_for_load_state()
    assert "status=resolved" in page.url
    further = page.locator("tbody th a").all_inner_texts()
    assert min(map(int, first)) > max(map(int, further))


@pytest.mark.parametrize("language", LANGUAGES)
def test_many_are_changed_at_once_and_the_one_that_somebody_changed_is_told(at, language):
    page, other = at.open(f"{QUEUE}?status=resolved", language), at.open(f"{QUEUE}?status=resolved")
    changed = other.locator("tbody th a").first.inner_text()
    other.locator("tbody input[type=checkbox]").first.check()
    other.locator("select[name=queue]").select_option("Security")
    other.locator("button[value=move]").click()
    other.wait_for_load_state()
    assert "1 ticket changed." in other.locator("[role=status]").inner_text()
    page.locator("#all").check()
    page.locator("select[name=queue]").select_option("Billing")
    page.locator("button[value=move]").click()
    page.wait_for_selector("[role=status]")
    told = page.locator("[role=status]").inner_text()
    assert ("49 tickets changed. 1 not changed:" if language == "en" else "49 заявок изменено.") in told
    assert changed in told
    assert inaccessible(page) == []
    if language == "ru":
        assert english_words(page) == []


def test_the_sheet_holds_every_ticket_of_the_queue(looking):
    page = looking.open(f"{QUEUE}?status=all")
    with page.expect_download() as begun:
        page.get_by_role("link", name="CSV").click()
    with open(begun.value.path(), encoding="utf-8-sig", newline="") as opened:
        rows = list(csv.DictReader(opened))
    assert len(rows) > 100
    assert {row["queue"] for row in rows} == {"Network / VPN"}
