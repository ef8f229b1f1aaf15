"""Translates a history's labels into current names by the changes of the taxonomy (`deskyard.domain.taxonomy`).

Tickets whose label was split or retired lose it, and are counted.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from deskyard.domain.label_spelling import spell_as
from deskyard.domain.taxonomy import TaxonomyChange, TaxonomyLedger, parse_change, resolve_label
from deskyard.domain.ticket import Target
from deskyard.policy.policy import Policy
from training.data.history import History, history_digest


def to_current_names(history: History, policy: Policy) -> History:
    """The history in the names that are valid today by a policy."""
    return apply_taxonomy_changes(history, policy.build_ledger(datetime.now(UTC).date()).changes)


def to_bundle_names(history: History, card: Mapping[str, Any]) -> History:
    """The history in the names that a bundle was trained with, by its card."""
    return apply_taxonomy_changes(history, [parse_change(one) for one in card.get("taxonomy", [])])


def apply_taxonomy_changes(history: History, taxonomy_changes: Sequence[TaxonomyChange]) -> History:
    """The history with these changes applied; they are recorded in it and in the card of a model trained on it.

    A name that is no longer valid is translated on all tickets. A name that was changed once and is in use again is
    translated only on tickets received before the change, unless a person has set it since (`moves`).
    """
    if not taxonomy_changes:
        return history
    ledger = TaxonomyLedger(tuple(taxonomy_changes), tuple(taxonomy_changes))
    labels, notes = dict(history.labels), list[str]()
    for target in dict.fromkeys(change.target for change in taxonomy_changes):
        labels[target], retired = _translate_labels(history, target, ledger)
        notes += [
            f"{n:,} tickets have no {target} by the taxonomy of today: {label!r} was split or retired"
            for label, n in retired.most_common()
        ]
    found = replace(history, labels=labels, notes=[*history.notes, *notes], taxonomy_changes=tuple(taxonomy_changes))
    found.digest = history_digest(found)
    return found


def _translate_labels(
    history: History, target: Target, ledger: TaxonomyLedger
) -> tuple[list[str | None], Counter[str]]:
    invalid, retired = ledger.retired_labels(target), Counter[str]()
    chosen = {
        (move.id, move.after): move.at.astimezone(UTC).date()
        for move in history.moves
        if move.field == target and move.after
    }
    found: list[str | None] = []
    for ticket, label in zip(history.tickets, history.labels[target], strict=True):
        if label is None:
            found.append(None)
            continue
        came = ticket.created_at.astimezone(UTC).date() if ticket.created_at else date.min
        since = date.min if spell_as(label, invalid) in invalid else max(came, chosen.get((ticket.id, label), came))
        became = resolve_label([change for change in ledger.changes if change.on > since], target, label, invalid)
        retired[label] += not became.is_writable
        found.append(became.label if became.is_writable else None)
    return found, +retired
