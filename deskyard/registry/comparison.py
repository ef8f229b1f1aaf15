"""Comparison of two models on the same tickets, and whether the second one may replace the first.

Input are the predictions of both for tickets that neither was trained on, and the true labels; the result are paired
figures by class and by slice, and a verdict with its reasons. Opens no model, reads no file, changes nothing.

The second model replaces the first if all of this holds, each at 95 % confidence:

    better       at least one target is better by McNemar's exact test, one-sided (Holm over the targets), and by the
                 same test better than always predicting the most frequent label: where labels mean nothing, that is
                 all that a model can learn
    not worse    no target and no class of a target is worse by the same test (Holm over all of them)
    contracts    what it would route is not significantly less often correct than required, and it has a contract
                 wherever the first model has one and keeps it

Near-duplicates count as one ticket of evidence, however many there are: a burst of sixty must not decide.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

import numpy as np
import numpy.typing as npt
from pydantic import AliasChoices, BeforeValidator, ConfigDict, Field

from deskyard.domain.ticket import TARGETS, Target
from deskyard.guarantees.intervals import ALPHA, lower_bound

SIGNIFICANCE_LEVEL: Final = 0.05
"""Probability that any target is called better, or anything worse, although the two models are equally good."""

MIN_TICKETS: Final = 100
"""Labelled tickets, near-duplicates counted once, below which a target is not judged."""

MIN_SLICE_TICKETS: Final = 20
"""Tickets below which a slice is not shown."""

BOOTSTRAP_DRAWS: Final = 2_000
"""Number of bootstrap samples."""

MEMBER_DOCSTRINGS: Final = ConfigDict(use_attribute_docstrings=True)
"""The texts below members describe them in the API."""

LabelArray = npt.NDArray[np.str_]
GroupArray = npt.NDArray[np.int64]

ReasonCode = Literal[
    "better", "none_better", "no_better_than_majority", "too_few", "missing", "worse", "worse_class", "contract_broken",
    "no_contract",
]  # fmt: skip
SUPPORTING_CODE: Final[ReasonCode] = "better"

_FORMER_CODES: Final = {
    "luck": "no_better_than_majority",
    "broken": "contract_broken",
    "unproved": "no_contract",
}
"""Reason codes of version 0.1, which stand in files stored then, each with its code of today."""


def _read_code(code: Any) -> Any:
    return _FORMER_CODES.get(code, code) if isinstance(code, str) else code


@dataclass(frozen=True, slots=True)
class ModelAnswers:
    """A model's predictions for tickets: the label of each, and whether its contract would have routed it;
    `has_contract` is False where it has no contract for the target."""

    labels: LabelArray
    routed: npt.NDArray[np.bool_]
    has_contract: bool


@dataclass(frozen=True, slots=True)
class TargetAnswers:
    """One target of the same tickets: the true labels ("" where unknown), the predictions of both models, and the
    required precision (0..1) of routed tickets."""

    truth: LabelArray
    first: ModelAnswers
    second: ModelAnswers
    required_precision: float


@dataclass(frozen=True, slots=True)
class PairedResult:
    """Tickets predicted by both models: how often each is correct, and how they differ."""

    __pydantic_config__ = MEMBER_DOCSTRINGS

    name: str
    """Label or slice that the tickets have in common; empty for all."""

    n: int
    """Number of tickets."""

    first: int
    """Number that the first model predicted correctly."""

    second: int
    """Number that the second model predicted correctly."""

    gained: int
    """Number (near-duplicates once) that only the second predicted correctly."""

    lost: int
    """Number (near-duplicates once) that only the first predicted correctly."""

    low: float
    """Lower bound of the difference of the accuracies (bootstrap, 95 %)."""

    high: float
    """Upper bound of the difference of the accuracies (bootstrap, 95 %)."""

    better: float
    """p-value that the second is better (McNemar, exact, one-sided)."""

    worse: float
    """p-value that the second is worse (McNemar, exact, one-sided)."""

    @property
    def difference(self) -> float:
        """Difference of the accuracies, second minus first (-1..1)."""
        return (self.second - self.first) / self.n if self.n else 0.0


@dataclass(frozen=True, slots=True)
class ContractCheck:
    """What one model would have routed. Members of version 0.1 are still read."""

    __pydantic_config__ = MEMBER_DOCSTRINGS

    tickets: Annotated[int, Field(validation_alias=AliasChoices("tickets", "of"))]
    """Number of tickets with a known label."""

    routed: int
    """Number of tickets that would have been routed."""

    right: int
    """Number of those routed correctly."""

    precision_upper95: Annotated[float, Field(validation_alias=AliasChoices("precision_upper95", "at_most"))]
    """Exact upper bound (95 %) of the precision of routing."""

    has_contract: Annotated[bool, Field(validation_alias=AliasChoices("has_contract", "proved"))]
    """Whether the model has a contract for the target."""

    def may_hold(self, required_precision: float) -> bool:
        """Whether the precision may still be as required (0..1)."""
        return self.precision_upper95 >= required_precision


@dataclass(frozen=True, slots=True)
class TargetComparison:
    """One target of both models. Members of version 0.1 are still read."""

    __pydantic_config__ = MEMBER_DOCSTRINGS

    target: Target
    """The target."""

    required_precision: Annotated[float, Field(validation_alias=AliasChoices("required_precision", "asked"))]
    """Share of routed tickets that must be correct."""

    overall: Annotated[PairedResult, Field(validation_alias=AliasChoices("overall", "whole"))]
    """All tickets."""

    majority_baseline: Annotated[PairedResult, Field(validation_alias=AliasChoices("majority_baseline", "luck"))]
    """The second model beside always predicting the most frequent label."""

    classes: tuple[PairedResult, ...]
    """Tickets of each label."""

    slices: dict[str, tuple[PairedResult, ...]]
    """Tickets of each value, by dimension (channel, language and so on)."""

    first: ContractCheck
    """What the first model would have routed."""

    second: ContractCheck
    """What the second model would have routed."""


@dataclass(frozen=True, slots=True)
class PromotionReason:
    """Why the second model may replace the first or may not."""

    __pydantic_config__ = MEMBER_DOCSTRINGS

    code: Annotated[ReasonCode, BeforeValidator(_read_code)]
    """Code of the reason."""

    target: Target | None = None
    """Target that it is about; null: none."""

    name: str = ""
    """Label that it is about; empty: none."""

    n: int = 0
    """Number of tickets that it is about."""

    gained: int = 0
    """Tickets gained, or routed correctly."""

    lost: int = 0
    """Tickets lost."""

    required_precision: Annotated[float, Field(validation_alias=AliasChoices("required_precision", "asked"))] = 0.0
    """Required precision, where the reason is about a contract."""

    @property
    def text(self) -> str:
        """The reason as a sentence, without a full stop."""
        subject = f"{self.target} {self.name!r}" if self.name else str(self.target)
        paired = f"where the models differ, {self.gained} tickets gained and {self.lost} lost"
        return {
            "better": f"{subject}: significantly better ({paired})",
            "none_better": "no target is significantly better",
            "no_better_than_majority": f"{subject}: no better than always predicting its most frequent label",
            "too_few": f"too few tickets that neither model was trained on: {self.n} with a known label "
            f"(near-duplicates counted once), {MIN_TICKETS} are needed",
            "missing": f"{subject}: not predicted, although the model in use predicts it",
            "worse": f"{subject}: significantly worse ({paired})",
            "worse_class": f"{subject}: significantly worse ({paired})",
            "contract_broken": f"{subject}: of {self.n} tickets that it would have routed only {self.gained} were "
            f"correct, below the required precision of {self.required_precision:.1%}",
            "no_contract": f"{subject}: it has no contract, so nothing would be routed; the model in use has one",
        }[self.code]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two models compared on the same tickets."""

    __pydantic_config__ = MEMBER_DOCSTRINGS

    first: str
    """Digest of the first model."""

    second: str
    """Digest of the second model."""

    tickets: int
    """Number of tickets."""

    since: str
    """Time (ISO 8601) after which the tickets came."""

    targets: tuple[TargetComparison, ...]
    """Result of each target."""

    reasons: Annotated[tuple[PromotionReason, ...], Field(validation_alias=AliasChoices("reasons", "grounds"))]
    """Reasons of the verdict."""

    @property
    def promote(self) -> bool:
        """Whether the second model may replace the first: all reasons support it."""
        return all(reason.code == SUPPORTING_CODE for reason in self.reasons)

    @property
    def verdict(self) -> str:
        """The verdict and its reasons in one line."""
        reasons = "; ".join(reason.text for reason in self.reasons)
        return f"it is better than the model in use: {reasons}" if self.promote else f"it is not better: {reasons}"


