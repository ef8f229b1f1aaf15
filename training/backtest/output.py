"""What a backtest tells: lines for people, JSON for programs, and tables, a ticket a row.

In comes a backtest, out go texts. Figures that flatter say so where they stand.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any, Final

import pandas as pd

from deskyard.analytics.csv_export import safe
from deskyard.analytics.intervals import Share
from deskyard.policy.policy import Policy
from training.backtest.accounting import Account, Sums
from training.backtest.cost_curve import Curve
from training.backtest.policy_difference import Difference
from training.backtest.run import Backtest

MISTAKES: Final = 8
"""Pairs of queues that are told on the screen; --json tells all."""

_HEAD: Final = (
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


def lines(found: Backtest, policies: dict[str, Policy], usual: float) -> Iterator[str]:
    """For people."""
    all_ = found.accounts[0].all
    yield (
        f"{all_.tickets:,} tickets lived through with {len(found.periods)} models; by hand they cost "
        f"{all_.by_hand:,.0f} minutes ({found.costs.prices.sort:g} to sort one, {found.costs.prices.wrong:g} each time "
        "one is passed on)."
    )
    if found.costs.all.n:
        told = f"{found.costs.all.hops:.1f} hops and {found.costs.all.hours or 0:.1f} hours"
        yield f"A wrong queue took {told} to the right one, learnt from {found.costs.all.n:,} moves."
    else:
        yield "No moves: a wrong queue is taken for one hop, and nobody knows the hours it costs (--moves)."
    for account in found.accounts:
        yield from ("", *_account(account, found, policies[account.name], usual))
    yield from ("", *_curve(found.curve, found.accounts[0].name))
    if found.difference is not None:
        yield from ("", *_difference(found.difference, *(account.name for account in found.accounts[:2])))


def plain(found: Backtest, policies: dict[str, Policy], usual: float) -> dict[str, Any]:
    """For programs."""
    return {
        "models": [{"from": start.isoformat(), "learnt_from": n} for start, n in found.periods],
        "prices": asdict(found.costs.prices),
        "ways": [
            {"from": was, "to": true, **asdict(way)} for (was, true), way in sorted(found.costs.ways.items(), key=str)
        ],
        "policies": [
            {"name": account.name, "digest": policies[account.name].digest}
            | _plain(account.all)
            | {
                "promised": _promised(policies[account.name], None, usual),
                "periods": [
                    {"from": start.isoformat(), "learnt_from": learnt}
                    | _plain(sums)
                    | {"promised": _promised(policies[account.name], None, usual)}
                    for (start, learnt), sums in zip(found.periods, account.by("start").values(), strict=True)
                ],
                "queues": [
                    {"queue": queue, "promised": _promised(policies[account.name], queue, usual)} | _plain(sums)
                    for queue, sums in _queues(account).items()
                ],
                "set": {target: {"right": share.right, "n": share.n} for target, share in account.set.items()},
                "mistakes": account.mistakes.to_dict("records"),
                "trips": [{"period": n, "target": target, "label": label} for n, target, label in account.trips],
            }
            for account in found.accounts
        ],
        "curve": [asdict(point) for point in found.curve.points],
        "priced": [asdict(queue) for queue in found.curve.queues],
        "difference": None
        if found.difference is None
        else {
            "tickets": len(found.difference.tickets),
            "minutes": found.difference.minutes,
            "interval": [found.difference.low, found.difference.high],
            "fates": [{"first": a, "second": b, "tickets": n} for (a, b), n in found.difference.fates.items()],
        },
    }


def table(found: Backtest) -> pd.DataFrame:
    """A ticket a row: under one policy all of them with what was done, under two those that fare otherwise."""
    rows = found.accounts[0].rows.drop(columns="period") if found.difference is None else found.difference.tickets
    return rows.map(safe)


def _account(account: Account, found: Backtest, policy: Policy, usual: float) -> Iterator[str]:
    yield f"{account.name}:"
    promised = _promised(policy, None, usual)
    parts = [(f"{start:%Y-%m-%d}", f"{learnt:,}", account.by("start")[start]) for start, learnt in found.periods]
    rows = [_row(*part, promised) for part in [*parts, ("together", "", account.all)]]
    yield from _aligned([_HEAD, *rows])
    if account.all.hours is not None:
        yield f"In wrong queues tickets lay {account.all.hours:,.0f} hours."
    for target, share in account.set.items():
        if target != "queue" and share.n:
            yield f"Also set: {target} of {share.n:,}, {_right(share)} right."
    for number, target, label in account.trips:
        yield f"The breaker took out {target} {label!r} in the time from {found.periods[number][0]:%Y-%m-%d} on."
    if account.all.routed == 0:
        yield "Nothing is routed: the evidence proves no such promise, or the policy does not let it go."
    mistakes = account.mistakes
    if len(mistakes):
        yield "Taken for another, the dearest first:"
        told = [
            (f"{row.belongs} went to {row.queue}", f"{row.tickets:,} tickets", f"{row.minutes:,.0f} minutes")
            for row in mistakes.head(MISTAKES).itertuples()
        ]
        yield from (f"  {line}" for line in _aligned(told))


def _row(name: str, learnt: str, sums: Sums, promised: float) -> tuple[str, ...]:
    low = sums.right.interval
    return (
        name, learnt, f"{sums.tickets:,}", f"{sums.share_routed:.1%}", _right(sums.right),
        f"({low[0]:.1%} to {low[1]:.1%})" if low else "", f"{sums.right.wrong:,}", f"{sums.hops:,.0f}",
        f"{sums.minutes:,.0f}", f"{sums.saved:,.0f}", sums.right.keeps(promised),
    )  # fmt: skip


def _right(share: Share) -> str:
    return "-" if share.share is None else f"{share.share:.1%}"


def _curve(found: Curve, name: str) -> Iterator[str]:
    yield f"What each promise would have saved, by the models of {name} (switches and breaker aside):"
    rows = [("promise", "routed", "right", "wrong", "minutes saved")]
    for point in found.points:
        share = point.right.n / point.tickets if point.tickets else 0.0
        mark = " <- most" if point == found.best and point.saved > 0 else ""
        rows.append(
            (
                f"{point.precision:.1%}",
                f"{share:.1%}",
                _right(point.right),
                f"{point.right.wrong:,}",
                f"{point.saved:,.0f}{mark}",
            )
        )
    yield from (f"  {line}" for line in _aligned(rows))
    if not found.queues:
        return
    yield "The promise that pays, queue by queue: chosen on the earlier half, worth told on the later half."
    rows = [("queue", "now", "pays most", "minutes saved", "instead of")]
    rows += [
        (one.queue, f"{one.present:.1%}", f"{one.best:.1%}", f"{one.saved:,.0f}", f"{one.saved_at_present:,.0f}")
        for one in found.queues
    ]
    yield from (f"  {line}" for line in _aligned(rows))


def _difference(found: Difference, first: str, second: str) -> Iterator[str]:
    yield f"{second} instead of {first}: {len(found.tickets):,} tickets fare otherwise."
    told = {"right": "routed rightly", "wrong": "routed wrongly", "unknown": "routed", "people": "left to people"}
    rows = [(f"{told[a]} -> {told[b]}", f"{n:,}") for (a, b), n in sorted(found.fates.items(), key=lambda p: -p[1])]
    yield from (f"  {line}" for line in _aligned(rows))
    between = ""
    if found.low is not None and found.high is not None:
        sure = "surely more" if found.low > 0 else "surely less" if found.high < 0 else "chance may explain it"
        between = f" ({found.low:,.0f} to {found.high:,.0f} with 95 % confidence: {sure})"
    yield f"It saves {found.minutes:,.0f} minutes{between}."


def _queues(account: Account) -> dict[str, Sums]:
    placed = account.rows[account.rows["placed"]]
    return Account(account.name, placed).by("queue")


def _promised(policy: Policy, queue: str | None, usual: float) -> float:
    """To a queue; None: where nothing else is said."""
    return policy.rule("queue", queue).precision or usual


def _plain(sums: Sums) -> dict[str, Any]:
    return {
        "tickets": sums.tickets, "routed": sums.routed, "right": sums.right.right, "known": sums.right.n,
        "hops": round(sums.hops, 1), "minutes": round(sums.minutes, 1), "by_hand": round(sums.by_hand, 1),
        "saved": round(sums.saved, 1), "hours": None if sums.hours is None else round(sums.hours, 1),
    }  # fmt: skip


def _aligned(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Rows under each other; the first column is text, the others are numbers."""
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    for row in rows:
        cells = [
            f"{cell:<{width}}" if n == 0 else f"{cell:>{width}}"
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cell for cell in cells if cell).rstrip()
