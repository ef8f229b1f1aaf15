"""Fields: structured values that were set or changed after filing, or that say the answer outright.

In come the tickets' fields and, where they are given, the moves; out come findings by field. A field that follows the
label is the most common leak of an exported history: the export holds the last value, not the one at filing.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Final

import numpy as np

from deskyard.domain.ticket import Ticket
from training.data_audit.case import AuditCase
from training.data_audit.finding import MAX_EXAMPLES, Finding, format_percent

MIN_TICKETS: Final = 5
MIN_CHANGED_SHARE: Final = 0.01
"""The share of tickets whose field changed after filing, from which it is said."""

MIN_ACCURACY: Final = 0.97
"""Accuracy of a single field, looked up in older tickets, that is too good to be known at filing."""

MIN_LIFT: Final = 0.1
"""How far above the majority that must lie."""

MIN_TICKETS_WITH_FIELD: Final = 20
"""Judging tickets that must have the field."""

MAX_VALUE_SHARE: Final = 0.1
"""Values a ticket, above which a field is free text."""


def probe(case: AuditCase) -> Iterator[Finding]:
    """Fields that the moves change, then fields that tell too much."""
    yield from _find_changed_fields(case)
    yield from _find_leaky_fields(case)


def _find_changed_fields(case: AuditCase) -> Iterator[Finding]:
    place = {ticket.id: ticket for ticket in case.tickets}
    changed: defaultdict[str, dict[str, bool]] = defaultdict(dict)
    for move in case.moves:
        name = move.field.casefold()
        ticket = place.get(move.id)
        value = _field_value(ticket, name) if ticket is not None else None
        if value is not None:
            changed[name][move.id] = value.strip().casefold() == (move.after or "").strip().casefold()
    for name, tickets in sorted(changed.items()):
        if len(tickets) < max(MIN_TICKETS, MIN_CHANGED_SHARE * len(case.tickets)):
            continue
        last = sum(tickets.values())
        yield Finding(
            "changed field",
            "serious" if last >= MIN_TICKETS else "warning",
            None,
            f"{name} was changed after filing in {len(tickets):,} of {len(case.tickets):,} tickets; in {last:,} the "
            "history holds the value after the change",
            f"export the value of {name} at filing (the first `from` of its moves), or leave the column out",
            tuple(tickets)[:MAX_EXAMPLES],
            {"field": name, "changed": len(tickets), "of": len(case.tickets), "holds_the_last": last},
        )


def _field_value(ticket: Ticket, name: str) -> str | None:
    """What a ticket has in a field that the moves name; None for no field of tickets."""
    if name in ("subject", "body", "channel", "language", "requester", "organisation"):
        return str(getattr(ticket, name))
    fields = {key.casefold(): value for key, value in ticket.fields.items()}
    return fields.get(name, fields.get(name.removeprefix("x_")))


def _find_leaky_fields(case: AuditCase) -> Iterator[Finding]:
    names = sorted({name for ticket in case.tickets for name in ticket.fields})
    for name in [*names, "channel"]:
        values = [(t.channel if name == "channel" else t.fields.get(name, "")).strip().casefold() for t in case.tickets]
        for target in case.targets:
            y, said = case.data.y[target], case.holdout_predictions[target]
            seen: defaultdict[str, Counter[int]] = defaultdict(Counter)
            for i in case.plan.holdout.learn.tolist():
                if values[i] and y[i] >= 0:
                    seen[values[i]][int(y[i])] += 1
            asked = [i for i in said.positions.tolist() if values[i] in seen]
            if len(asked) < MIN_TICKETS_WITH_FIELD or not 1 < len(seen) <= MAX_VALUE_SHARE * len(
                case.plan.holdout.learn
            ):
                continue
            truth = y[np.array(asked)]
            told = np.array([min(seen[values[i]].items(), key=lambda pair: (-pair[1], pair[0]))[0] for i in asked])
            right = float((told == truth).mean())
            majority = float((truth == case.majority_label(target)).mean())
            if right < MIN_ACCURACY or right < majority + MIN_LIFT:
                continue
            column = name if name == "channel" else f"x_{name}"
            yield Finding(
                "telling field",
                "warning",
                target,
                f"{column} alone tells {target} in {format_percent(right)} of {len(asked):,} judging tickets (majority "
                f"{format_percent(majority)})",
                f"if {column} is set by those who sort, leave it out; if the requester chooses it, route by a rule",
                case.ids(asked[:MAX_EXAMPLES]),
                {"field": column, "right": right, "majority": majority, "n": len(asked)},
            )
