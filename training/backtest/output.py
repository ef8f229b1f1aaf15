"""What a backtest tells: lines for people, JSON for programs, and tables, a ticket a row.

In comes a backtest, out go texts. Figures that flatter say so where they stand.
"""

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
"""Pairs of queues that are told on the screen; --json tells all."""

_HEADER: Final = (
    "from",
    "learnt from",
    "tickets",
    "routed",
    "right",
    "95 % sure",
    "wrong",
    "hops",
    "minutes",
    "saved",
    "promise",
)


def format_lines(result: BacktestResult, policies: dict[str, Policy], default_precision: float) -> Iterator[str]:
    """For people."""
    all_ = result.results[0].totals
    yield (
        f"{all_.tickets:,} tickets lived through with {len(result.periods)} models; by hand they cost "
        f"{all_.manual_minutes:,.0f} minutes ({result.costs.prices.sort:g} to sort one, {result.costs.prices.wrong:g} each time "
        "one is passed on)."
    )
    if result.costs.overall.n:
        told = f"{result.costs.overall.hops:.1f} hops and {result.costs.overall.hours or 0:.1f} hours"
        yield f"A wrong queue took {told} to the right one, learnt from {result.costs.overall.n:,} moves."
    else:
        yield "No moves: a wrong queue is taken for one hop, and nobody knows the hours it costs (--moves)."
    for account in result.results:
        yield from ("", *_format_policy(account, result, policies[account.name], default_precision))
    yield from ("", *_format_curve(result.curve, result.results[0].name))
    if result.difference is not None:
        yield from ("", *_format_difference(result.difference, *(account.name for account in result.results[:2])))


def to_json(result: BacktestResult, policies: dict[str, Policy], default_precision: float) -> dict[str, Any]:
    """For programs."""
    return {
        "models": [{"from": start.isoformat(), "learnt_from": n} for start, n in result.periods],
        "prices": asdict(result.costs.prices),
        "ways": [
            {"from": was, "to": true, **asdict(way)}
            for (was, true), way in sorted(result.costs.misroutes.items(), key=str)
        ],
        "policies": [
            {"name": account.name, "digest": policies[account.name].digest}
            | _totals_to_json(account.totals)
            | {
                "promised": _required_precision(policies[account.name], None, default_precision),
                "periods": [
                    {"from": start.isoformat(), "learnt_from": learnt}
                    | _totals_to_json(sums)
                    | {"promised": _required_precision(policies[account.name], None, default_precision)}
                    for (start, learnt), sums in zip(result.periods, account.group_by("start").values(), strict=True)
                ],
                "queues": [
                    {"queue": queue, "promised": _required_precision(policies[account.name], queue, default_precision)}
                    | _totals_to_json(sums)
                    for queue, sums in _totals_by_queue(account).items()
                ],
                "set": {target: {"right": share.right, "n": share.n} for target, share in account.targets_set.items()},
                "mistakes": account.mistakes.to_dict("records"),
                "trips": [{"period": n, "target": target, "label": label} for n, target, label in account.tripped],
            }
            for account in result.results
        ],
        "curve": [asdict(point) for point in result.curve.points],
        "priced": [asdict(queue) for queue in result.curve.queues],
        "difference": None
        if result.difference is None
        else {
            "tickets": len(result.difference.tickets),
            "minutes": result.difference.minutes,
            "interval": [result.difference.low, result.difference.high],
            "fates": [{"first": a, "second": b, "tickets": n} for (a, b), n in result.difference.transitions.items()],
        },
    }


def to_table(result: BacktestResult) -> pd.DataFrame:
    """A ticket a row: under one policy all of them with what was done, under two those that fare otherwise."""
    rows = result.results[0].rows.drop(columns="period") if result.difference is None else result.difference.tickets
    return rows.map(escape_formula)


def _format_policy(
    account: PolicyResult, result: BacktestResult, policy: Policy, default_precision: float
) -> Iterator[str]:
    yield f"{account.name}:"
    promised = _required_precision(policy, None, default_precision)
    parts = [(f"{start:%Y-%m-%d}", f"{learnt:,}", account.group_by("start")[start]) for start, learnt in result.periods]
    rows = [_format_row(*part, promised) for part in [*parts, ("together", "", account.totals)]]
    yield from _align_columns([_HEADER, *rows])
    if account.totals.misrouted_hours is not None:
        yield f"In wrong queues tickets lay {account.totals.misrouted_hours:,.0f} hours."
    for target, share in account.targets_set.items():
        if target != "queue" and share.n:
            yield f"Also set: {target} of {share.n:,}, {_format_share(share)} right."
    for number, target, label in account.tripped:
        yield f"The breaker took out {target} {label!r} in the time from {result.periods[number][0]:%Y-%m-%d} on."
    if account.totals.routed == 0:
        yield "Nothing is routed: the evidence proves no such promise, or the policy does not let it go."
    mistakes = account.mistakes
    if len(mistakes):
        yield "Taken for another, the dearest first:"
        told = [
            (f"{row.belongs} went to {row.queue}", f"{row.tickets:,} tickets", f"{row.minutes:,.0f} minutes")
            for row in mistakes.head(MAX_MISTAKES).itertuples()
        ]
        yield from (f"  {line}" for line in _align_columns(told))


