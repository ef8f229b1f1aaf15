"""The review queue in chromium: by keyboard alone, two browsers at once, without network, both languages."""

import json
import os
import time
import urllib.request
from datetime import UTC, datetime

import pytest
from sqlalchemy import delete, update

from deskyard.auth import api_keys
from deskyard.db.database import open_database
from deskyard.db.tables.desk import TICKETS
from deskyard.db.tables.review import BLIND_REVIEWS
from deskyard.desk import tickets
from deskyard.policy.policy import Mode, Policy
from deskyard.policy.versions import Policies
from tests.browser.conftest import LANGUAGES, SCREENS, fits

MESSAGE = (
    "Good morning,\n\nthe VPN drops every hour and the laptop is offline until I restart it.\n\n"
    "On 1 Feb 2026, Ann <ann@example.org> wrote:\n> How is the VPN today?\n> Ann\n"
)


def put_policy(home):
    """A policy that only suggests, without blind reviews, so that new tickets wait; no earlier ticket is urgent."""
    database = open_database(f"sqlite:///{home}/deskyard.db")
    with database.writing() as conn:
        Policies.add_version(conn, Policy(mode=Mode.SUGGEST, blind_review_rate=0.0), "test", datetime.now(UTC))
        conn.execute(delete(BLIND_REVIEWS))
        conn.execute(update(TICKETS).values(priority="low"))
    database.close()


def new_key(home):
    database = open_database(f"sqlite:///{home}/deskyard.db")
    with database.writing() as conn:
        secret = api_keys.create_key(conn, "filer", "admin", "test", datetime.now(UTC))
    database.close()
    time.sleep(1)  # keys are read anew twice a second
    return secret


def read(home, number):
    database = open_database(f"sqlite:///{home}/deskyard.db")
    with database.reading() as conn:
        found = tickets.get_ticket(conn, number)
    database.close()
    return found


def file(base, n, **headers):
    """File tickets that wait, urgent ones, so that they come before whatever else waits."""
    found = []
    for i in range(n):
        told = {"subject": f"VPN drops {i}", "body": MESSAGE, "requester": "kim@example.org"}
        found.append(int(send("POST", f"{base}/v1/tickets", told, headers)["ticket"]["id"]))
        urgent = {"If-Match": "*", **headers}
        send("PATCH", f"{base}/v1/tickets/{found[-1]}", {"priority": "critical"}, urgent)
    return found


def send(method, address, told, headers):
    headers = {"Content-Type": "application/json", **headers}
    request = urllib.request.Request(address, json.dumps(told).encode(), headers, method=method)
    with urllib.request.urlopen(request, timeout=30) as answered:
        return json.load(answered)


@pytest.fixture
def desk(home, at):
    """Browsers at a desk where five tickets wait before all others; `numbers` are theirs."""
    put_policy(home)
    at.home, at.numbers = home, file(at.base, 5)
    return at


def number(page):
    """The ticket that is shown."""
    return int(page.locator("[hx-post$='/hold']").get_attribute("hx-post").split("/")[2])


def press(page, key):
    """Press a key, and wait for the next ticket."""
    shown = f"[hx-post='/review/{number(page)}/hold']"
    page.keyboard.press(key)
    page.wait_for_selector(shown, state="detached")


def first_choice(page):
    return page.locator("[data-key='1']").get_attribute("value")


