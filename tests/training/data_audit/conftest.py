"""Planted defects: simulated histories with one thing wrong, and the case that the probes look at."""

from collections import Counter
from dataclasses import replace
from functools import cached_property

import numpy as np
import pytest

from deskyard.domain.ticket import TARGETS
from training.data.history import History
from training.data.label_sets import build_label_sets
from training.data.splits import SplitPlan
from training.data_audit import AuditCase
from training.fit.cross_fitting import HeldOutPredictions, PoolWeights, TrainingData, fit_pools

CLEAN = {"label_noise": 0.0, "rename": False, "misroutes": 0.0, "other_languages": 0.0}
LANGUAGES = {"ru": 1.0, "en": 0.0}


@pytest.fixture(scope="session", params=["en", pytest.param("ru", marks=pytest.mark.scale)])
def language(request) -> str:
    """The language of the tickets: a test of which the words are a part asks for both, others try the second at
    scale only."""
    return request.param


@pytest.fixture(scope="session")
def clean(make_history, language) -> History:
    """A desk with no planted defect, in one language."""
    return make_history(700, russian=LANGUAGES[language], **CLEAN)


class CaseOnDemand(AuditCase):
    """The case of a run whose models are fitted when a probe first asks for what they predicted."""

    def __init__(self, data: TrainingData, plan: SplitPlan, moves, **others) -> None:
        for name, value in {"data": data, "plan": plan, "moves": moves, **others}.items():
            object.__setattr__(self, name, value)

    @cached_property
    def out_of_fold(self) -> HeldOutPredictions:
        return HeldOutPredictions.concatenate([HeldOutPredictions.fit_predict(self.data, f) for f in self.plan.folds])

    @cached_property
    def holdout(self) -> HeldOutPredictions:
        return HeldOutPredictions.fit_predict(self.data, self.plan.holdout)

    @cached_property
    def random_holdout(self) -> HeldOutPredictions | None:
        fold = self.plan.random_holdout
        return HeldOutPredictions.fit_predict(self.data, fold) if fold else None

    @cached_property
    def pools(self) -> PoolWeights:
        return fit_pools(self.out_of_fold, self.data)


@pytest.fixture(scope="session")
def make_case():
    """The case of a history: a run's own models, folds and judging tickets."""

    def make(history: History, *targets, ordered: bool = True) -> AuditCase:
        labels = build_label_sets(history.labels, targets or TARGETS)
        plan = SplitPlan.build(len(history), 0, ordered, 0)
        values = {target: history.labels[target] for target in labels}
        data = TrainingData.build(history.tickets, values, labels, 0, lambda things, n, what: iter(things))
        return CaseOnDemand(data, plan, history.moves, label_cleaning=history.label_cleaning)

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
