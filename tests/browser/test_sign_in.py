"""Signing in by keyboard, with a wrong password, with a code and as the first user; signing out; the language."""

import re
import time
from datetime import UTC, datetime

import pyotp
import pytest

from deskyard.auth import users
from deskyard.db.database import open_database
from tests.browser.conftest import LANGUAGES, PASSWORD, inaccessible


def test_whoever_asks_for_a_page_signs_in_by_keyboard_and_gets_it(signed):
    page = signed.open("/?x=1")
    assert "/sign-in?to=%2F%3Fx%3D1" in page.url
    assert inaccessible(page) == []
    page.keyboard.type("ann")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/?x=1")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in")
    page.goto("/")
    assert "/sign-in" in page.url


def test_a_wrong_password_is_said_and_nothing_else(signed):
    signed.expected.append("401")
    page = signed.open("/sign-in", "ru")
    for name in ("ann", "nobody"):
        page.locator("[name=name]").fill(name)
        page.locator("[name=password]").fill("wrong password")
        page.locator("main button").click()
        assert page.get_by_role("alert").filter(has_text="Неверное").inner_text() == "Неверное имя, пароль или код."


def test_a_code_is_asked_for_and_taken_once(signed, home):
    signed.expected.append("401")
    key, _ = users.make_second_factor("ann")
    database = open_database(f"sqlite:///{home}/deskyard.db")
    with database.writing() as conn:
        users.set_second_factor(conn, "ann", key, "test", datetime.now(UTC))
    database.close()
    page = signed.open("/sign-in")

    def enter(code):
        page.locator("[name=name]").fill("ann")
        page.locator("[name=password]").fill(PASSWORD)
        page.locator("[name=code]").fill(code)
        page.locator("main button").click()

    enter("")
    assert page.get_by_role("alert").filter(has_text="Wrong").count() == 1
    code = pyotp.TOTP(key).at(int(time.time()))
    enter(code)
    page.wait_for_url(f"{signed.base}/")
    page.get_by_role("button", name="Sign out").click()
    enter(code)
    assert page.get_by_role("alert").filter(has_text="Wrong").count() == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_first_user_is_made_from_the_word_that_the_service_prints(at, language):
    at.expected.append("422|404")
    word = at.server.invitation()
    page = at.open(word, language)
    assert inaccessible(page) == []
    page.locator("[name=name]").fill("boss")
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("main button").click()
    page.wait_for_url(f"{at.base}/")
    assert "boss" in page.locator("header").inner_text()
    assert at.open("/", language).url.endswith("/sign-in?to=%2F")
    assert page.goto(word).status == 404


def test_the_language_is_the_browsers_until_another_is_chosen(looking):
    page = looking.open("/", "ru")
    assert re.search("[А-Я]", page.title())
    page.get_by_role("button", name="English").click()
    assert page.title() == "Overview · deskyard"
    page.reload()
    assert page.title() == "Overview · deskyard"
