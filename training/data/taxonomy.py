"""Names: a history's labels in the names of today, by the taxonomy ledger.

In come a history and turns (`deskyard.domain.taxonomy`), out goes the history as a model of today should learn it.
What was split or retired teaches nothing under its old name: such tickets lose the label, and are counted.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from deskyard.domain.taxonomy import TaxonomyChange, TaxonomyLedger, parse_change, resolve_label
from deskyard.domain.ticket import Target
from deskyard.policy.policy import Policy
from training.data.history import History, history_digest


def to_current_names(history: History, policy: Policy) -> History:
    """The history in the names that hold today by a policy."""
    return apply_taxonomy_changes(history, policy.build_ledger(datetime.now(UTC).date()).changes)


def to_bundle_names(history: History, card: Mapping[str, Any]) -> History:
    """The history in the names in which a bundle has learnt, as its card says."""
    return apply_taxonomy_changes(history, [parse_change(turn) for turn in card.get("taxonomy", [])])


def apply_taxonomy_changes(history: History, taxonomy_changes: Sequence[TaxonomyChange]) -> History:
    """The history after these turns; they become part of it, and of what is learnt from it.

    A name that means nothing any more is turned whenever its ticket came. One that is in use, although it was turned
    once, is turned on tickets that came before that day, unless a person has chosen it since (`moves`).
    """
    if not taxonomy_changes:
        return history
    held = TaxonomyLedger(tuple(taxonomy_changes), tuple(taxonomy_changes))
    labels, notes = dict(history.labels), list[str]()
    for target in dict.fromkeys(turn.target for turn in taxonomy_changes):
        labels[target], left = _translate_labels(history, target, held)
        notes += [
            f"{n:,} tickets have no {target} by the taxonomy of today: {label!r} was split or retired"
            for label, n in left.most_common()
        ]
    found = replace(history, labels=labels, notes=[*history.notes, *notes], taxonomy_changes=tuple(taxonomy_changes))
    found.digest = history_digest(found)
    return found


def _translate_labels(
    history: History, target: Target, ledger: TaxonomyLedger
) -> tuple[list[str | None], Counter[str]]:
    gone, left = ledger.retired_labels(target), Counter[str]()
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
        since = date.min if label in gone else max(came, chosen.get((ticket.id, label), came))
        became = resolve_label([turn for turn in ledger.changes if turn.on > since], target, label, gone)
        left[label] += not became.is_writable
        found.append(became.label if became.is_writable else None)
    return found, +left
