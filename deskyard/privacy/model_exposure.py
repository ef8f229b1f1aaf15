"""Which bundles were trained on tickets that are erased, and what they still hold of them.

A bundle holds no text. It holds the ids of its newest tickets with the weights of their words' stems, and a vocabulary
of what occurred in several tickets: stems, n-grams, and values of fields, so also the name (or, of an address, its
hash) of a requester of several tickets. All this is read from a bundle's manifest and two of its documents.
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
    """A bundle that was trained on at most `seen_tickets` of the tickets; of `remembered_tickets` it holds the id and
    the weights of the strongest stems. `knows_requester`: its vocabulary has the requester's name, or its hash."""

    name: str
    seen_tickets: int
    remembered_tickets: int
    knows_requester: bool


def find_exposed_models(
    models: Path, tickets: Sequence[TicketToErase], names: Sequence[str] = ()
) -> list[ModelExposure]:
    """The bundles that were trained on any of the tickets or know any of the names, the newest first; a broken bundle
    counts as trained on all of them."""
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
    remembered = {
        ticket.number
        for ticket in tickets
        if not ids.isdisjoint(_possible_ids(ticket, is_desk_export=until is not None))
    }
    exported = {ticket.number for ticket in tickets if until is not None and ticket.received_at <= until}
    knows_requester = any(not fields.isdisjoint(field_values(Ticket(id="", requester=name))) for name in names)
    return ModelExposure(bundle_summary.name, len(remembered | exported), len(remembered), knows_requester)


def _desk_read_until(bundle_summary: BundleSummary) -> datetime | None:
    """The moment up to which a bundle has read the tickets of the built-in desk; None if it was trained on files."""
    moment = bundle_summary.made.get("from", {}).get("desk", "")
    return datetime.fromisoformat(moment) if moment else None


def _possible_ids(ticket: TicketToErase, *, is_desk_export: bool) -> set[str]:
    """The ids that a ticket may have in a bundle: the one of the desk's export and, in other files, its id in its
    source. A plain number of the built-in desk could be any ticket in other files, so it does not count there."""
    exported = format_export_id(ticket.number, ticket.source, ticket.external_id)
    if is_desk_export:
        return {exported}
    return {exported, ticket.external_id} if ticket.external_id else set()
