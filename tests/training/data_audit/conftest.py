"""Planted defects: simulated histories with one thing wrong, and the case that the probes look at."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from deskyard.domain.ticket import TARGETS
from training.data.history import History
from training.data.label_sets import build_label_sets
from training.data.splits import SplitPlan
from training.data_audit import AuditCase
from training.fit.cross_fitting import HeldOutPredictions, TrainingData, fit_pools

CLEAN = {"label_noise": 0.0, "rename": False, "misroutes": 0.0, "other_languages": 0.0}
LANGUAGES = {"ru": 1.0, "en": 0.0}


@pytest.fixture(scope="session", params=LANGUAGES)
def language(request) -> str:
    return request.param


@pytest.fixture(scope="session")
def clean(make_history, language) -> History:
    """A desk with no planted defect, in one language."""
    return make_history(700, russian=LANGUAGES[language], **CLEAN)


@pytest.fixture(scope="session")
def make_case():
    """The case of a history: a run's own models, folds and judging tickets."""

    def make(history: History, *targets, ordered: bool = True) -> AuditCase:
        labels = build_label_sets(history.labels, targets or TARGETS)
        plan = SplitPlan.build(len(history), 0, ordered, 0)
        values = {target: history.labels[target] for target in labels}
        data = TrainingData.build(history.tickets, values, labels, 0, lambda things, n, what: iter(things))
        out_of_fold = HeldOutPredictions.concatenate(
            [HeldOutPredictions.fit_predict(data, fold) for fold in plan.folds]
        )
        holdout = HeldOutPredictions.fit_predict(data, plan.holdout)
        random_holdout = HeldOutPredictions.fit_predict(data, plan.random_holdout) if plan.random_holdout else None
        return AuditCase(data, plan, out_of_fold, holdout, random_holdout, fit_pools(out_of_fold, data), history.moves)

    return make


@pytest.fixture(scope="session")
def clean_case(clean, make_case) -> AuditCase:
    return make_case(clean, "category", "priority", "queue")


@pytest.fixture(scope="session")
def change():
    """A copy of a history with some bodies rewritten: `rewrite(position, body)`."""

    def changed(history: History, chosen, rewrite) -> History:
        tickets = [
            replace(ticket, body=rewrite(i, ticket.body)) if i in chosen else ticket
            for i, ticket in enumerate(history.tickets)
        ]
        return replace(history, tickets=tickets, digest="changed")

    return changed


@pytest.fixture(scope="session")
def some():
    """The positions of a share of the tickets, or of those with one label; and the most frequent label."""

    def chosen(history: History, share: float, target=None) -> tuple[set[int], str]:
        rng = np.random.default_rng(1)
        label = Counter(history.labels[target]).most_common(1)[0][0] if target else ""
        values = history.labels[target] if target else [""] * len(history)
        return {i for i, value in enumerate(values) if value == label and rng.random() < share}, label

    return chosen