@pytest.mark.parametrize(("language", "width", "scheme"), SCREENS)
def test_the_review_queue_fits_every_screen_and_everybody(looking, language, width, scheme):
    page = looking.open("/review", language, width=width, color_scheme=scheme)
    fits(page, language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_with_all_that_helps_to_sort_it_is_still_for_everybody(desk, language):
    page = desk.open("/review", language)
    for box in ("#find", "#ask"):
        page.locator(f"{box} summary").click()
    assert page.locator("mark.for").count() > 0
    assert page.locator("meter").count() > 1
    assert page.get_by_text("Similar solved" if language == "en" else "Похожие решённые").count() == 1
    fits(page, language)


def test_a_shift_by_keyboard_alone(desk):
    page = desk.open("/review")
    first, second, third, fourth, fifth = desk.numbers
    assert number(page) == first
    said = first_choice(page)
    press(page, "1")
    assert (number(page), read(desk.home, first).queue) == (second, said)
    other = page.locator("[data-key='2']").get_attribute("value")
    press(page, "2")
    assert (number(page), read(desk.home, second).queue) == (third, other)
    press(page, "u")
    assert (number(page), read(desk.home, second).queue) == (second, "triage")
    said = first_choice(page)
    press(page, "Enter")
    assert (number(page), read(desk.home, second).queue) == (third, said)
    press(page, "n")
    assert (number(page), read(desk.home, third).queue) == (fourth, "triage")
    page.keyboard.press("/")
    page.keyboard.type("bill")
    press(page, "Enter")
    assert read(desk.home, fourth).queue == "Billing"
    assert number(page) == fifth
    page.keyboard.press("i")
    page.keyboard.type("Which VPN, 1 or 2?")
    press(page, "Control+Enter")
    assert read(desk.home, fifth).status == "waiting"


def test_the_keys_work_under_a_russian_keyboard(desk):
    page = desk.open("/review", "ru")
    first, second, *_ = desk.numbers
    page.evaluate("""() => document.body.dispatchEvent(
        new KeyboardEvent("keydown", {key: "т", code: "KeyN", bubbles: true, cancelable: true}))""")
    page.wait_for_selector(f"[hx-post='/review/{second}/hold']", state="attached")
    assert read(desk.home, first).queue == "triage"


def test_a_key_that_is_held_down_decides_one_ticket(desk):
    page = desk.open("/review")
    press(page, "1")
    for _ in range(5):
        page.evaluate("""() => document.body.dispatchEvent(
            new KeyboardEvent("keydown", {key: "1", code: "Digit1", repeat: true, bubbles: true}))""")
    page.wait_for_timeout(500)
    assert [read(desk.home, one).queue == "triage" for one in desk.numbers] == [False, True, True, True, True]


def test_the_next_ticket_is_there_in_a_tenth_of_a_second(desk):
    """From the key to the next ticket on the page, the fastest of eight; longer where others use the same cores."""
    file(desk.base, 4)
    page = desk.open("/review")
    took = []
    for _ in range(8):
        page.wait_for_timeout(300)
        took.append(page.evaluate(KEY_TO_NEXT))
    crowd = max(1.0, os.getloadavg()[0] / len(os.sched_getaffinity(0)))
    assert min(took) < 100 * crowd, (took, crowd)


KEY_TO_NEXT = """() => new Promise(done => {
  const begun = performance.now();
  document.addEventListener("htmx:after:swap", () => done(performance.now() - begun), {once: true});
  document.body.dispatchEvent(
    new KeyboardEvent("keydown", {key: "1", code: "Digit1", bubbles: true, cancelable: true}));
})"""


def test_two_people_are_given_two_tickets_and_the_first_write_wins(home, signed):
    put_policy(home)
    numbers = file(signed.base, 3, Authorization=f"Bearer {new_key(home)}")
    ann = signed.sign_in("ann", "/review")
    boss = signed.sign_in("boss", "/review")
    assert [number(ann), number(boss)] == numbers[:2]
    boss.goto(f"/tickets/{numbers[0]}")
    boss.locator("select[name=queue]").select_option("Billing")
    boss.locator("form.change button").click()
    boss.wait_for_load_state()
    ann.keyboard.press("1")
    ann.wait_for_selector(".status-line .warn")
    assert "Somebody else changed it" in ann.locator(".status-line").inner_text()
    assert read(home, numbers[0]).queue == "Billing"
    assert number(ann) != numbers[0]


def test_a_cut_network_decides_nothing_and_says_so(desk):
    desk.expected.append("ERR_INTERNET_DISCONNECTED|Failed to fetch")
    page = desk.open("/review")
    first, second, *_ = desk.numbers
    page.context.set_offline(True)
    page.keyboard.press("1")
    page.wait_for_selector("#error:not([hidden])", timeout=15_000)
    assert "Nothing was changed" in page.locator("#error").inner_text()
    assert read(desk.home, first).queue == "triage"
    page.context.set_offline(False)
    press(page, "1")
    assert number(page) == second
    assert page.locator("#error").is_hidden()
    assert read(desk.home, first).queue != "triage"


def test_without_scripts_the_desk_works_too(desk):
    page = desk.open("/review", java_script_enabled=False)
    first, second, *_ = desk.numbers
    page.locator("[data-key='1']").click()
    assert number(page) == second
    assert read(desk.home, first).queue != "triage"
    page.locator("[data-key='u']").click()
    assert read(desk.home, first).queue == "triage"