def compare_models(
    first: str,
    second: str,
    answers: Mapping[Target, TargetAnswers],
    *,
    missing: Sequence[Target] = (),
    slices: Mapping[str, LabelArray] | None = None,
    groups: GroupArray | None = None,
    since: str = "",
    seed: int = 0,
) -> Comparison:
    """Compare the models with digests `first` and `second` by their predictions for the same tickets in the same order.

    `missing`: targets that only the first predicts. `slices`: dimension → each ticket's slice ("" where unknown).
    `groups`: one number a ticket, the same for near-duplicates (None: all tickets are distinct). `seed` is that of the
    bootstrap.
    """
    n = max((len(one.truth) for one in answers.values()), default=0)
    groups = np.arange(n) if groups is None else groups
    here = [target for target in TARGETS if target in answers]
    found = tuple(_compare_target(target, answers[target], slices or {}, groups, seed) for target in here)
    enough = [one for one in found if _count_distinct(answers[one.target], groups) >= MIN_TICKETS]
    better = _improvement_reasons(enough) if enough else [_too_few_reason(answers, groups)]
    reasons = (*better, *(PromotionReason("missing", target) for target in missing), *_objections(found))
    return Comparison(first, second, n, since, found, reasons)


def compare_paired(
    name: str, first: npt.NDArray[np.bool_], second: npt.NDArray[np.bool_], groups: GroupArray, seed: int
) -> PairedResult:
    """The paired result of tickets, from whether the first and the second model predicted each correctly.

    >>> right, wrong = np.ones(8, bool), np.zeros(8, bool)
    >>> one = compare_paired("", wrong, right, np.arange(8), 0)
    >>> one.difference, one.gained, one.lost, one.better == 0.5**8, one.worse
    (1.0, 8, 0, True, 1.0)
    >>> compare_paired("", wrong, right, np.zeros(8, np.int64), 0).better  # the same ticket eight times
    0.5
    """
    _, of = np.unique(groups, return_inverse=True)
    sizes = np.bincount(of)
    net = np.bincount(of, second.astype(float) - first.astype(float), len(sizes)).astype(int)
    gained, lost = int((net > 0).sum()), int((net < 0).sum())
    low, high = _bootstrap_interval(net, sizes, seed)
    return PairedResult(
        name=name, n=len(first), first=int(first.sum()), second=int(second.sum()), gained=gained, lost=lost,
        low=low, high=high, better=_binomial_tail(gained, gained + lost), worse=_binomial_tail(lost, gained + lost),
    )  # fmt: skip


