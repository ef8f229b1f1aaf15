"""`/models/policy`: the form, the change history, and nobody overwrites a version that they did not see."""

import re
from html import unescape

import pytest

from deskyard.policy.policy import Mode, Rule
from deskyard.policy.versions import Policies
from tests.service.pages.people import sign_in_as

OURS = {"Sec-Fetch-Site": "same-origin", "Accept": "text/html"}
PAGE = "/models/policy"


@pytest.fixture
def desk(trained):
    sign_in_as(trained, "boss", "admin")
    trained.headers.update(OURS)
    return trained


def text(answered):
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answered.text)).split())


def form(client):
    """The fields of the form as the page fills them in."""
    shown = client.get(PAGE).text
    told = dict(re.findall(r'<input(?: type="hidden")? name="([^"]+)"[^>]* value="([^"]*)"', shown))
    for name, options in re.findall(r'<select name="([^"]+)".*?>(.*?)</select>', shown, re.S):
        told[name] = (re.findall(r'value="([^"]*)" selected', options) or [""])[0]
    return {name: unescape(value) for name, value in told.items()}


def policy(client):
    with client.app.state.context.database.reading() as conn:
        return Policies.current(conn).policy


def number_of(told, queue):
    return next(name.removeprefix("name.") for name, value in told.items() if value == queue)


def test_a_form_sent_back_as_it_is_changes_nothing(desk):
    before = policy(desk)
    assert desk.post(PAGE, data=form(desk)).status_code == 200
    assert policy(desk) == before


def test_every_switch_is_a_rule_and_an_empty_one_is_none(desk):
    told = form(desk)
    it = number_of(told, "IT")
    told |= {"mode": "suggest", "precision": "97,5", "target.priority.mode": "off", f"queue.{it}.mode": "route"}
    told |= {f"queue.{it}.precision": "99 %"}
    answered = desk.post(PAGE, data=told)
    assert "The policy is in force" in text(answered)
    now = policy(desk)
    assert (now.mode, now.precision) == (Mode.SUGGEST, 0.975)
    assert now.targets == {"priority": Rule(Mode.OFF)}
    assert now.queues == {"IT": Rule(Mode.ROUTE, 0.99)}
    again = form(desk)
    assert (again["precision"], again[f"queue.{it}.precision"]) == ("97.50", "99")
    desk.post(PAGE, data=again | {f"queue.{it}.mode": "", f"queue.{it}.precision": ""})
    assert policy(desk).queues == {}


def test_what_the_form_does_not_show_stays(desk):
    toml = 'mode = "route"\n[queues.IT.targets.assignee]\nmode = "off"\n[stores.znuny]\nmode = "shadow"\n'
    toml += '[routes]\na = "IT"\n'
    desk.post(f"{PAGE}/text", data={"text": toml, "version": form(desk)["version"]})
    before = policy(desk)
    assert before.stores
    assert "they are kept" in text(desk.get(PAGE))
    desk.post(PAGE, data=form(desk) | {"precision": "90"})
    now = policy(desk)
    assert (now.pairs, now.stores, now.routes, now.precision) == (before.pairs, before.stores, before.routes, 0.9)


def test_who_was_overtaken_is_shown_what_changed_and_overwrites_nothing(desk):
    mine = form(desk) | {"precision": "91"}
    desk.post(PAGE, data=form(desk) | {"precision": "99"})
    answered = desk.post(PAGE, data=mine)
    assert answered.status_code == 412
    shown = text(answered)
    assert "Somebody else changed the policy" in shown
    assert "+ precision = 0.99" in shown
    assert policy(desk).precision == 0.99
    assert 'value="91"' in answered.text
    version = re.search('name="version" value="([0-9]+)"', answered.text)[1]
    desk.post(PAGE, data=mine | {"version": version})
    assert policy(desk).precision == 0.91


def test_the_text_is_refused_with_its_line_and_kept(desk):
    told = {"text": 'mode = "suggest"\nprecision = 7.0\n', "version": form(desk)["version"]}
    answered = desk.post(f"{PAGE}/text", data=told)
    assert answered.status_code == 422
    assert "line 2" in text(answered)
    assert "precision = 7.0" in answered.text
    overtaken = desk.post(f"{PAGE}/text", data={"text": 'mode = "off"\n', "version": "0"})
    assert overtaken.status_code == 412
    assert policy(desk).mode is Mode.ROUTE


@pytest.mark.parametrize("told", [{"precision": "much"}, {"precision": "20"}, {"mode": "on"}, {"precision": "100"}])
def test_what_is_no_switch_is_refused_in_words(desk, told):
    before = policy(desk)
    assert desk.post(PAGE, data=form(desk) | told).status_code == 422
    assert policy(desk) == before


def test_every_version_tells_what_it_changed_and_who_did_it(desk):
    told = form(desk)
    desk.post(PAGE, data=told | {f"queue.{number_of(told, 'IT')}.mode": "off"})
    desk.post("/models/halt")
    shown = text(desk.get(PAGE))
    assert "- halted = false" in shown
    assert "+ halted = true" in shown
    assert '+ [queues."IT"] mode = "off"' in shown
    assert "boss" in shown


def test_a_manager_reads_and_cannot_write(desk):
    sign_in_as(desk, "max", "manager")
    shown = desk.get(PAGE)
    assert shown.status_code == 200
    assert "Save policy" not in text(shown)
    assert desk.post(PAGE, data={"mode": "off"}).status_code == 403
