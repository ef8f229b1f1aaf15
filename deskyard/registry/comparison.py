"""Comparison: two models on the same tickets, and whether the second has earned the first one's place.

In comes what each said of tickets that neither had learnt from, and what was true; out come paired figures, class by
class and slice by slice, and a verdict with its grounds. Opens no model, reads no file, changes nothing.

The second takes the place if all of this holds, each at 95 % confidence:

    better        at least one target, by McNemar's exact test, one-sided (Holm over the targets), and by the same test
                  better than to say the commonest label always: where labels mean nothing, that is all one can learn
    not worse     no target and no class of a target, by the same test (Holm over all of them)
    keeps faith   what it would route is not surely less often right than asked, and it still proves a contract where
                  the first proves and keeps one

Near-copies are one ticket's worth of proof, however many there are: a burst of sixty alike must not decide.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from deskyard.domain.ticket import TARGETS, Target
from deskyard.guarantees.intervals import ALPHA, lower_bound

SIGNIFICANCE_LEVEL: Final = 0.05
"""The chance that any target is called better, or anything worse, where the two are alike."""

MIN_TICKETS: Final = 100
"""Labelled tickets, near-copies counted once, below which nothing is said of a target."""

MIN_SLICE_TICKETS: Final = 20
"""Tickets below which a slice is not shown."""

BOOTSTRAP_DRAWS: Final = 2_000
"""Of the bootstrap."""

LabelArray = npt.NDArray[np.str_]
GroupArray = npt.NDArray[np.int64]

ReasonCode = Literal[
    "better", "none_better", "luck", "too_few", "missing", "worse", "worse_class", "broken", "unproved"
]
SUPPORTING_CODE: Final[ReasonCode] = "better"


@dataclass(frozen=True, slots=True)
class ModelAnswers:
    """What a model said of tickets: the label of each, and whether its contract would have routed it (`proved`: whether
    it has one at all)."""

    labels: LabelArray
    routed: npt.NDArray[np.bool_]
    has_contract: bool


@dataclass(frozen=True, slots=True)
class TargetAnswers:
    """One target of the same tickets: what was true ("" where nobody knows), what both said, and which precision is
    asked of what is routed."""

    truth: LabelArray
    first: ModelAnswers
    second: ModelAnswers
    required_precision: float


@dataclass(frozen=True, slots=True)
class PairedResult:
    """Tickets answered by both: how many, how many each had right, and of the tickets (near-copies once) on which they
    part, how many the second `gained` and `lost`. `low` and `high` bound the difference of the accuracies (bootstrap,
    95 %); `better` and `worse` are chances that alike models part so far (McNemar, exact, one-sided)."""

    name: str
    n: int
    first: int
    second: int
    gained: int
    lost: int
    low: float
    high: float
    better: float
    worse: float

    @property
    def difference(self) -> float:
        """Of the accuracies (-1..1)."""
        return (self.second - self.first) / self.n if self.n else 0.0


@dataclass(frozen=True, slots=True)
class ContractCheck:
    """What one of them would have routed of `of` tickets, and how much of it was right; `at_most` is the exact upper
    bound (95 %) of the share that is right. `proved`: it has a contract."""

    of: int
    routed: int
    right: int
    at_most: float
    proved: bool

    def may_hold(self, required_precision: float) -> bool:
        """Whether it may still be what is asked."""
        return self.at_most >= required_precision


@dataclass(frozen=True, slots=True)
class TargetComparison:
    """One target of both: all tickets, each class, each slice by dimension, and what either would route; `luck` is the
    second beside one that says the commonest label always."""

    target: Target
    asked: float
    whole: PairedResult
    luck: PairedResult
    classes: tuple[PairedResult, ...]
    slices: dict[str, tuple[PairedResult, ...]]
    first: ContractCheck
    second: ContractCheck


@dataclass(frozen=True, slots=True)
class PromotionReason:
    """Why the second takes the place or does not; `name` is a class where it is about one, `n` a count."""

    code: ReasonCode
    target: Target | None = None
    name: str = ""
    n: int = 0
    gained: int = 0
    lost: int = 0
    asked: float = 0.0

    @property
    def text(self) -> str:
        """As a sentence."""
        of = f"{self.target} {self.name!r}" if self.name else str(self.target)
        paired = f"of the tickets on which they part, {self.gained} gained and {self.lost} lost"
        return {
            "better": f"{of}: better beyond chance ({paired})",
            "none_better": "no target is better beyond chance",
            "luck": f"{of}: no better than to say its commonest label always",
            "too_few": f"too few tickets that neither has learnt from: {self.n} with a known label, near-copies "
            f"counted once, and it takes {MIN_TICKETS}",
            "missing": f"{of}: it does not predict that, and the model in use does",
            "worse": f"{of}: worse beyond chance ({paired})",
            "worse_class": f"{of}: worse beyond chance ({paired})",
            "broken": f"{of}: of {self.n} that it would have routed only {self.gained} were right, which breaks the "
            f"{self.asked:.1%} that are asked",
            "unproved": f"{of}: it proves no contract, so nothing would be routed, and the model in use keeps one",
        }[self.code]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two models beside each other; `first` and `second` name their digests, `since` the moment after which the
    tickets came, `tickets` how many there are. `promote`: the second has earned the place."""

    first: str
    second: str
    tickets: int
    since: str
    targets: tuple[TargetComparison, ...]
    grounds: tuple[PromotionReason, ...]

    @property
    def promote(self) -> bool:
        """Whether all grounds speak for it."""
        return all(ground.code == SUPPORTING_CODE for ground in self.grounds)

    @property
    def verdict(self) -> str:
        """In one line."""
        told = "; ".join(ground.text for ground in self.grounds)
        return f"it has earned the place: {told}" if self.promote else f"it has not earned the place: {told}"


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
    """Compare the models with digests `first` and `second` by their answers to the same tickets, in the same order.

    `missing`: targets that only the first predicts. `slices`: dimension → each ticket's slice ("" where unknown).
    `groups`: a number a ticket, the same for near-copies (each ticket alone if not said). The same seed draws the same
    bootstrap.
    """
    n = max((len(one.truth) for one in answers.values()), default=0)
    groups = np.arange(n) if groups is None else groups
    here = [target for target in TARGETS if target in answers]
    found = tuple(_compare_target(target, answers[target], slices or {}, groups, seed) for target in here)
    enough = [one for one in found if _count_distinct(answers[one.target], groups) >= MIN_TICKETS]
    better = _improvement_reasons(enough) if enough else [_too_few_reason(answers, groups)]
    grounds = (*better, *(PromotionReason("missing", target) for target in missing), *_objections(found))
    return Comparison(first, second, n, since, found, grounds)


