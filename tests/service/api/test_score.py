"""`/v1/score`: what would be decided, without storing it."""

import pytest

from service.api.response_models.decisions import ScoreResponse


def test_without_a_model_scores_are_empty_and_say_why(client):
    answered = client.post("/v1/score", json={"tickets": [{"subject": "VPN"}, {}]})
    assert answered.status_code == 200
    scores = ScoreResponse.model_validate(answered.json())
    assert [(item.decisions, item.placement.queue, item.placement.reason.code) for item in scores.items] == [
        ({}, "triage", "no_model"),
        ({}, "triage", "empty"),
    ]
    assert scores.model is None


def test_scoring_writes_nothing(trained):
    trained.post("/v1/score", json={"tickets": [{"external_id": "1", "subject": "VPN client"}]})
    assert trained.get("/v1/queues/IT/tickets").json()["items"] == []
    assert trained.get("/v1/queues/triage/tickets").json()["items"] == []
    assert trained.get("/v1/tickets/1").status_code == 404


def test_a_score_equals_the_decision_when_the_ticket_is_then_sent(trained):
    bodies = [{"subject": "the vpn client drops the connection"}, {"subject": "xyzzy"}, {"subject": "отпуск"}, {}]
    scored = trained.post("/v1/score", json={"tickets": bodies}).json()
    for body, score in zip(bodies, scored["items"], strict=True):
        sent = trained.post("/v1/tickets", json=body).json()
        assert (sent["decisions"], sent["placement"]) == (score["decisions"], score["placement"])
        assert (sent["model"], sent["policy"]) == (scored["model"], scored["policy"])


def test_a_thousand_tickets_are_scored_at_once_and_no_more(client):
    assert len(client.post("/v1/score", json={"tickets": [{}] * 1000}).json()["items"]) == 1000
    assert client.post("/v1/score", json={"tickets": [{}] * 1001}).status_code == 422


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "tickets"),
        ({"tickets": []}, "tickets"),
        ({"tickets": [{}, {"subject": 1}]}, "tickets.1.subject"),
        ({"tickets": {}}, "tickets"),
        ({"tickets": [{}], "more": 1}, "more"),
    ],
)
def test_bad_input_names_the_field(client, body, field):
    answered = client.post("/v1/score", json=body)
    assert answered.status_code == 422
    assert [error["field"] for error in answered.json()["errors"]] == [field]


def test_an_explained_score_has_words_that_add_up_and_similar_tickets(trained):
    text = "the vpn client drops the connection, прошу согласовать отпуск"
    plain = trained.post("/v1/score", json={"tickets": [{"subject": text}]}).json()
    answered = trained.post("/v1/score?explain=1", json={"tickets": [{"subject": text}]}).json()
    ScoreResponse.model_validate(answered)
    (item,) = answered["items"]
    assert {name: item[name] for name in ("decisions", "placement")} == plain["items"][0]
    explanation = item["explanations"]["queue"]
    assert explanation["label"] == item["decisions"]["queue"]["label"]
    total = explanation["intercept"] + sum(word["weight"] for word in explanation["words"])
    assert total == pytest.approx(explanation["heads"]["linear"], abs=1e-5)
    weights = {word["word"]: word["weight"] for word in explanation["words"]}
    assert (weights["vpn"] > 0) != (weights["отпуск"] > 0)
    assert [past["labels"]["queue"] for past in item["similar"]]
    counterfactual = explanation["counterfactual"]
    assert set(counterfactual["words"]) <= set(weights)
    assert counterfactual["label"] != explanation["label"]


def test_without_a_model_there_is_nothing_to_explain(client):
    answered = client.post("/v1/score?explain=1", json={"tickets": [{"subject": "VPN"}]})
    assert answered.json()["items"][0] | {"explanations": {}, "similar": []} == answered.json()["items"][0]


def test_a_change_of_the_policy_or_of_a_queue_holds_for_the_next_score(trained):
    body = {"tickets": [{"subject": "the vpn client drops the connection"}]}
    assert trained.post("/v1/score", json=body).json()["items"][0]["placement"]["queue"] == "IT"
    trained.put("/v1/queues/IT", json={"open": False})
    assert trained.post("/v1/score", json=body).json()["items"][0]["placement"]["queue"] == "triage"
    trained.put("/v1/queues/IT", json={"open": True})
    trained.put("/v1/policy", content='mode = "off"', headers={"Content-Type": "application/toml"})
    assert trained.post("/v1/score", json=body).json()["items"][0]["decisions"]["queue"]["action"] == "leave"
