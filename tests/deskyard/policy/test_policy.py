"""The policy: from predictions to actions, and from actions to a queue."""

from dataclasses import replace

from deskyard.domain.catalogue import TRIAGE, Catalogue
from deskyard.domain.decision import Action, Decision, Prediction, Reason
from deskyard.domain.ticket import Target, Ticket
from deskyard.guarantees.contract import Contract
from deskyard.policy.policy import Mode, Policy, Rule, apply_policy, decide_targets

TICKET = Ticket(id="1", subject="VPN drops")


def contract(target: Target = "queue", threshold: float | None = 0.8, labels: tuple[str, ...] = ("IT",)) -> Contract:
    return Contract(target, 0.95, threshold, frozenset(labels), {}, routed=100, right=99, total=200)


def prediction(
    label: str = "IT", confidence: float = 0.9, familiar: bool = True, target: Target = "queue"
) -> Prediction:
    return Prediction(target, ((label, confidence), ("Billing", 1 - confidence)), familiar)


def decision(target: Target, action: Action, label: str | None) -> Decision:
    return Decision(target, action, label, 0.9, (), (Reason("why", f"{action} it"),))


def desk(*names):
    """These queues, open, and ann serves all of them."""
    return Catalogue({name: {} for name in names}, {"ann": names})


def place(decisions, open_queues, policy=None):
    return apply_policy(decisions, policy or Policy(mode=Mode.ROUTE), desk(*open_queues)).placement


def test_a_store_rule_stands_above_targets_and_below_queues():
    policy = Policy(
        mode=Mode.ROUTE,
        targets={"queue": Rule(Mode.ROUTE, 0.9)},
        queues={"IT": Rule(Mode.ROUTE)},
        stores={"znuny": Rule(Mode.SHADOW)},
    )
    there = policy.for_source("znuny")
    assert there.effective_rule("queue", "Billing") == Rule(Mode.SHADOW, 0.9)
    assert there.effective_rule("queue", "IT") == Rule(Mode.ROUTE, 0.9)
    assert there.effective_rule("priority", None).mode is Mode.SHADOW
    assert policy.for_source("desk") is policy
    assert policy.digest != replace(policy, stores={}).digest


def test_a_rule_holds_for_another_spelling_of_its_queue_and_for_no_other_queue_of_the_desk():
    policy = Policy(
        queues={"Сеть::VPN": Rule(Mode.ROUTE, 0.9)}, routes={"Возврат": "касса"}, tripped={"queue": ("HR",)}
    )
    assert policy.effective_rule("queue", "сеть > vpn") == Rule(Mode.ROUTE, 0.9)
    assert policy.effective_rule("queue", "сеть > vpn", ["сеть > vpn", "Сеть::VPN"]).mode is Mode.SUGGEST
    assert policy.is_held_back("queue", "hr", "hr")
    assert not policy.is_held_back("queue", "hr", "hr", ["HR", "hr"])
    refund = {"category": decision("category", Action.ROUTE, "возврат")}
    assert place(refund, ["Касса"], replace(policy, mode=Mode.ROUTE)).queue == "Касса"


def test_a_sure_prediction_under_contract_is_routed_with_its_evidence():
    made = decide_targets(TICKET, {"queue": prediction()}, {"queue": contract()})["queue"]
    assert (made.action, made.label, made.confidence) == (Action.ROUTE, "IT", 0.9)
    assert made.top == (("IT", 0.9), ("Billing", 1 - 0.9))
    assert "99 of 100 past tickets were right" in made.reasons[0].text


def test_below_the_threshold_a_label_is_only_suggested():
    made = decide_targets(TICKET, {"queue": prediction(confidence=0.79)}, {"queue": contract()})["queue"]
    assert (made.action, made.reasons[0].code) == (Action.SUGGEST, "unsure")


def test_a_queue_without_a_contract_is_never_routed_to():
    assert (
        decide_targets(TICKET, {"queue": prediction("Billing", 1.0)}, {"queue": contract()})["queue"].action
        is Action.SUGGEST
    )
    assert (
        decide_targets(TICKET, {"queue": prediction()}, {"queue": contract(threshold=None)})["queue"].action
        is Action.SUGGEST
    )


def test_a_ticket_of_unknown_words_is_left_to_a_person():
    made = decide_targets(TICKET, {"queue": prediction(confidence=1.0, familiar=False)}, {"queue": contract()})["queue"]
    assert (made.action, made.reasons[0].code) == (Action.LEAVE, "unfamiliar")


def test_a_ticket_without_text_is_left_to_a_person_however_sure_the_model_is():
    blank = Ticket(id="2", subject=" \n", body="\t")
    made = decide_targets(blank, {"queue": prediction(confidence=1.0)}, {"queue": contract()})["queue"]
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