def compare_paired(
    name: str, first: npt.NDArray[np.bool_], second: npt.NDArray[np.bool_], groups: GroupArray, seed: int
) -> PairedResult:
    """The figures of tickets that the first and the second had right or wrong.

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


def holm_correction(chances: Sequence[float], level: float = SIGNIFICANCE_LEVEL) -> list[bool]:
    """Which hypotheses fall, with the chance `level` of any true one among them (Holm 1979).

    >>> holm_correction([0.001, 0.04, 0.03]), holm_correction([0.06]), holm_correction([])
    ([True, False, False], [False], [])
    """
    falls = [False] * len(chances)
    for left, i in enumerate(sorted(range(len(chances)), key=lambda i: chances[i])):
        if chances[i] > level / (len(chances) - left):
            break
        falls[i] = True
    return falls


def _binomial_tail(n: int, total: int) -> float:
    """The chance of `n` heads or more in `of` throws."""
    from scipy.special import bdtrc  # only here: the service starts without SciPy

    return float(bdtrc(n - 1, total, 0.5)) if n else 1.0


def _bootstrap_interval(net: npt.NDArray[np.int64], sizes: npt.NDArray[np.int64], seed: int) -> tuple[float, float]:
    """The percentile bootstrap (Efron 1979) over groups; groups alike are drawn together, which is the same."""
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
    gone = answers.routed & known
    n, good = int(gone.sum()), int((gone & right).sum())
    return ContractCheck(int(known.sum()), n, good, 1 - lower_bound(n - good, n, ALPHA), answers.has_contract)


def _count_distinct(answers: TargetAnswers, groups: GroupArray) -> int:
    """How many labelled tickets there are, near-copies counted once."""
    return len(np.unique(groups[answers.truth != ""]))


def _too_few_reason(answers: Mapping[Target, TargetAnswers], groups: GroupArray) -> PromotionReason:
    return PromotionReason("too_few", n=max((_count_distinct(said, groups) for said in answers.values()), default=0))


def _improvement_reasons(targets: Sequence[TargetComparison]) -> list[PromotionReason]:
    falls = holm_correction([one.whole.better for one in targets])
    parted = [one for one, is_better in zip(targets, falls, strict=True) if is_better]
    told = [_paired_reason("better", one, one.whole) for one in parted if one.luck.better <= SIGNIFICANCE_LEVEL]
    return told or [_paired_reason("luck", one, one.luck) for one in parted] or [PromotionReason("none_better")]


def _objections(targets: Sequence[TargetComparison]) -> Iterator[PromotionReason]:
    parts = [(one, part) for one in targets for part in (one.whole, *one.classes)]
    for (one, part), is_worse in zip(parts, holm_correction([part.worse for _, part in parts]), strict=True):
        if is_worse:
            yield _paired_reason("worse_class" if part.name else "worse", one, part)
    for one in targets:
        if not one.second.may_hold(one.asked):
            yield PromotionReason("broken", one.target, n=one.second.routed, gained=one.second.right, asked=one.asked)
        if one.first.proved and one.first.may_hold(one.asked) and not one.second.proved:
            yield PromotionReason("unproved", one.target)


def _paired_reason(code: ReasonCode, comparison: TargetComparison, paired_result: PairedResult) -> PromotionReason:
    return PromotionReason(
        code, comparison.target, paired_result.name, paired_result.n, paired_result.gained, paired_result.lost
    )
