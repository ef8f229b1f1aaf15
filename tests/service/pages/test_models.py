"""`/models`: champion and challenger, the coverage preview, the kill switch, and reports that can't run anything."""

import re
import shutil
from html import unescape

import pytest

from deskyard.registry import bundle
from deskyard.settings import Settings
from tests.conftest import SUBJECTS
from tests.service.pages.people import sign_in_as

OURS = {"Sec-Fetch-Site": "same-origin", "Accept": "text/html"}


@pytest.fixture
def desk(call, champion, trained, made, tmp_path):
    """A service with its own models folder, which holds a champion and a newer bundle."""
    home = tmp_path / "home"
    shutil.copytree(champion / "models", home / "models")
    told = {"at": "2026-11-23T12:00:00+00:00"}
    bundle.save_bundle(home / "models" / "young", made.scorer, made.evidence, made.card | {"x": 1}, told)
    (home / "models" / "young" / "report.html").write_text("<h1>Report</h1><script>alert(1)</script>")
    shutil.copy(tmp_path / "desk.db", home / "deskyard.db")
    client = call(Settings(home=home))
    client.headers.update(OURS)
    return client


def text(answered):
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answered.text)).split())


def champion_of(client):
    return client.get("/v1/models/current").json()["name"]


def test_a_service_without_a_model_says_how_to_get_one(client):
    shown = text(client.get("/models"))
    assert "There is no model yet" in shown
    assert "Train a new model" in shown


def test_champion_and_challenger_stand_side_by_side_and_change_places(desk):
    shown = text(desk.get("/models"))
    assert "in use tiny" in shown
    assert "challenger young" in shown
    assert desk.post("/models/promote", data={"name": "young"}, follow_redirects=False).status_code == 303
    assert champion_of(desk) == "young"
    assert desk.post("/models/rollback", follow_redirects=False).status_code == 303
    assert champion_of(desk) == "tiny"


@pytest.mark.parametrize("name", ["nobody", "../tiny", ""])
def test_what_is_no_bundle_is_not_promoted(desk, name):
    assert desk.post("/models/promote", data={"name": name}).status_code in (404, 422)
    assert champion_of(desk) == "tiny"


def test_a_report_is_shown_where_it_can_do_nothing(desk):
    answered = desk.get("/models/young/report")
    assert answered.status_code == 200
    policy = answered.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox; default-src 'none'")
    assert "script" not in policy
    assert desk.get("/models/tiny/report").status_code == 404
    for name in ("..", "%2e%2e", "..%2Fyoung", "nobody", "CURRENT"):
        assert desk.get(f"/models/{name}/report").status_code == 404


def test_the_slider_tells_what_would_go_by_itself_queue_by_queue(desk):
    loose, strict = (desk.get(f"/models/what-if?precision={asked}") for asked in (80, 99.9))
    assert "80.0%" in loose.text
    assert all(queue in unescape(loose.text) for queue in SUBJECTS)
    assert loose.text != strict.text
    assert "80.0%" in desk.get("/models?precision=80").text
    for asked in ("-5", "1e9", "nan", "x"):
        assert desk.get(f"/models/what-if?precision={asked}").status_code in (200, 422)


def test_the_kill_switch_stops_the_next_ticket_and_is_taken_back(desk):
    def queue():
        return desk.post("/v1/tickets", json={"subject": SUBJECTS["IT"]}).json()["ticket"]["queue"]

    assert queue() == "IT"
    desk.post("/models/halt")
    assert "The kill switch is on" in text(desk.get("/models"))
    assert queue() == "triage"
    desk.post("/models/resume")
    assert queue() == "IT"
    actions = [one["action"] for one in desk.get("/v1/audit").json()["items"]]
    assert actions[:2] == ["policy.put", "policy.put"]


def test_a_manager_looks_and_only_an_admin_rules(desk):
    sign_in_as(desk, "max", "manager")
    shown = desk.get("/models")
    assert shown.status_code == 200
    for action in ("halt", "promote", "rollback", "train", "train/cancel", "policy", "policy/text", "resume"):
        assert f'action="/models/{action}"' not in shown.text
        assert desk.post(f"/models/{action}", data={"name": "young"}).status_code == 403


def test_an_agent_has_no_business_there(desk):
    sign_in_as(desk, "ann", "agent")
    assert desk.get("/models").status_code == 403
    assert desk.get("/models/young/report").status_code == 403


def test_who_sees_some_queues_sees_no_figures_and_no_report_of_others(desk):
    sign_in_as(desk, "max", "manager", queues=["IT"])
    for shown in (desk.get("/models"), desk.get("/models/what-if?precision=80"), desk.get("/models/policy")):
        assert "IT" in shown.text
        assert "Billing" not in shown.text
    assert desk.get("/models/young/report").status_code == 404


def test_a_training_that_cannot_be_is_refused_in_words(desk):
    for told in ({"source": "../x.csv"}, {"source": ""}, {"precision": "much"}, {"precision": "20"}, {"effort": "all"}):
        assert desk.post("/models/train", data={"source": "desk"} | told).status_code == 422
    assert desk.get("/models/training").status_code == 200