def holm_correction(p_values: Sequence[float], level: float = SIGNIFICANCE_LEVEL) -> list[bool]:
    """Which hypotheses are rejected, with a family-wise error rate of `level` (Holm 1979).

    >>> holm_correction([0.001, 0.04, 0.03]), holm_correction([0.06]), holm_correction([])
    ([True, False, False], [False], [])
    """
    rejected = [False] * len(p_values)
    for done, i in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        if p_values[i] > level / (len(p_values) - done):
            break
        rejected[i] = True
    return rejected


def _binomial_tail(n: int, total: int) -> float:
    """The probability of `n` heads or more in `total` throws of a fair coin."""
    from scipy.special import bdtrc  # only here: the service starts without SciPy

    return float(bdtrc(n - 1, total, 0.5)) if n else 1.0


def _bootstrap_interval(net: npt.NDArray[np.int64], sizes: npt.NDArray[np.int64], seed: int) -> tuple[float, float]:
    """The percentile bootstrap (Efron 1979) over groups; equal groups are drawn together."""
    if not len(net):
        return 0.0, 0.0
    kinds, counts = np.unique(np.stack([net, sizes], axis=1), axis=0, return_counts=True)
    drawn = np.random.default_rng(seed).multinomial(len(net), counts / len(net), size=BOOTSTRAP_DRAWS)
    low, high = np.quantile((drawn @ kinds[:, 0]) / (drawn @ kinds[:, 1]), [0.025, 0.975])
    return float(low), float(high)


