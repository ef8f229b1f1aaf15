"""What a run leaves in a tracking store, as plain values: parameters, tags, figures with their steps, the environment.

In comes a trained model, out go texts and numbers. Never a ticket, never its text, no place on this machine and no
address of a package index. Knows no MLflow: `training.publish.mlflow_tracking` hands these on.
"""

import platform
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import distributions
from typing import Final, NamedTuple

from deskyard import __version__
from deskyard.domain.ticket import Target
from deskyard.guarantees.contract_fitting import draw_up, routes
from deskyard.registry.comparison import Comparison
from training.data_audit.finding import SEVERITIES
from training.pipeline.trained import Judged, Trained
from training.publish.handover import HandedOver

ASKED: Final = tuple(range(800, 1000, 10))
"""Asked precisions, in thousandths, at which coverage and precision are logged."""


class Figure(NamedTuple):
    """A number under its name; `step` says where on a curve it stands, 0 where there is no curve."""

    name: str
    value: float
    step: int = 0


def parameters(trained: Trained, done: HandedOver) -> dict[str, str]:
    """What was asked of the run, and how much it read."""
    card = trained.card
    asked = card["options"] | {"targets": ",".join(card["options"]["targets"])}
    return {name: str(value) for name, value in asked.items()} | {
        "files": str(len(done.origin.tables) or 1),
        "tickets": str(card["learnt_from"]["tickets"]),
        "tickets_judged": str(card["judged_on"]["tickets"]),
        "judged_on": card["judged_on"]["how"],
        "encoder": card.get("encoder", {}).get("kind", ""),
    }


def tags(trained: Trained, done: HandedOver) -> dict[str, str]:
    """What names the run: digests of what went in and what came out, the program, and the moment up to which the
    desk's own tickets counted."""
    return {
        "deskyard.data": trained.card["learnt_from"]["digest"],
        "deskyard.registry.bundle": done.digest,
        "deskyard.version": __version__,
    } | ({"deskyard.desk": done.origin.desk} if done.origin.desk else {})


def figures(trained: Trained, compared: Comparison | None = None) -> Iterator[Figure]:
    """Every figure of the card, named target/figure, and the curves.

    `T/learning_curve` (steps: tickets learnt from) is the accuracy of the audit's plain head. `T/coverage_at` and
    `T/precision_at` (steps: asked precision in thousandths) are shares of the judging tickets, from a contract drawn up
    anew on the evidence of the judged model. `T/champion`, `T/challenger` and their difference's bounds are of the
    tickets on which a retraining `compared` the two.
    """
    for target, judged in trained.judged.items():
        score = trained.card["targets"][target]["score"] or {}
        yield from (Figure(f"{target}/{name}", float(value)) for name, value in score.items() if value is not None)
        if judged.without_encoder is not None:
            yield Figure(f"{target}/accuracy_without_encoder", judged.without_encoder.accuracy)
        if judged.contract.threshold is not None:
            yield Figure(f"{target}/threshold", judged.contract.threshold)
        yield from _by_asked(target, judged)
    for finding in trained.findings:
        if finding.target and "sizes" in finding.figures:
            points = zip(finding.figures["sizes"], finding.figures["accuracy"], strict=True)
            yield from (Figure(f"{finding.target}/learning_curve", share, n) for n, share in points)
    counted = Counter(finding.severity for finding in trained.findings)
    yield from (Figure(f"findings/{severity}", counted[severity]) for severity in SEVERITIES)
    if compared is not None:
        yield Figure("compared/earned", float(compared.promote))
        yield Figure("compared/tickets", float(compared.tickets))
        for one in compared.targets:
            if n := one.whole.n:
                yield Figure(f"{one.target}/champion", one.whole.first / n)
                yield Figure(f"{one.target}/challenger", one.whole.second / n)
                yield Figure(f"{one.target}/difference_low", one.whole.low)
                yield Figure(f"{one.target}/difference_high", one.whole.high)


def _by_asked(target: Target, judged: Judged) -> Iterator[Figure]:
    if not len(judged.rows):
        return
    for step in ASKED:
        contract = draw_up(target, judged.evidence, judged.labels.labels, step / 1000, judged.labels.parents)
        routed = judged.rows[routes(contract, judged.rows, judged.labels.labels)]
        yield Figure(f"{target}/coverage_at", len(routed) / len(judged.rows), step)
        if len(routed):
            yield Figure(f"{target}/precision_at", float((routed["predicted"] == routed["truth"]).mean()), step)


def environment() -> str:
    """What is installed, as pinned requirements, below the Python and the platform."""
    found = {f"{said['Name']}=={said['Version']}" for said in (one.metadata for one in distributions()) if said["Name"]}
    head = f"# Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    return "\n".join([head, *sorted(found, key=str.casefold)]) + "\n"