SURE = {"queue": decision("queue", Action.ROUTE, "IT"), "priority": decision("priority", Action.ROUTE, "high")}


def test_a_fresh_policy_suggests_and_moves_nothing():
    verdict = apply_policy(SURE, Policy(), desk("IT"))
    assert verdict.placement.queue == TRIAGE
    assert {made.action for made in verdict.decisions.values()} == {Action.SUGGEST}
    assert verdict.decisions["queue"].reasons[0].code == "suggest"


def test_one_queue_can_be_switched_to_route_alone():
    policy = Policy(queues={"IT": Rule(Mode.ROUTE)})
    assert place(SURE, {"IT", "Billing"}, policy).queue == "IT"
    billing = {"queue": decision("queue", Action.ROUTE, "Billing")}
    assert place(billing, {"IT", "Billing"}, policy).queue == TRIAGE


def test_the_narrowest_rule_wins():
    policy = Policy(
        mode=Mode.ROUTE,
        precision=0.9,
        targets={"priority": Rule(Mode.SUGGEST, 0.95)},
        queues={"IT": Rule(Mode.ROUTE)},
        pairs={"IT": {"priority": Rule(Mode.OFF)}},
    )
    assert policy.effective_rule("priority", "IT") == Rule(Mode.OFF, 0.95)
    assert policy.effective_rule("priority", "Billing") == Rule(Mode.SUGGEST, 0.95)
    assert policy.effective_rule("queue", "IT") == Rule(Mode.ROUTE, 0.9)
    assert apply_policy(SURE, policy, desk("IT")).decisions["priority"].action is Action.LEAVE


def test_the_kill_switch_stops_all_routing_and_nothing_else():
    verdict = apply_policy(SURE, Policy(mode=Mode.ROUTE, halted=True), desk("IT"))
    assert verdict.placement.queue == TRIAGE
    assert [made.reasons[0].code for made in verdict.decisions.values()] == ["halted", "halted"]


def test_shadow_records_what_would_be_done_and_places_in_triage():
    verdict = apply_policy(SURE, Policy(mode=Mode.SHADOW), desk("IT"))
    assert verdict.placement.queue == TRIAGE
    assert [reason.code for reason in verdict.decisions["queue"].reasons] == ["shadow", "why"]


def test_a_category_goes_to_the_queue_that_the_routing_table_names():
    refund = {"category": decision("category", Action.ROUTE, "Refund")}
    placed = place(refund, {"Billing", "Refund"}, Policy(mode=Mode.ROUTE, routes={"Refund": "Billing"}))
    assert placed.queue == "Billing"
    assert "which the policy routes to 'Billing'" in placed.reason.text


def test_the_fallback_is_triage_where_the_policy_names_a_queue_that_is_not_open():
    policy = Policy(fallback="First line")
    assert place(SURE, {"IT", "First line"}, policy).queue == "First line"
    assert place(SURE, {"IT"}, policy).queue == TRIAGE


def test_an_assignee_is_only_set_where_the_ticket_has_a_queue():
    assignee = {"assignee": decision("assignee", Action.ROUTE, "ann")}
    alone = apply_policy(assignee, Policy(mode=Mode.ROUTE), desk("IT")).decisions["assignee"]
    assert (alone.action, alone.reasons[0].code) == (Action.SUGGEST, "not_placed")
    both = apply_policy(assignee | SURE, Policy(mode=Mode.ROUTE), desk("IT")).decisions["assignee"]
    assert both.action is Action.ROUTE


def test_each_target_is_held_to_the_precision_asked_where_its_ticket_is_bound_for():
    requested_value = []

    def at(precision, out_of_scope_rate):
        requested_value.append(precision)
        return {"queue": contract(), "priority": contract("priority", labels=("high",))}

    beliefs = {"queue": prediction(), "priority": prediction("high", target="priority")}
    policy = Policy(
        precision=0.9, queues={"IT": Rule(precision=0.97)}, pairs={"IT": {"priority": Rule(precision=0.99)}}
    )
    policy.select_contracts(at, beliefs)
    assert requested_value == [0.97, 0.99]


def test_the_share_of_strangers_is_the_policys_and_the_same_everywhere():
    requested_value = []

    def at(precision, out_of_scope_rate):
        requested_value.append((precision, out_of_scope_rate))
        return {"queue": contract()}

    for policy in (Policy(), Policy(out_of_scope_rate=0.01, queues={"IT": Rule(precision=0.97)})):
        policy.select_contracts(at, {"queue": prediction()})
    assert requested_value == [(None, None), (0.97, 0.01)]