def _compare_target(
    target: Target, answers: TargetAnswers, slices: Mapping[str, LabelArray], groups: GroupArray, seed: int
) -> TargetComparison:
    known = answers.truth != ""
    first, second = answers.first.labels == answers.truth, answers.second.labels == answers.truth

    def part(name: str, here: npt.NDArray[np.bool_]) -> PairedResult:
        return compare_paired(name, first[here], second[here], groups[here], seed)

    def parts(names: LabelArray, fewest: int) -> tuple[PairedResult, ...]:
        named, counts = np.unique(names[known], return_counts=True)
        return tuple(
            part(str(name), known & (names == name))
            for name, n in zip(named, counts, strict=True)
            if name != "" and n >= fewest
        )

    sliced = {dimension: parts(names, MIN_SLICE_TICKETS) for dimension, names in slices.items()}
    return TargetComparison(
        target,
        answers.required_precision,
        part("", known),
        compare_paired(
            "", answers.truth[known] == _majority_label(answers.truth[known]), second[known], groups[known], seed
        ),
        parts(answers.truth, 1),
        {dimension: some for dimension, some in sliced.items() if len(some) > 1},
        _check_contract(answers.first, first, known),
        _check_contract(answers.second, second, known),
    )


def _majority_label(truth: LabelArray) -> str:
    names, counts = np.unique(truth, return_counts=True)
    return str(names[counts.argmax()]) if len(names) else ""


def _check_contract(answers: ModelAnswers, right: npt.NDArray[np.bool_], known: npt.NDArray[np.bool_]) -> ContractCheck:
    routed = answers.routed & known
    n, n_right = int(routed.sum()), int((routed & right).sum())
    return ContractCheck(int(known.sum()), n, n_right, 1 - lower_bound(n - n_right, n, ALPHA), answers.has_contract)


def _count_distinct(answers: TargetAnswers, groups: GroupArray) -> int:
    """The number of labelled tickets, near-duplicates counted once."""
    return len(np.unique(groups[answers.truth != ""]))


def _too_few_reason(answers: Mapping[Target, TargetAnswers], groups: GroupArray) -> PromotionReason:
    return PromotionReason("too_few", n=max((_count_distinct(one, groups) for one in answers.values()), default=0))


def _improvement_reasons(targets: Sequence[TargetComparison]) -> list[PromotionReason]:
    rejected = holm_correction([one.overall.better for one in targets])
    improved = [one for one, is_better in zip(targets, rejected, strict=True) if is_better]
    better = [
        _paired_reason("better", one, one.overall)
        for one in improved
        if one.majority_baseline.better <= SIGNIFICANCE_LEVEL
    ]
    by_majority = [_paired_reason("no_better_than_majority", one, one.majority_baseline) for one in improved]
    return better or by_majority or [PromotionReason("none_better")]


def _objections(targets: Sequence[TargetComparison]) -> Iterator[PromotionReason]:
    parts = [(one, part) for one in targets for part in (one.overall, *one.classes)]
    for (one, part), is_worse in zip(parts, holm_correction([part.worse for _, part in parts]), strict=True):
        if is_worse:
            yield _paired_reason("worse_class" if part.name else "worse", one, part)
    for one in targets:
        required, first, second = one.required_precision, one.first, one.second
        if not second.may_hold(required):
            yield PromotionReason(
                "contract_broken", one.target, n=second.routed, gained=second.right, required_precision=required
            )
        if first.has_contract and first.may_hold(required) and not second.has_contract:
            yield PromotionReason("no_contract", one.target)


def _paired_reason(code: ReasonCode, comparison: TargetComparison, paired_result: PairedResult) -> PromotionReason:
    return PromotionReason(
        code, comparison.target, paired_result.name, paired_result.n, paired_result.gained, paired_result.lost
    )
