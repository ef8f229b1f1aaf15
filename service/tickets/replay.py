"""The same decision, again: computed anew from the stored ticket, bundle, policy and catalogue, compared byte for byte.

In come the database and the folder of bundles, out goes a `ReplayResult`; nothing is written. Where the ticket was
erased or the bundle removed it says so, and never "same".
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
"""Only "same" proves anything. "unknown": the model or the policy of then is not there any more."""

TOLERANCE: Final = 1e-5
"""Confidences this near to each other may be the same sum, added in another order by another processor."""

_COLOURS: Final = {"same": "green", "different": "red", "erased": "yellow", "unknown": "yellow"}


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """One decision computed again; `told` is a sentence."""

    decision: int
    finding: ReplayFinding
    message: str


def verify(
    decisions: Annotated[list[int] | None, typer.Argument(help="Numbers of decisions, as the API tells them.")] = None,
    last: Annotated[int, typer.Option(min=0, help="Also so many of the newest decisions.")] = 0,
) -> None:
    """Compute decisions again from what is stored, and compare byte for byte; the exit code is 1 unless all are same.

    Example: `deskyard verify 42`, or `deskyard verify --last 100`
    """
    chosen = settings()
    with desk_database() as database:
        with database.reading() as conn:
            numbers = [*(decisions or ()), *Journal.newest_decisions(conn, last)]
        if not numbers:
            raise BadInput("say which decision: its number stands in the ticket, or --last N takes the newest.")
        found = [replay(database, chosen.models, number) for number in dict.fromkeys(numbers)]
    for one in found:
        if one.finding != "same" or len(found) <= 20:
            typer.secho(one.finding, fg=_COLOURS[one.finding], nl=False)
            typer.echo(f"  {one.decision}: {one.message}")
    same = sum(one.finding == "same" for one in found)
    typer.echo(f"{same:,} of {len(found):,} decisions are the same, byte for byte.")
    if same < len(found):
        raise typer.Exit(1)


def replay(database: Database, models: Path, number: int) -> ReplayResult:
    """Compute one decision again. Raises NotThere when the journal has no such decision."""
    with database.reading() as conn:
        entry = Journal.find_decision(conn, number)
        if entry is None:
            raise NotFound(f"there is no decision {number} in the journal")
        filed = tickets.find_ticket(conn, entry.ticket_id)
        policy = Policies.find_by_digest(conn, entry.policy or "")
        answers = entry.content.get("answers", [])
        ticket = rescoring.ticket_with_answers(conn, filed, answers) if filed else None
    if filed is None or ticket is None:
        return ReplayResult(number, "erased", f"ticket {entry.ticket_id} is erased, so nothing can be computed")
    if filed.erased_at is not None:
        told = f"ticket {filed.id} was erased on {filed.erased_at:%Y-%m-%d}, so nothing can be computed"
        return ReplayResult(number, "erased", told)
    if hash_ticket(ticket, filed.salt).ticket_hash != entry.ticket_hash:
        return ReplayResult(number, "different", f"ticket {filed.id} is not the text that was decided on")
    if policy is None:
        return ReplayResult(number, "unknown", f"the policy {entry.policy} is not in this database")
    try:
        champion = _original_champion(models, entry)
    except BundleMissing as error:
        return ReplayResult(number, "unknown", str(error))
    judgement = judge.judge(champion, policy, [ticket], entry.at.date())[0]
    catalogue = Catalogue.from_dict(entry.content["catalogue"])
    content = judge.decision_record(judgement.apply_catalogue(catalogue), catalogue)
    now = dump_content(content | {"answers": answers} if answers else content)
    if now == dump_content(entry.content):
        by = f"model {entry.bundle[:12]}" if entry.bundle else "no model"
        return ReplayResult(number, "same", f"ticket {filed.id}, {by}, policy {entry.policy}: {len(now):,} characters")
    if _nearly_equal(json.loads(now), json.loads(dump_content(entry.content))):
        told = f"ticket {filed.id}: the same labels and deeds, but confidences differ in their last digits, as they do "
        return ReplayResult(
            number, "different", f"{told}on another kind of processor or with other versions of libraries"
        )
    return ReplayResult(number, "different", f"ticket {filed.id}: computed again it is {now[:2000]}")


def _nearly_equal(one: Any, other: Any) -> bool:
    """Whether nothing but the last digits of numbers differs."""
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= TOLERANCE
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_nearly_equal(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(_nearly_equal(a, b) for a, b in zip(one, other, strict=True))
    return bool(one == other)


def _original_champion(models: Path, entry: JournalEntry) -> Champion:
    """The model of then. Where none took part, the reason that was written down stands for it."""
    if entry.bundle is None:
        return Champion(None, Reason(**entry.content["placement"]["reason"]))
    return Champion(_load_bundle(models, entry.bundle), None)


@lru_cache(maxsize=4)
def _load_bundle(models: Path, digest: str) -> "Bundle":
    from deskyard.registry import bundle  # only here: the service starts without a learning library

    return bundle.load_bundle(bundle.find_by_digest(models, digest))
