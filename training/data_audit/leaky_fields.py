"""Finds fields that were set or changed after a ticket was received, or that determine the label.

This is the most common leak of an exported history: the export has the last value, not the one at submission.
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
"""The share of tickets whose field changed later, from which it is reported."""

MIN_ACCURACY: Final = 0.97
"""The accuracy of a single field, looked up in older tickets, from which it is suspicious."""

MIN_LIFT: Final = 0.1
"""How much better than the majority label that must be."""

MIN_TICKETS_WITH_FIELD: Final = 20
"""Holdout tickets that must have the field."""

MAX_VALUE_SHARE: Final = 0.1
"""Distinct values per ticket above which a field is free text."""


def probe(case: AuditCase) -> Iterator[Finding]:
    """Findings of fields that were changed later, then of fields that determine a label."""
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
            f"{name} was changed after creation in {len(tickets):,} of {len(case.tickets):,} tickets; in {last:,} the "
            "history holds the value after the change",
            f"export the value of {name} at creation (the first `from` of its moves), or leave the column out",
            tuple(tickets)[:MAX_EXAMPLES],
            {"field": name, "changed": len(tickets), "of": len(case.tickets), "holds_the_last": last},
        )


def _field_value(ticket: Ticket, name: str) -> str | None:
    """A ticket's value of a field named in the moves; None if tickets have no such field."""
    if name in ("subject", "body", "channel", "language", "requester", "organisation"):
        return str(getattr(ticket, name))
    fields = {key.casefold(): value for key, value in ticket.fields.items()}
    return fields.get(name, fields.get(name.removeprefix("x_")))


def _find_leaky_fields(case: AuditCase) -> Iterator[Finding]:
    names = sorted({name for ticket in case.tickets for name in ticket.fields})
    for name in [*names, "channel"]:
        values = [(t.channel if name == "channel" else t.fields.get(name, "")).strip().casefold() for t in case.tickets]
        for target in case.targets:
            y, predictions = case.data.y[target], case.holdout_predictions[target]
            seen: defaultdict[str, Counter[int]] = defaultdict(Counter)
            for i in case.plan.holdout.learn.tolist():
                if values[i] and y[i] >= 0:
                    seen[values[i]][int(y[i])] += 1
            with_value = [i for i in predictions.positions.tolist() if values[i] in seen]
            if len(with_value) < MIN_TICKETS_WITH_FIELD or not 1 < len(seen) <= MAX_VALUE_SHARE * len(
                case.plan.holdout.learn
            ):
                continue
            truth = y[np.array(with_value)]
            looked_up = np.array(
                [min(seen[values[i]].items(), key=lambda pair: (-pair[1], pair[0]))[0] for i in with_value]
            )
            right = float((looked_up == truth).mean())
            majority = float((truth == case.majority_label(target)).mean())
            if right < MIN_ACCURACY or right < majority + MIN_LIFT:
                continue
            column = name if name == "channel" else f"x_{name}"
            yield Finding(
                "telling field",
                "warning",
                target,
                f"{column} alone predicts {target} correctly in {format_percent(right)} of {len(with_value):,} test "
                f"tickets (majority baseline {format_percent(majority)})",
                f"if agents set {column} during triage, leave it out; if the requester chooses it, route by a rule",
                case.ids(with_value[:MAX_EXAMPLES]),
                {"field": column, "right": right, "majority": majority, "n": len(with_value)},
            )
