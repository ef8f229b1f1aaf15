"""Beside: a champion and a challenger asked about tickets that neither has learnt from.

In come bundles, or a bundle and a run that has just ended, and a history; out comes a comparison. A bundle is asked
only about tickets filed after the newest one it has learnt from, as its card says. Of a run the *judged* model stands
for the one that is saved: it learnt from all but the tickets that judge, the saved one from those, too. A label that
the machine had set judges neither (`training.compare.impartial_labels`).
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

import numpy as np

from deskyard.domain.decision import Action
from deskyard.domain.taxonomy import TaxonomyChange, build_model_ledger
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
"""Tickets that judge a challenger, where so many are new: of some, nobody will ever know the label."""


def last_trained_ticket(bundle: Bundle) -> datetime:
    """When the newest ticket was filed that a bundle has learnt from. Raises BadInput where nobody can tell."""
    said = bundle.card.get("learnt_from", {}).get("last")
    if not said:
        raise BadInput(
            f"{bundle.name} has learnt from tickets without dates, so nobody can tell which it has not learnt from: "
            "name a file that no model has learnt from, and say --unseen"
        )
    return datetime.fromisoformat(said)


def count_holdout(history: History, since: datetime) -> int:
    """How many of the newest tickets judge a challenger of a champion that knows nothing after `since`.

    The newer half of what is new to the champion, but a fifth of all at most and `MIN_NEW_TICKETS` where there are so
    many: the challenger has then learnt from the older half, which is all that makes it another.
    """
    new = sum(ticket.created_at is not None and ticket.created_at > since for ticket in history.tickets)
    return max(min(max(new // 2, min(new, MIN_NEW_TICKETS)), round(len(history) * HOLDOUT_SHARE)), 1)


def required_precisions(champion: Bundle, policy: Policy | None = None) -> dict[Target, float]:
    """The precision that is asked of each target: the policy's, else the one the champion was trained for."""
    usual: float = champion.card["asked_precision"]
    return {t: (policy.effective_rule(t, None).precision if policy else None) or usual for t in champion.targets}


def compare_bundles(
    first: Bundle,
    second: Bundle,
    history: History,
    required_precisions: Mapping[Target, float],
    *,
    unseen: bool = False,
    seed: int = 0,
) -> Comparison:
    """Two bundles on those tickets of a history that are newer than all that either has learnt from (`unseen`: on all,
    for somebody knows that neither has)."""
    since = None if unseen else max(last_trained_ticket(first), last_trained_ticket(second))
    here = [i for i, ticket in enumerate(history.tickets) if since is None or _is_after(ticket, since)]
    tickets = [history.tickets[i] for i in here]
    ours, theirs = (
        _predict_targets(one, tickets, required_precisions, history.taxonomy_changes) for one in (first, second)
    )
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
    """A champion and what a run's judged model said of the tickets that judged it; `digest` is the saved bundle's."""
    case, fair = trained.case, {target: impartial_labels(history, target) for target in trained.evaluations}
    learnt = [case.tickets[i].created_at for i in case.plan.holdout.learn]
    since = max([last_trained_ticket(champion), *(at for at in learnt if at is not None)])
    place = {ticket.id: i for i, ticket in enumerate(history.tickets) if ticket.id}
    here = [int(i) for i in case.holdout.positions if _is_after(case.tickets[i], since)]
    tickets = [case.tickets[i] for i in here]
    ours = _predict_targets(champion, tickets, required_precisions, history.taxonomy_changes)
    answers = {}
    for target, judged in trained.evaluations.items():
        if target not in ours:
            continue
        truth = case.holdout.true_labels(case.data, target)
        row = {int(i): n for n, i in enumerate(case.holdout.positions[truth != UNLABELLED])}
        rows = judged.holdout_evidence[[row[i] for i in here if i in row]]
        names = judged.labels.labels
        contract = fit_contract(target, judged.evidence, names, required_precisions[target], judged.labels.parents)
        said, gone = np.full(len(here), "", object), np.zeros(len(here), bool)
        known = np.array([i in row for i in here], bool)
        said[known] = [names[i] for i in rows["predicted"]]
        gone[known] = routed_mask(contract, rows, names)
        answers[target] = TargetAnswers(
            _label_array(fair[target][place[ticket.id]] for ticket in tickets),
            ours[target],
            ModelAnswers(said.astype(np.str_), gone, contract.threshold is not None),
            required_precisions[target],
        )
    lost = [target for target in ours if target not in trained.evaluations]
    return _build_comparison(champion.digest, digest, answers, tickets, lost, since, seed)


def _predict_targets(
    bundle: Bundle,
    tickets: Sequence[Ticket],
    required_precisions: Mapping[Target, float],
    taxonomy_changes: tuple[TaxonomyChange, ...],
) -> dict[Target, ModelAnswers]:
    """What a bundle says, in the names after these turns; what was split or retired it could not have routed."""
    predicted, held = bundle.predict(tickets), build_model_ledger(taxonomy_changes, bundle.taxonomy_changes)
    found = {}
    for target in bundle.targets:
        contract = bundle.contracts(required_precisions.get(target))[target]
        told = [one[target] for one in predicted]
        gone = [
            contract.decide(one)[0] is Action.ROUTE and held.resolve_label(target, one.label).is_writable
            for one in told
        ]
        names = _label_array(held.translate_prediction(one).label for one in told)
        found[target] = ModelAnswers(names, np.array(gone, bool), contract.threshold is not None)
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
    told = since.isoformat() if since else ""
    return compare_models(first, second, answers, missing=lost, slices=slices, groups=groups, since=told, seed=seed)


def _is_after(ticket: Ticket, since: datetime) -> bool:
    return ticket.created_at is not None and ticket.created_at > since


def _label_array(values: Iterable[str | None]) -> LabelArray:
    return np.array([value or "" for value in values], np.str_)
