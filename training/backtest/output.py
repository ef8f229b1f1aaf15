"""The output of a backtest: lines for people, JSON for programs, and a table with one row per ticket."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any, Final

import pandas as pd

from deskyard.analytics.csv_export import escape_formula
from deskyard.analytics.intervals import Proportion
from deskyard.policy.policy import Policy
from training.backtest.accounting import PolicyResult, RoutingTotals
from training.backtest.cost_curve import CostCurve
from training.backtest.policy_difference import PolicyDifference
from training.backtest.run import BacktestResult

MAX_MISTAKES: Final = 8
"""Pairs of queues that are printed; --json has all."""

_HEADER: Final = (
    "from",
    "trained on",
    "tickets",
    "routed",
    "right",
    "95 % sure",
    "wrong",
    "reassigned",
    "minutes",
    "saved",
    "verdict",
)


def format_lines(result: BacktestResult, policies: dict[str, Policy], default_precision: float) -> Iterator[str]:
    """Lines to print."""
    totals = result.results[0].totals
    prices = result.costs.prices
    yield (
        f"{totals.tickets:,} tickets replayed with {len(result.periods)} models; triaged by hand they cost "
        f"{totals.manual_minutes:,.0f} minutes ({prices.triage_minutes:g} for each triage, "
        f"{prices.misroute_minutes:g} for each reassignment)."
    )
    if result.costs.overall.tickets:
        average = (
            f"{result.costs.overall.reassignments:.1f} reassignments and {result.costs.overall.hours or 0:.1f} hours"
        )
        yield f"A misroute took {average} on average, estimated from {result.costs.overall.tickets:,} moves."
    else:
        yield "No moves: a misroute counts as one reassignment, and its hours are unknown (--moves)."
    for account in result.results:
        yield from ("", *_format_policy(account, result, policies[account.name], default_precision))
    yield from ("", *_format_curve(result.curve, result.results[0].name))
    if result.difference is not None:
        yield from ("", *_format_difference(result.difference, *(account.name for account in result.results[:2])))


def to_json(result: BacktestResult, policies: dict[str, Policy], default_precision: float) -> dict[str, Any]:
    """The figures as JSON."""
    return {
        "models": [{"from": start.isoformat(), "learnt_from": n} for start, n in result.periods],
        "costs": {
            "triage_minutes": result.costs.prices.triage_minutes,
            "misroute_minutes": result.costs.prices.misroute_minutes,
            "hourly_rate": result.costs.prices.hourly_rate,
        },
        "misroutes": [
            {"from": wrong, "to": true, **asdict(misroute)}
            for (wrong, true), misroute in sorted(result.costs.misroutes.items(), key=str)
        ],
        "policies": [
            {"name": account.name, "digest": policies[account.name].digest}
            | _totals_to_json(account.totals)
            | {
                "required_precision": _required_precision(policies[account.name], None, default_precision),
                "periods": [
                    {"from": start.isoformat(), "learnt_from": learnt}
                    | _totals_to_json(sums)
                    | {"required_precision": _required_precision(policies[account.name], None, default_precision)}
                    for (start, learnt), sums in zip(result.periods, account.group_by("start").values(), strict=True)
                ],
                "queues": [
                    {
                        "queue": queue,
                        "required_precision": _required_precision(policies[account.name], queue, default_precision),
                    }
                    | _totals_to_json(sums)
                    for queue, sums in _totals_by_queue(account).items()
                ],
                "targets_set": {
                    target: {"correct": share.right, "judged": share.n} for target, share in account.targets_set.items()
                },
                "mistakes": account.mistakes.to_dict("records"),
                "breaker_openings": [
                    {"period": n, "target": target, "label": label} for n, target, label in account.tripped
                ],
            }
            for account in result.results
        ],
        "curve": [
            {
                "precision": point.precision,
                "tickets": point.tickets,
                "routed": point.correct.n,
                "correct": point.correct.right,
                "minutes_saved": point.minutes_saved,
            }
            for point in result.curve.points
        ],
        "queue_precisions": [asdict(queue) for queue in result.curve.queues],
        "difference": None
        if result.difference is None
        else {
            "tickets": len(result.difference.tickets),
            "minutes": result.difference.minutes,
            "interval": [result.difference.low, result.difference.high],
            "transitions": [
                {"first": a, "second": b, "tickets": n} for (a, b), n in result.difference.transitions.items()
            ],
        },
    }


def to_table(result: BacktestResult) -> pd.DataFrame:
    """One row per ticket: for one policy all tickets with their outcomes, for two those whose outcomes differ."""
    rows = result.results[0].rows.drop(columns="period") if result.difference is None else result.difference.tickets
    return rows.map(escape_formula)


def _format_policy(
    account: PolicyResult, result: BacktestResult, policy: Policy, default_precision: float
) -> Iterator[str]:
    yield f"{account.name}:"
    required_precision = _required_precision(policy, None, default_precision)
    parts = [(f"{start:%Y-%m-%d}", f"{learnt:,}", account.group_by("start")[start]) for start, learnt in result.periods]
    rows = [_format_row(*part, required_precision) for part in [*parts, ("together", "", account.totals)]]
    yield from _align_columns([_HEADER, *rows])
    if account.totals.misrouted_hours is not None:
        yield f"Tickets spent {account.totals.misrouted_hours:,.0f} hours in wrong queues."
    for target, share in account.targets_set.items():
        if target != "queue" and share.n:
            yield f"Also set: {target} of {share.n:,}, {_format_share(share)} right."
    for number, target, label in account.tripped:
        start = result.periods[number][0]
        yield f"The circuit breaker held back {target} {label!r} in the period from {start:%Y-%m-%d}."
    if account.totals.routed == 0:
        yield "Nothing is routed: the evidence does not prove the precision, or the policy does not allow routing."
    mistakes = account.mistakes
    if len(mistakes):
        yield "Misroutes, the most expensive first:"
        pairs = [
            (f"{row.true_queue} went to {row.queue}", f"{row.tickets:,} tickets", f"{row.minutes:,.0f} minutes")
            for row in mistakes.head(MAX_MISTAKES).itertuples()
        ]
        yield from (f"  {line}" for line in _align_columns(pairs))


def _format_row(name: str, learnt: str, sums: RoutingTotals, required_precision: float) -> tuple[str, ...]:
    low = sums.correct.interval
    return (
        name, learnt, f"{sums.tickets:,}", f"{sums.share_routed:.1%}", _format_share(sums.correct),
        f"({low[0]:.1%} to {low[1]:.1%})" if low else "", f"{sums.correct.wrong:,}", f"{sums.reassignments:,.0f}",
        f"{sums.minutes:,.0f}", f"{sums.minutes_saved:,.0f}", sums.correct.contract_status(required_precision),
    )  # fmt: skip


def _format_share(share: Proportion) -> str:
    return "-" if share.share is None else f"{share.share:.1%}"


def _format_curve(curve: CostCurve, name: str) -> Iterator[str]:
    yield f"Minutes saved by required precision, with the models of {name} (without switches and circuit breaker):"
    rows = [("precision", "routed", "right", "wrong", "minutes saved")]
    for point in curve.points:
        share = point.correct.n / point.tickets if point.tickets else 0.0
        mark = " <- most" if point == curve.best and point.minutes_saved > 0 else ""
        rows.append(
            (
                f"{point.precision:.1%}",
                f"{share:.1%}",
                _format_share(point.correct),
                f"{point.correct.wrong:,}",
                f"{point.minutes_saved:,.0f}{mark}",
            )
        )
    yield from (f"  {line}" for line in _align_columns(rows))
    if not curve.queues:
        return
    yield "The best precision for each queue, chosen on the earlier half of the tickets, measured on the later half:"
    rows = [("queue", "now", "best", "minutes saved", "saved now")]
    rows += [
        (one.queue, f"{one.current:.1%}", f"{one.best:.1%}", f"{one.saved:,.0f}", f"{one.saved_at_current:,.0f}")
        for one in curve.queues
    ]
    yield from (f"  {line}" for line in _align_columns(rows))


def _format_difference(difference: PolicyDifference, first: str, second: str) -> Iterator[str]:
    yield f"{second} instead of {first}: {len(difference.tickets):,} tickets have another outcome."
    names = {"right": "routed rightly", "wrong": "misrouted", "unknown": "routed", "people": "left to people"}
    rows = [
        (f"{names[a]} -> {names[b]}", f"{n:,}")
        for (a, b), n in sorted(difference.transitions.items(), key=lambda p: -p[1])
    ]
    yield from (f"  {line}" for line in _align_columns(rows))
    between = ""
    if difference.low is not None and difference.high is not None:
        significant = "significantly more" if difference.low > 0 else "significantly less"
        sure = significant if difference.low > 0 or difference.high < 0 else "not significant"
        between = f" ({difference.low:,.0f} to {difference.high:,.0f} with 95 % confidence: {sure})"
    yield f"It saves {difference.minutes:,.0f} minutes{between}."


def _totals_by_queue(account: PolicyResult) -> dict[str, RoutingTotals]:
    routed = account.rows[account.rows["routed"]]
    return PolicyResult(account.name, routed).group_by("queue")


def _required_precision(policy: Policy, queue: str | None, default_precision: float) -> float:
    """The required precision for a queue; `queue` None: for queues without a rule of their own."""
    return policy.effective_rule("queue", queue).precision or default_precision


def _totals_to_json(sums: RoutingTotals) -> dict[str, Any]:
    return {
        "tickets": sums.tickets, "routed": sums.routed, "correct": sums.correct.right, "judged": sums.correct.n,
        "reassignments": round(sums.reassignments, 1), "minutes": round(sums.minutes, 1),
        "manual_minutes": round(sums.manual_minutes, 1), "minutes_saved": round(sums.minutes_saved, 1),
        "misrouted_hours": None if sums.misrouted_hours is None else round(sums.misrouted_hours, 1),
    }  # fmt: skip


def _align_columns(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Rows in aligned columns; the first column is text, the others are numbers."""
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    for row in rows:
        cells = [
            f"{cell:<{width}}" if n == 0 else f"{cell:>{width}}"
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cell for cell in cells if cell).rstrip()
