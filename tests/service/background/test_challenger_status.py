"""The challenger in the API and on the page: set, scored, compared, removed; and retraining."""

import re
import shutil
from datetime import timedelta
from html import unescape
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from deskyard.analytics import rollups
from deskyard.db.database import open_database
from deskyard.domain.actors import Actor
from deskyard.registry import bundle, comparison_file, promotion
from deskyard.registry.comparison import ModelAnswers, TargetAnswers, compare_models
from deskyard.settings import Settings
from service.background import shadow_scoring as module
from service.background.shadow_scoring import ShadowScorer
from service.background.training_process import TrainingProcess
from tests.service.background.test_auto_retraining import until

TEXTS = ["the vpn client drops the connection", "invoice wrong amount refund", "vacation sick leave form"]


@pytest.fixture
def desk(call, champion, made, tmp_path, monkeypatch):
    """A service whose champion is `tiny`, with a bundle `young` beside it that says the same."""
    monkeypatch.setattr(module, "COMMIT_LAG", timedelta(0))
    home = tmp_path / "home"
    shutil.copytree(champion / "models", home / "models")
    bundle.save_bundle(home / "models" / "young", made.scorer, made.evidence, made.card | {"x": 1}, {})
    chosen = Settings(home=home)
    database = open_database(chosen.database)
    promotion.promote(database, chosen.models, "tiny", Actor("person", "ann"))
    database.close()
    client = call(chosen)
    client.headers.update({"Sec-Fetch-Site": "same-origin"})
    yield client
    client.app.state.training.cancel()


def name(desk, bundle_name):
    return desk.put("/v1/models/challenger", json={"name": bundle_name})


def states(desk):
    return {one["name"]: one["state"] for one in desk.get("/v1/models").json()["items"]}


def shown(desk, path="/models", language="en"):
    page = desk.get(path, headers={"Accept": "text/html", "Accept-Language": language}).text
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


def digests(desk):
    return {one["name"]: one["digest"] for one in desk.get("/v1/models").json()["items"]}


def leave_a_comparison(desk, right, n=200):
    """As `deskyard compare` leaves it: the champion has a quarter right, `young` that share."""
    truth = np.tile(np.array(["IT", "Billing", "HR", "Mail"]), n // 4)
    first, second = (np.where(np.arange(n) % 100 < 100 * share, truth, "-") for share in (0.25, right))
    never = np.zeros(n, bool)
    answers = TargetAnswers(truth, ModelAnswers(first, never, False), ModelAnswers(second, never, False), 0.9)
    found = compare_models(digests(desk)["tiny"], digests(desk)["young"], {"queue": answers})
    comparison_file.write_comparison(desk.app.state.context.models.folder / "young", found)


def test_a_challenger_is_named_and_taken_back_by_the_api(desk):
    assert states(desk) == {"tiny": "in_use", "young": "kept"}
    missing = desk.get("/v1/models/challenger")
    assert (missing.status_code, "there is no challenger" in missing.json()["detail"]) == (404, True)
    status = name(desk, "young")
    assert (
        status.status_code,
        status.json()["name"],
        status.json()["scored_tickets"],
        status.json()["past_comparison"],
    ) == (
        200,
        "young",
        0,
        None,
    )
    assert states(desk) == {"tiny": "in_use", "young": "challenger"}
    assert desk.delete("/v1/models/challenger").status_code == 204
    assert desk.get("/v1/models/challenger").status_code == 404
    assert [one["action"] for one in desk.get("/v1/audit").json()["items"]][:2] == ["model.challenge"] * 2


@pytest.mark.parametrize(("wrong", "status"), [("tiny", 422), ("nobody", 404), ("../young", 422)])
def test_what_can_not_be_a_challenger_is_refused_with_a_reason(desk, wrong, status):
    answered = name(desk, wrong)
    assert answered.status_code == status
    assert answered.json()["detail"]
    assert states(desk)["young"] == "kept"


def test_it_is_compared_by_what_people_made_of_new_tickets(desk):
    name(desk, "young")
    for text in TEXTS * 5:
        number = desk.post("/v1/tickets", json={"subject": text}).json()["ticket"]["id"]
        solved = {"queue": "IT", "status": "resolved"}
        assert desk.patch(f"/v1/tickets/{number}", json=solved, headers={"If-Match": "*"}).status_code == 200
    context = desk.app.state.context
    assert ShadowScorer(context.database, context.models.folder).score_batch()
    rollups.refresh_rollups(context.database, ZoneInfo("UTC"))
    status = desk.get("/v1/models/challenger").json()
    assert (
        status["scored_tickets"],
        status["live_comparison"]["comparison"]["tickets"],
        status["live_comparison"]["promote"],
    ) == (15, 15, False)
    assert "too few tickets" in status["live_comparison"]["verdict"]
    assert "15 tickets scored" in shown(desk)
    assert "not enough new tickets: 3 of" in shown(desk, "/models/live")
    assert "not enough new tickets: 3 of" in shown(desk, "/models?live=1")
    assert "недостаточно новых заявок: 3 из" in shown(desk, "/models/live", "ru")


def test_what_it_was_found_to_be_worth_is_shown_and_decides(desk):
    leave_a_comparison(desk, 0.1)
    assert "It does not qualify for promotion." in shown(desk)
    refused = desk.post("/v1/models/young/activate")
    assert (refused.status_code, "it is not better" in refused.json()["detail"]) == (422, True)
    leave_a_comparison(desk, 0.9)
    assert "It qualifies for promotion." in shown(desk)
    assert name(desk, "young").json()["past_comparison"]["promote"] is True
    assert desk.post("/v1/models/young/activate").status_code == 200


def test_the_page_tries_a_challenger_and_ends_it(desk):
    assert "Start shadow scoring" in shown(desk)
    assert desk.post("/models/challenge", data={"name": "young"}, follow_redirects=False).status_code == 303
    assert states(desk)["young"] == "challenger"
    page = shown(desk)
    assert "Stop the challenger" in page
    assert "Start shadow scoring" not in page
    desk.post("/models/challenge", data={"name": ""})
    assert states(desk)["young"] == "kept"


def test_learning_anew_is_begun_once_and_its_end_is_told(desk):
    before = desk.get("/v1/models/retraining").json()
    assert before == {"pending": [], "last": None, "running": False}
    begun = desk.post("/v1/models/retraining")
    assert (begun.status_code, begun.json()["running"]) == (202, True)
    assert [(one["reason"], one["detail"]) for one in begun.json()["pending"]] == [("person", "local")]
    again = desk.post("/v1/models/retraining")
    assert (again.status_code, "is running" in again.json()["detail"]) == (409, True)
    assert "Retraining requested: requested by a person" in shown(desk)
    learning: TrainingProcess = desk.app.state.training
    until(lambda: learning.newest_run().state != "running")
    ended = desk.get("/v1/models/retraining").json()
    assert (ended["pending"], ended["running"]) == ([], False)
    assert "ticket" in ended["last"]["outcome"]
    assert ended["last"]["outcome"] in shown(desk)
