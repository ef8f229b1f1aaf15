"""Compares a champion and a challenger on tickets that neither was trained on.

It compares two bundles, or a bundle and a training run that has just ended. Only tickets received after the newest
training ticket of both are used. For a run, the evaluation model (without the holdout) stands for the saved one. Labels
that were set automatically are not used (`training.compare.impartial_labels`).
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

import numpy as np

from deskyard.domain.decision import Action
from deskyard.domain.label_spelling import spell_as
from deskyard.domain.taxonomy import build_model_ledger
from deskyard.domain.ticket import Target, Ticket
from deskyard.errors import BadInput
from deskyard.guarantees.contract_fitting import fit_contract, routed_mask
from deskyard.policy.policy import Policy
from deskyard.registry.bundle import Bundle
from deskyard.registry.comparison import (
    MIN_TICKETS,
    Comparison,
    LabelArray,
    ModelAnswers,
    TargetAnswers,
    compare_models,
)
from deskyard.text.cleaning import detect_language
from training.compare.impartial_labels import impartial_labels
from training.data import near_duplicates
from training.data.history import History
from training.data.label_sets import UNLABELLED
from training.data.splits import HOLDOUT_SHARE
from training.pipeline.trained import TrainingResult

MIN_NEW_TICKETS: Final = 3 * MIN_TICKETS
"""The holdout size for a challenger, if there are so many new tickets; some of them never get a label."""


def last_trained_ticket(bundle: Bundle) -> datetime:
    """When the newest training ticket of a bundle was received. Raises BadInput where that is not known."""
    last = bundle.card.get("learnt_from", {}).get("last")
    if not last:
        raise BadInput(
            f"{bundle.name} was trained on tickets without dates, so it is not known which tickets are new to it: "
            "name a file that no model was trained on, and use --unseen"
        )
    return datetime.fromisoformat(last)


def count_holdout(history: History, since: datetime) -> int:
    """How many of the newest tickets to hold out for comparing a challenger with a champion trained until `since`.

    Half of the tickets that are new to the champion, at least `MIN_NEW_TICKETS` if there are so many, and at most a
    fifth of all; the challenger is trained on the older half.
    """
    new = sum(ticket.created_at is not None and ticket.created_at > since for ticket in history.tickets)
    return max(min(max(new // 2, min(new, MIN_NEW_TICKETS)), round(len(history) * HOLDOUT_SHARE)), 1)


def required_precisions(champion: Bundle, policy: Policy | None = None) -> dict[Target, float]:
    """The required precision of each target: the policy's, or else the one the champion was trained for."""
    default: float = champion.card["asked_precision"]
    return {t: (policy.effective_rule(t, None).precision if policy else None) or default for t in champion.targets}


def compare_bundles(
    first: Bundle,
    second: Bundle,
    history: History,
    required_precisions: Mapping[Target, float],
    *,
    unseen: bool = False,
    seed: int = 0,
) -> Comparison:
    """Compare two bundles on the tickets of a history that are newer than all their training tickets.

    `unseen`: use all tickets, as neither was trained on any of them.
    """
    since = None if unseen else max(last_trained_ticket(first), last_trained_ticket(second))
    here = [i for i, ticket in enumerate(history.tickets) if since is None or _is_after(ticket, since)]
    tickets = [history.tickets[i] for i in here]
    ours, theirs = (_predict_targets(one, tickets, required_precisions, history) for one in (first, second))
    truth = {target: impartial_labels(history, target) for target in ours}
    answers = {
        target: TargetAnswers(
            _label_array(truth[target][i] for i in here), ours[target], theirs[target], required_precisions[target]
        )
        for target in ours
        if target in theirs
    }
    lost = [target for target in ours if target not in theirs]
    return _build_comparison(first.digest, second.digest, answers, tickets, lost, since, seed)