def _format_row(name: str, learnt: str, sums: RoutingTotals, required_precision: float) -> tuple[str, ...]:
    low = sums.right.interval
    return (
        name, learnt, f"{sums.tickets:,}", f"{sums.share_routed:.1%}", _format_share(sums.right),
        f"({low[0]:.1%} to {low[1]:.1%})" if low else "", f"{sums.right.wrong:,}", f"{sums.hops:,.0f}",
        f"{sums.minutes:,.0f}", f"{sums.minutes_saved:,.0f}", sums.right.contract_status(required_precision),
    )  # fmt: skip


def _format_share(share: Proportion) -> str:
    return "-" if share.share is None else f"{share.share:.1%}"


def _format_curve(curve: CostCurve, name: str) -> Iterator[str]:
    yield f"What each promise would have saved, by the models of {name} (switches and breaker aside):"
    rows = [("promise", "routed", "right", "wrong", "minutes saved")]
    for point in curve.points:
        share = point.right.n / point.tickets if point.tickets else 0.0
        mark = " <- most" if point == curve.best and point.saved > 0 else ""
        rows.append(
            (
                f"{point.precision:.1%}",
                f"{share:.1%}",
                _format_share(point.right),
                f"{point.right.wrong:,}",
                f"{point.saved:,.0f}{mark}",
            )
        )
    yield from (f"  {line}" for line in _align_columns(rows))
    if not curve.queues:
        return
    yield "The promise that pays, queue by queue: chosen on the earlier half, worth told on the later half."
    rows = [("queue", "now", "pays most", "minutes saved", "instead of")]
    rows += [
        (one.queue, f"{one.present:.1%}", f"{one.best:.1%}", f"{one.saved:,.0f}", f"{one.saved_at_present:,.0f}")
        for one in curve.queues
    ]
    yield from (f"  {line}" for line in _align_columns(rows))


def _format_difference(difference: PolicyDifference, first: str, second: str) -> Iterator[str]:
    yield f"{second} instead of {first}: {len(difference.tickets):,} tickets fare otherwise."
    told = {"right": "routed rightly", "wrong": "routed wrongly", "unknown": "routed", "people": "left to people"}
    rows = [
        (f"{told[a]} -> {told[b]}", f"{n:,}")
        for (a, b), n in sorted(difference.transitions.items(), key=lambda p: -p[1])
    ]
    yield from (f"  {line}" for line in _align_columns(rows))
    between = ""
    if difference.low is not None and difference.high is not None:
        sure = (
            "surely more" if difference.low > 0 else "surely less" if difference.high < 0 else "chance may explain it"
        )
        between = f" ({difference.low:,.0f} to {difference.high:,.0f} with 95 % confidence: {sure})"
    yield f"It saves {difference.minutes:,.0f} minutes{between}."


def _totals_by_queue(account: PolicyResult) -> dict[str, RoutingTotals]:
    placed = account.rows[account.rows["placed"]]
    return PolicyResult(account.name, placed).group_by("queue")


def _required_precision(policy: Policy, queue: str | None, default_precision: float) -> float:
    """To a queue; None: where nothing else is said."""
    return policy.effective_rule("queue", queue).precision or default_precision


def _totals_to_json(sums: RoutingTotals) -> dict[str, Any]:
    return {
        "tickets": sums.tickets, "routed": sums.routed, "right": sums.right.right, "known": sums.right.n,
        "hops": round(sums.hops, 1), "minutes": round(sums.minutes, 1), "by_hand": round(sums.manual_minutes, 1),
        "saved": round(sums.minutes_saved, 1), "hours": None if sums.misrouted_hours is None else round(sums.misrouted_hours, 1),
    }  # fmt: skip


def _align_columns(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Rows under each other; the first column is text, the others are numbers."""
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    for row in rows:
        cells = [
            f"{cell:<{width}}" if n == 0 else f"{cell:>{width}}"
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cell for cell in cells if cell).rstrip()
