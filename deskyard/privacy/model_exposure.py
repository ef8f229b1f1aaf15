"""Taught: which bundles on the shelf have learnt from tickets that are erased, and what they still hold of them.

In come the folder of bundles, tickets, and their requester's names; out goes, for each bundle, how many of the tickets
it has seen. A bundle holds no text. It holds ids, for its newest tickets the weights of their words' stems, and a
vocabulary of what occurred in several tickets: stems, runs of letters, and values of fields, so the name of whoever
wrote several tickets or, of an address, its hash. That is told by a bundle's manifest and two of its documents.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from deskyard.domain.ticket import Ticket
from deskyard.errors import BundleError
from deskyard.features.ngrams import field_values
from deskyard.history.export import format_export_id
from deskyard.privacy.erasure import TicketToErase
from deskyard.registry import bundle
from deskyard.registry.listing import BundleSummary, list_bundles


@dataclass(frozen=True, slots=True)
class ModelExposure:
    """A bundle that has seen some of these tickets: of `seen`, at most, it has learnt; of `remembered` it holds the id
    and the weights of the strongest stems. `names`: its vocabulary has the requester's name, or its hash."""

    name: str
    seen_tickets: int
    remembered_tickets: int
    knows_requester: bool


def find_exposed_models(
    models: Path, tickets: Sequence[TicketToErase], names: Sequence[str] = ()
) -> list[ModelExposure]:
    """The bundles that have seen any of the tickets or know any of the names, the newest first; one that is broken is
    taken to have seen all."""
    found = [_check_model(models, one, tickets, names) for one in list_bundles(models)]
    return [one for one in found if one.seen_tickets or one.knows_requester]


def _check_model(
    models: Path, bundle_summary: BundleSummary, tickets: Sequence[TicketToErase], names: Sequence[str]
) -> ModelExposure:
    try:
        ids, fields = map(frozenset, bundle.remembered_tickets(models / bundle_summary.name))
    except BundleError:
        return ModelExposure(bundle_summary.name, len(tickets), len(tickets), bool(names))
    until = _desk_read_until(bundle_summary)
    held = {
        ticket.number
        for ticket in tickets
        if not ids.isdisjoint(_possible_ids(ticket, is_desk_export=until is not None))
    }
    there = {ticket.number for ticket in tickets if until is not None and ticket.received_at <= until}
    known = any(not fields.isdisjoint(field_values(Ticket(id="", requester=name))) for name in names)
    return ModelExposure(bundle_summary.name, len(held | there), len(held), known)


def _desk_read_until(bundle_summary: BundleSummary) -> datetime | None:
    """Up to when a bundle has read the desk's own tickets; None for one that was learnt from files."""
    said = bundle_summary.made.get("from", {}).get("desk", "")
    return datetime.fromisoformat(said) if said else None


def _possible_ids(ticket: TicketToErase, *, is_desk_export: bool) -> set[str]:
    """How a bundle may call a ticket: as the desk exports it; in other files also by its name in its source, but a bare
    number of ours is anybody's there."""
    exported = format_export_id(ticket.number, ticket.source, ticket.external_id)
    if is_desk_export:
        return {exported}
    return {exported, ticket.external_id} if ticket.external_id else set()