def compare_trained(
    champion: Bundle,
    trained: TrainingResult,
    digest: str,
    history: History,
    required_precisions: Mapping[Target, float],
    seed: int = 0,
) -> Comparison:
    """Compare a champion with a run on the run's holdout; `digest` is that of the run's saved bundle."""
    case, impartial = trained.case, {target: impartial_labels(history, target) for target in trained.evaluations}
    training_times = [case.tickets[i].created_at for i in case.plan.holdout.learn]
    since = max([last_trained_ticket(champion), *(at for at in training_times if at is not None)])
    position = {ticket.id: i for i, ticket in enumerate(history.tickets) if ticket.id}
    here = [int(i) for i in case.holdout.positions if _is_after(case.tickets[i], since)]
    tickets = [case.tickets[i] for i in here]
    ours = _predict_targets(champion, tickets, required_precisions, history)
    answers = {}
    for target, evaluation in trained.evaluations.items():
        if target not in ours:
            continue
        truth = case.holdout.true_labels(case.data, target)
        row = {int(i): n for n, i in enumerate(case.holdout.positions[truth != UNLABELLED])}
        rows = evaluation.holdout_evidence[[row[i] for i in here if i in row]]
        names = evaluation.labels.labels
        contract = fit_contract(
            target, evaluation.evidence, names, required_precisions[target], evaluation.labels.parents
        )
        predicted, routed = np.full(len(here), "", object), np.zeros(len(here), bool)
        known = np.array([i in row for i in here], bool)
        predicted[known] = [names[i] for i in rows["predicted"]]
        routed[known] = routed_mask(contract, rows, names)
        answers[target] = TargetAnswers(
            _label_array(impartial[target][position[ticket.id]] for ticket in tickets),
            ours[target],
            ModelAnswers(predicted.astype(np.str_), routed, contract.threshold is not None),
            required_precisions[target],
        )
    lost = [target for target in ours if target not in trained.evaluations]
    return _build_comparison(champion.digest, digest, answers, tickets, lost, since, seed)


def _predict_targets(
    bundle: Bundle,
    tickets: Sequence[Ticket],
    required_precisions: Mapping[Target, float],
    history: History,
) -> dict[Target, ModelAnswers]:
    """A bundle's predictions of tickets of a history, by the history's names and taxonomy changes; split or retired
    labels count as not routed."""
    predictions = bundle.predict(tickets)
    ledger = build_model_ledger(history.taxonomy_changes, bundle.taxonomy_changes)
    found = {}
    for target in bundle.targets:
        contract = bundle.contracts(required_precisions.get(target))[target]
        of_target = [one[target] for one in predictions]
        routed = [
            contract.decide(one)[0] is Action.ROUTE and ledger.resolve_label(target, one.label).is_writable
            for one in of_target
        ]
        in_use = {label for label in history.labels.get(target, ()) if label}
        names = _label_array(spell_as(ledger.translate_prediction(one).label, in_use) for one in of_target)
        found[target] = ModelAnswers(names, np.array(routed, bool), contract.threshold is not None)
    return found


def _build_comparison(
    first: str,
    second: str,
    answers: Mapping[Target, TargetAnswers],
    tickets: Sequence[Ticket],
    lost: Sequence[Target],
    since: datetime | None,
    seed: int,
) -> Comparison:
    slices = {
        "language": _label_array(
            one.language.strip().lower() or detect_language(f"{one.subject}\n{one.body}") for one in tickets
        ),
        "channel": _label_array(one.channel.strip() for one in tickets),
        "month": _label_array(one.created_at.strftime("%Y-%m") if one.created_at else "" for one in tickets),
    }
    groups = near_duplicates.group_near_duplicates(tickets) if tickets else None
    since_text = since.isoformat() if since else ""
    return compare_models(
        first, second, answers, missing=lost, slices=slices, groups=groups, since=since_text, seed=seed
    )


def _is_after(ticket: Ticket, since: datetime) -> bool:
    return ticket.created_at is not None and ticket.created_at > since


def _label_array(values: Iterable[str | None]) -> LabelArray:
    return np.array([value or "" for value in values], np.str_)
