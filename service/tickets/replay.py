"""`deskyard verify`: decisions computed again from the stored ticket, bundle, policy and catalogue, and compared.

The comparison is byte for byte; nothing is written. If the ticket was erased or the bundle removed, the result says so.
"""

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer

from deskyard.db.database import Database, desk_database
from deskyard.desk import tickets
from deskyard.domain.catalogue import Catalogue
from deskyard.domain.decision import Reason
from deskyard.errors import BadInput, BundleMissing, NotFound
from deskyard.journal.journal import Journal, JournalEntry, dump_content, hash_ticket
from deskyard.policy.versions import Policies
from deskyard.settings import settings
from service.runtime import judge
from service.runtime.model_watcher import Champion
from service.tickets import rescoring

if TYPE_CHECKING:
    from deskyard.registry.bundle import Bundle

ReplayFinding = Literal["same", "different", "erased", "unknown"]
"""Only "same" is a proof. "unknown": the model or the policy of that time is missing."""

TOLERANCE: Final = 1e-5
"""Largest difference of confidences that is put down to another order of summation on another processor."""

_COLOURS: Final = {"same": "green", "different": "red", "erased": "yellow", "unknown": "yellow"}


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """The outcome for one decision; `message` is a sentence."""

    decision: int
    finding: ReplayFinding
    message: str


def verify(
    decisions: Annotated[list[int] | None, typer.Argument(help="Decision numbers, as in the API.")] = None,
    last: Annotated[int, typer.Option(min=0, help="Also this many of the newest decisions.")] = 0,
) -> None:
    """Compute decisions again from stored data and compare them byte by byte; the exit code is 1 unless all are equal.

    Example: `deskyard verify 42`, or `deskyard verify --last 100`
    """
    app_settings = settings()
    with desk_database() as database:
        with database.reading() as conn:
            numbers = [*(decisions or ()), *Journal.newest_decisions(conn, last)]
        if not numbers:
            raise BadInput("name a decision by its number (see the ticket), or use --last N for the newest.")
        results = [replay(database, app_settings.models, number) for number in dict.fromkeys(numbers)]
    for one in results:
        if one.finding != "same" or len(results) <= 20:
            typer.secho(one.finding, fg=_COLOURS[one.finding], nl=False)
            typer.echo(f"  {one.decision}: {one.message}")
    same = sum(one.finding == "same" for one in results)
    typer.echo(f"{same:,} of {len(results):,} decisions are the same, byte for byte.")
    if same < len(results):
        raise typer.Exit(1)


def replay(database: Database, models: Path, number: int) -> ReplayResult:
    """Compute one decision again. Raises NotFound if the journal has no such decision."""
    with database.reading() as conn:
        entry = Journal.find_decision(conn, number)
        if entry is None:
            raise NotFound(f"there is no decision {number} in the journal")
        desk_ticket = tickets.find_ticket(conn, entry.ticket_id)
        policy = Policies.find_by_digest(conn, entry.policy or "")
        answers = entry.content.get("answers", [])
        ticket = rescoring.ticket_with_answers(conn, desk_ticket, answers) if desk_ticket else None
    if desk_ticket is None or ticket is None:
        return ReplayResult(number, "erased", f"ticket {entry.ticket_id} is erased, so nothing can be computed")
    if desk_ticket.erased_at is not None:
        return ReplayResult(
            number,
            "erased",
            f"ticket {desk_ticket.id} was erased on {desk_ticket.erased_at:%Y-%m-%d}, so nothing can be computed",
        )
    if hash_ticket(ticket, desk_ticket.salt).ticket_hash != entry.ticket_hash:
        return ReplayResult(
            number, "different", f"ticket {desk_ticket.id} was changed: its text is not the one that was decided on"
        )
    if policy is None:
        return ReplayResult(number, "unknown", f"the policy {entry.policy} is not in this database")
    try:
        champion = _original_champion(models, entry)
    except BundleMissing as error:
        return ReplayResult(number, "unknown", str(error))
    judgement = judge.judge(champion, policy, [ticket], entry.at.date())[0]
    catalogue = Catalogue.from_dict(entry.content["catalogue"])
    content = judge.decision_record(judgement.apply_catalogue(catalogue), catalogue)
    recomputed = dump_content(content | {"answers": answers} if answers else content)
    if recomputed == dump_content(entry.content):
        model = f"model {entry.bundle[:12]}" if entry.bundle else "no model"
        return ReplayResult(
            number, "same", f"ticket {desk_ticket.id}, {model}, policy {entry.policy}: {len(recomputed):,} characters"
        )
    if _nearly_equal(json.loads(recomputed), json.loads(dump_content(entry.content))):
        return ReplayResult(
            number,
            "different",
            f"ticket {desk_ticket.id}: labels and actions are the same, but confidences differ in their last digits, "
            "as on another kind of processor or with other versions of libraries",
        )
    return ReplayResult(number, "different", f"ticket {desk_ticket.id}: the recomputed decision is {recomputed[:2000]}")


def _nearly_equal(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal except for differences of floats within `TOLERANCE`."""
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= TOLERANCE
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_nearly_equal(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(_nearly_equal(a, b) for a, b in zip(one, other, strict=True))
    return bool(one == other)


def _original_champion(models: Path, entry: JournalEntry) -> Champion:
    """The model of the decision; if there was none, the recorded reason instead."""
    if entry.bundle is None:
        return Champion(None, Reason(**entry.content["placement"]["reason"]))
    return Champion(_load_bundle(models, entry.bundle), None)


@lru_cache(maxsize=4)
def _load_bundle(models: Path, digest: str) -> "Bundle":
    from deskyard.registry import bundle  # imported here, so that the service starts without machine-learning libraries

    return bundle.load_bundle(bundle.find_by_digest(models, digest))
