"""Fields: structured values that were set or changed after filing, or that say the answer outright.

In come the tickets' fields and, where they are given, the moves; out come findings by field. A field that follows the
label is the most common leak of an exported history: the export holds the last value, not the one at filing.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Final

import numpy as np

from deskyard.domain.ticket import Ticket
from training.data_audit.case import Case
from training.data_audit.finding import SHOWN, Finding, percent

FEWEST: Final = 5
CHANGED: Final = 0.01
"""The share of tickets whose field changed after filing, from which it is said."""

TELLS: Final = 0.97
"""Accuracy of a single field, looked up in older tickets, that is too good to be known at filing."""

BEYOND: Final = 0.1
"""How far above the majority that must lie."""

WORTH: Final = 20
"""Judging tickets that must have the field."""

MOST_VALUES: Final = 0.1
"""Values a ticket, above which a field is free text."""


def probe(case: Case) -> Iterator[Finding]:
    """Fields that the moves change, then fields that tell too much."""
    yield from _changed(case)
    yield from _telling(case)


def _changed(case: Case) -> Iterator[Finding]:
    place = {ticket.id: ticket for ticket in case.tickets}
    changed: defaultdict[str, dict[str, bool]] = defaultdict(dict)
    for move in case.moves:
        name = move.field.casefold()
        ticket = place.get(move.id)
        value = _value(ticket, name) if ticket is not None else None
        if value is not None:
            changed[name][move.id] = value.strip().casefold() == (move.after or "").strip().casefold()
    for name, tickets in sorted(changed.items()):
        if len(tickets) < max(FEWEST, CHANGED * len(case.tickets)):
            continue
        last = sum(tickets.values())
        yield Finding(
            "changed field",
            "serious" if last >= FEWEST else "warning",
            None,
            f"{name} was changed after filing in {len(tickets):,} of {len(case.tickets):,} tickets; in {last:,} the "
            "history holds the value after the change",
            f"export the value of {name} at filing (the first `from` of its moves), or leave the column out",
            tuple(tickets)[:SHOWN],
            {"field": name, "changed": len(tickets), "of": len(case.tickets), "holds_the_last": last},
        )


def _value(ticket: Ticket, name: str) -> str | None:
    """What a ticket has in a field that the moves name; None for no field of tickets."""
    if name in ("subject", "body", "channel", "language", "requester", "organisation"):
        return str(getattr(ticket, name))
    fields = {key.casefold(): value for key, value in ticket.fields.items()}
    return fields.get(name, fields.get(name.removeprefix("x_")))


def _telling(case: Case) -> Iterator[Finding]:
    names = sorted({name for ticket in case.tickets for name in ticket.fields})
    for name in [*names, "channel"]:
        values = [(t.channel if name == "channel" else t.fields.get(name, "")).strip().casefold() for t in case.tickets]
        for target in case.targets:
            y, said = case.material.y[target], case.judged[target]
            seen: defaultdict[str, Counter[int]] = defaultdict(Counter)
            for i in case.plan.apart.learn.tolist():
                if values[i] and y[i] >= 0:
                    seen[values[i]][int(y[i])] += 1
            asked = [i for i in said.positions.tolist() if values[i] in seen]
            if len(asked) < WORTH or not 1 < len(seen) <= MOST_VALUES * len(case.plan.apart.learn):
                continue
            truth = y[np.array(asked)]
            told = np.array([min(seen[values[i]].items(), key=lambda pair: (-pair[1], pair[0]))[0] for i in asked])
            right = float((told == truth).mean())
            majority = float((truth == case.usual(target)).mean())
            if right < TELLS or right < majority + BEYOND:
                continue
            column = name if name == "channel" else f"x_{name}"
            yield Finding(
                "telling field",
                "warning",
                target,
                f"{column} alone tells {target} in {percent(right)} of {len(asked):,} judging tickets (majority "
                f"{percent(majority)})",
                f"if {column} is set by those who sort, leave it out; if the requester chooses it, route by a rule",
                case.ids(asked[:SHOWN]),
                {"field": column, "right": right, "majority": majority, "n": len(asked)},
            )
