"""The overview in chromium: both languages, all widths, light and dark, with live updates."""

import json
import urllib.request

import pytest

from tests.browser.conftest import SCREENS, fits


@pytest.mark.parametrize(("language", "width", "scheme"), SCREENS)
def test_the_overview_fits_every_screen_and_everybody(looking, language, width, scheme):
    page = looking.open("/", language, width=width, color_scheme=scheme)
    fits(page, language)


def test_a_new_ticket_shows_up_by_itself(at):
    page = at.open("/")
    before = page.locator(".decisions li").first.get_attribute("id")
    body = json.dumps({"subject": "VPN drops", "body": "The tunnel drops every hour."}).encode()
    request = urllib.request.Request(f"{at.base}/v1/tickets", body, {"Content-Type": "application/json"})
    urllib.request.urlopen(request, timeout=10).close()
    page.wait_for_function(
        "before => document.querySelector('.decisions li').id !== before", arg=before, timeout=10_000
    )
    assert "VPN drops" in page.locator(".decisions li").first.inner_text()


def test_what_did_not_change_is_not_sent_again(looking):
    page = looking.open("/")
    answers = []

    def is_unchanged(response):
        if response.url.endswith("/overview"):
            answers.append((response.status, response.headers["hx-ptag"]))
        return response.url.endswith("/overview") and response.status == 304

    page.wait_for_event("response", is_unchanged, timeout=60_000)
    sent = [tag for status, tag in answers if status == 200]
    assert len(sent) == len(set(sent)), "a part is sent when it has changed, as it may in any minute, and else not"


def test_a_cut_network_is_told_and_taken_back(at):
    at.expected.append("ERR_INTERNET_DISCONNECTED|Failed to fetch")
    page = at.open("/")
    page.context.set_offline(True)
    page.wait_for_selector("#error:not([hidden])", timeout=15_000)
    assert "is not responding" in page.locator("#error").inner_text()
    page.context.set_offline(False)
    page.wait_for_selector("#error", state="hidden", timeout=15_000)
