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
from deskyard.domain.taxonomy import Turn, of_model
from deskyard.domain.ticket import Target, Ticket
from deskyard.errors import BadInput
from deskyard.guarantees.contract_fitting import draw_up, routes
from deskyard.policy.policy import Policy
from deskyard.registry.bundle import Bundle
from deskyard.registry.comparison import FEWEST, Answers, Comparison, Names, Said, compare
from deskyard.text.cleaning import language
from training.compare.impartial_labels import impartial
from training.data import near_duplicates
from training.data.history import History
from training.data.label_sets import UNLABELLED
from training.data.splits import JUDGED
from training.pipeline.trained import Trained

LEAST: Final = 3 * FEWEST
"""Tickets that judge a challenger, where so many are new: of some, nobody will ever know the label."""


def last_of(bundle: Bundle) -> datetime:
    """When the newest ticket was filed that a bundle has learnt from. Raises BadInput where nobody can tell."""
    said = bundle.card.get("learnt_from", {}).get("last")
    if not said:
        raise BadInput(
            f"{bundle.name} has learnt from tickets without dates, so nobody can tell which it has not learnt from: "
            "name a file that no model has learnt from, and say --unseen"
        )
    return datetime.fromisoformat(said)


def newest(history: History, since: datetime) -> int:
    """How many of the newest tickets judge a challenger of a champion that knows nothing after `since`.

    The newer half of what is new to the champion, but a fifth of all at most and `LEAST` where there are so many: the
    challenger has then learnt from the older half, which is all that makes it another.
    """
    new = sum(ticket.created_at is not None and ticket.created_at > since for ticket in history.tickets)
    return max(min(max(new // 2, min(new, LEAST)), round(len(history) * JUDGED)), 1)


def asked_of(champion: Bundle, policy: Policy | None = None) -> dict[Target, float]:
    """The precision that is asked of each target: the policy's, else the one the champion was trained for."""
    usual: float = champion.card["asked_precision"]
    return {t: (policy.rule(t, None).precision if policy else None) or usual for t in champion.targets}


def bundles(
    first: Bundle,
    second: Bundle,
    history: History,
    asked: Mapping[Target, float],
    *,
    unseen: bool = False,
    seed: int = 0,
) -> Comparison:
    """Two bundles on those tickets of a history that are newer than all that either has learnt from (`unseen`: on all,
    for somebody knows that neither has)."""
    since = None if unseen else max(last_of(first), last_of(second))
    here = [i for i, ticket in enumerate(history.tickets) if since is None or _after(ticket, since)]
    tickets = [history.tickets[i] for i in here]
    ours, theirs = (_said(one, tickets, asked, history.turns) for one in (first, second))
    truth = {target: impartial(history, target) for target in ours}
    answers = {
        target: Answers(_names(truth[target][i] for i in here), ours[target], theirs[target], asked[target])
        for target in ours
        if target in theirs
    }
    lost = [target for target in ours if target not in theirs]
    return _compared(first.digest, second.digest, answers, tickets, lost, since, seed)


def run(
    champion: Bundle, trained: Trained, digest: str, history: History, asked: Mapping[Target, float], seed: int = 0
) -> Comparison:
    """A champion and what a run's judged model said of the tickets that judged it; `digest` is the saved bundle's."""
    case, fair = trained.case, {target: impartial(history, target) for target in trained.judged}
    learnt = [case.tickets[i].created_at for i in case.plan.apart.learn]
    since = max([last_of(champion), *(at for at in learnt if at is not None)])
    place = {ticket.id: i for i, ticket in enumerate(history.tickets) if ticket.id}
    here = [int(i) for i in case.apart.positions if _after(case.tickets[i], since)]
    tickets = [case.tickets[i] for i in here]
    ours = _said(champion, tickets, asked, history.turns)
    answers = {}
    for target, judged in trained.judged.items():
        if target not in ours:
            continue
        truth = case.apart.truth(case.material, target)
        row = {int(i): n for n, i in enumerate(case.apart.positions[truth != UNLABELLED])}
        rows = judged.rows[[row[i] for i in here if i in row]]
        names = judged.labels.labels
        contract = draw_up(target, judged.evidence, names, asked[target], judged.labels.parents)
        said, gone = np.full(len(here), "", object), np.zeros(len(here), bool)
        known = np.array([i in row for i in here], bool)
        said[known] = [names[i] for i in rows["predicted"]]
        gone[known] = routes(contract, rows, names)
        answers[target] = Answers(
            _names(fair[target][place[ticket.id]] for ticket in tickets),
            ours[target],
            Said(said.astype(np.str_), gone, contract.threshold is not None),
            asked[target],
        )
    lost = [target for target in ours if target not in trained.judged]
    return _compared(champion.digest, digest, answers, tickets, lost, since, seed)


def _said(
    bundle: Bundle, tickets: Sequence[Ticket], asked: Mapping[Target, float], turns: tuple[Turn, ...]
) -> dict[Target, Said]:
    """What a bundle says, in the names after these turns; what was split or retired it could not have routed."""
    predicted, held = bundle.predict(tickets), of_model(turns, bundle.turns)
    found = {}
    for target in bundle.targets:
        contract = bundle.contracts(asked.get(target))[target]
        told = [one[target] for one in predicted]
        gone = [contract.allows(one)[0] is Action.ROUTE and held.fate(target, one.label).stands for one in told]
        names = _names(held.prediction(one).label for one in told)
        found[target] = Said(names, np.array(gone, bool), contract.threshold is not None)
    return found


def _compared(
    first: str,
    second: str,
    answers: Mapping[Target, Answers],
    tickets: Sequence[Ticket],
    lost: Sequence[Target],
    since: datetime | None,
    seed: int,
) -> Comparison:
    slices = {
        "language": _names(one.language.strip().lower() or language(f"{one.subject}\n{one.body}") for one in tickets),
        "channel": _names(one.channel.strip() for one in tickets),
        "month": _names(one.created_at.strftime("%Y-%m") if one.created_at else "" for one in tickets),
    }
    groups = near_duplicates.groups(tickets) if tickets else None
    told = since.isoformat() if since else ""
    return compare(first, second, answers, missing=lost, slices=slices, groups=groups, since=told, seed=seed)


def _after(ticket: Ticket, since: datetime) -> bool:
    return ticket.created_at is not None and ticket.created_at > since


def _names(values: Iterable[str | None]) -> Names:
    return np.array([value or "" for value in values], np.str_)
