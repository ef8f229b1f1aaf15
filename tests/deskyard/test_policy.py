"""Policy: from belief to deed, and from deeds to a queue."""

from deskyard.contract import Contract
from deskyard.decision import Action, Decision, Prediction, Reason
from deskyard.policy import TRIAGE, Policy, decide, place
from deskyard.ticket import Target, Ticket

TICKET = Ticket(id="1", subject="VPN drops")


def contract(target: Target = "queue", threshold: float | None = 0.8, labels: tuple[str, ...] = ("IT",)) -> Contract:
    return Contract(target, 0.95, threshold, frozenset(labels), {}, n=100, right=99, of=200)


def belief(label: str = "IT", confidence: float = 0.9, familiar: bool = True, target: Target = "queue") -> Prediction:
    return Prediction(target, ((label, confidence), ("Billing", 1 - confidence)), familiar)


def decision(target: Target, action: Action, label: str | None) -> Decision:
    return Decision(target, action, label, 0.9, (), (Reason("why", f"{action} it"),))


def test_a_sure_prediction_under_contract_is_routed_with_its_evidence():
    made = decide(TICKET, {"queue": belief()}, {"queue": contract()})["queue"]
    assert (made.action, made.label, made.confidence) == (Action.ROUTE, "IT", 0.9)
    assert made.top == (("IT", 0.9), ("Billing", 1 - 0.9))
    assert "99 of 100 past tickets were right" in made.reasons[0].text


def test_below_the_threshold_a_label_is_only_suggested():
    made = decide(TICKET, {"queue": belief(confidence=0.79)}, {"queue": contract()})["queue"]
    assert (made.action, made.reasons[0].code) == (Action.SUGGEST, "unsure")


def test_a_queue_without_a_contract_is_never_routed_to():
    assert decide(TICKET, {"queue": belief("Billing", 1.0)}, {"queue": contract()})["queue"].action is Action.SUGGEST
    assert decide(TICKET, {"queue": belief()}, {"queue": contract(threshold=None)})["queue"].action is Action.SUGGEST


def test_a_ticket_of_unknown_words_is_left_to_a_person():
    made = decide(TICKET, {"queue": belief(confidence=1.0, familiar=False)}, {"queue": contract()})["queue"]
    assert (made.action, made.reasons[0].code) == (Action.LEAVE, "unfamiliar")


def test_a_ticket_without_text_is_left_to_a_person_however_sure_the_model_is():
    blank = Ticket(id="2", subject=" \n", body="\t")
    made = decide(blank, {"queue": belief(confidence=1.0)}, {"queue": contract()})["queue"]
    assert (made.action, made.reasons[0].code) == (Action.LEAVE, "empty")


def test_the_decided_queue_comes_before_the_category_of_the_same_name():
    decisions = {
        "queue": decision("queue", Action.ROUTE, "IT"),
        "category": decision("category", Action.ROUTE, "Billing"),
    }
    assert place(decisions, {"IT", "Billing"}).queue == "IT"
    assert place(decisions, {"Billing"}).queue == "Billing"


def test_a_ticket_goes_to_triage_when_its_queue_is_closed_and_says_so():
    placed = place({"queue": decision("queue", Action.ROUTE, "IT")}, {"Billing"})
    assert placed.queue == TRIAGE
    assert "'IT' is not an open queue" in placed.reason.text


def test_a_suggestion_never_moves_a_ticket_out_of_triage():
    decisions = {
        "queue": decision("queue", Action.SUGGEST, "IT"),
        "category": decision("category", Action.LEAVE, "IT"),
    }
    placed = place(decisions, {"IT"})
    assert placed.queue == TRIAGE
    assert placed.reason.text == "queue: suggest it; category: leave it"


def test_priority_and_assignee_alone_place_nothing():
    decisions = {
        "priority": decision("priority", Action.ROUTE, "high"),
        "assignee": decision("assignee", Action.ROUTE, "IT"),
    }
    assert place(decisions, {"IT", "high"}).queue == TRIAGE


def test_the_same_policy_has_the_same_digest_and_another_has_another():
    assert Policy().digest == Policy().digest
    assert len({Policy().digest, Policy(0.9).digest, Policy(0.95).digest}) == 3
