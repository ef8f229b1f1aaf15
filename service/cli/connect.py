"""The doors of `deskyard connect`, `connections` and `disconnect`: foreign help desks and mailboxes come and go.

`connect` looks before it keeps anything: who we are there, what lacks, which queues, agents and priorities are there
and how they fit what the model has learnt, what can't be done and what happens instead. A new connection begins in
shadow: nothing is written until somebody says so, queue by queue.
"""

import getpass
import secrets as dice
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from deskyard import connectors
from deskyard.connectors.base.connection_url import Place
from deskyard.connectors.base.ticket_store import Health, TicketStore, limits
from deskyard.connectors.base.webhooks import SECRET_HEADER, hashed
from deskyard.db.database import Database, desk_database
from deskyard.desk.ticket_history import Actor
from deskyard.domain.catalogue import Catalogue
from deskyard.domain.ticket import PRIORITIES
from deskyard.errors import BadInput, BundleError
from deskyard.journal import audit_log
from deskyard.policy.policy import Mode, Policy, Rule
from deskyard.policy.versions import Policies
from deskyard.registry import bundle
from deskyard.settings import settings
from deskyard.sync import connections, credentials, deliveries
from deskyard.sync.connections import StoreConnection
from deskyard.text.dates import read_time
from service.sync.dbos_engine import Engine

MAIL: Final = ("imap", "imaps")
_SHOWN: Final = 12


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for: the store's kind, its place with the secret, and under which name."""

    kind: str
    place: Place
    name: str


def connect(
    url: Annotated[str, typer.Argument(help="As in znuny:https://router@desk.example.org/…, or imaps://me@host/INBOX")],
    name: Annotated[
        str, typer.Option(help="What to call it: the source of its tickets. The store's name if left out.")
    ] = "",
    since: Annotated[str, typer.Option(help="Tickets filed from then on are sorted; now, if left out.")] = "",
    queue: Annotated[
        list[str] | None, typer.Option(help="Sort only tickets that stand in this queue; give it several times.")
    ] = None,
    per_minute: Annotated[int | None, typer.Option(min=1, help="Deliveries that its account allows a minute.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Only look; keep nothing.")] = False,
) -> None:
    """Connect a help desk or a mailbox: look whether it can be worked with, say what is found, and keep it.

    The secret comes from the URL, from the environment (DESKYARD_SECRET_NAME), or is asked for. Nothing is written
    there until `deskyard policy mode route --queue QUEUE` says so.

    Example: `deskyard connect rt:https://router@rt.example.org/REST/2.0 --queue General`
    """
    if url.partition(":")[0] in MAIL:
        from service.sync import mail_intake

        mail_intake.connect(url, name, since, check=check)
        return
    asked = _understood(url, name)
    moment = moment_of(since)
    given = asked.place.options.get("hook_secret") or credentials.read(asked.name, credentials.HOOK)
    hook = given or dice.token_urlsafe(32)
    place = replace(asked.place, options={**asked.place.options, "hook_secret": hook})
    store = connectors.open_store(f"{asked.kind}:{place.written(secrets=True)}")
    try:
        _say_health(store, store.health())
        catalogue = store.catalogue()
        _say_catalogue(catalogue, queue or [])
        for sentence in limits(store.caps):
            typer.echo(f"  · {sentence}")
        cursor = store.cursor_at(moment)
    finally:
        store.close()
    if check:
        typer.echo("It can be worked with. Nothing was kept.")
        return
    signed = store.caps.signed_webhooks
    fresh = _keep(asked, hook, signed=signed, since=moment, cursor=cursor, intake=queue or [], per_minute=per_minute)
    _say_next(asked, catalogue, hook if fresh and not given else "", store)


def listed() -> None:
    """List what is connected, one line each: name, kind, address, how far it was read, and what went wrong.

    Example: `deskyard connections`
    """
    with desk_database() as database, database.reading() as conn:
        there, counted = connections.every(conn), deliveries.counted(conn)
    for one in there:
        states = ", ".join(f"{n:,} {state}" for state, n in sorted(counted.get(one.id, {}).items()))
        read = f"read {one.pulled_at:%Y-%m-%d %H:%M} UTC" if one.pulled_at else "not read yet"
        trouble = f"; {one.trouble}" if one.trouble else "" if one.active else "; disconnected"
        typer.echo(f"{one.name:<16} {one.kind}:{one.place}; {read}; {states or 'nothing delivered yet'}{trouble}")
    if not there:
        typer.echo("Nothing is connected: `deskyard connect URL` does it, `deskyard stores` lists what can be.")


def disconnect(name: Annotated[str, typer.Argument(help="What it is called; see `deskyard connections`.")]) -> None:
    """Work with a help desk or mailbox no more: it is neither read nor written, and its secret is forgotten.

    Its tickets and deliveries stay as they are; what waits is parked. `deskyard connect` takes up again.

    Example: `deskyard disconnect znuny`
    """
    with desk_database() as database, database.writing() as conn:
        connections.left(conn, name)
        audit_log.note(conn, Actor("person", getpass.getuser()), "store.disconnect", name, datetime.now(UTC))
    credentials.forget(name)
    typer.echo(f"{name!r} is disconnected.")


def _understood(url: str, name: str) -> Asked:
    kind, _, place = url.strip().partition(":")
    if kind not in connectors.STORES:
        connectors.open_store(url)  # raises, and says which there are
    if kind == "desk":
        raise BadInput("the built-in desk is always connected; to work with another deskyard's: deskyard:https://…")
    found = Place.of(place, getattr(connectors.kind(kind), "options", ()))
    name = name or kind
    known = credentials.read(name)  # also refuses a name that can't be
    secret = found.secret or known
    if not secret and sys.stdin.isatty():
        secret = getpass.getpass(f"The password or token of {found.user or 'the account'} at {found.url}: ")
    if not secret:
        raise BadInput(
            f"there is no secret for {name!r}: put it into DESKYARD_SECRET_{name.upper().replace('-', '_')}, or run "
            "this where it can be asked for"
        )
    return Asked(kind, replace(found, secret=secret), name)


def moment_of(since: str) -> datetime:
    """The moment that `--since` names; now, if it names none."""
    if not since:
        return datetime.now(UTC)
    found = read_time(since)
    if found is None:
        raise BadInput(f"--since {since!r} is no time; write it as in 2026-01-31 or 2026-01-31T12:00Z")
    return found


def _say_health(store: TicketStore, health: Health) -> None:
    if not health.ok:
        raise BadInput("it can't be worked with yet: " + "; ".join(health.missing))
    skew = (
        ""
        if health.skew is None
        else f", its clock {abs(health.skew):.0f} s {'ahead' if health.skew > 0 else 'behind'}"
    )
    typer.echo(f"It answers: {health.version or 'version unknown'}, we are {health.me!r} there{skew}.")


def _say_catalogue(found: Catalogue, intake: Sequence[str]) -> None:
    for queue in intake:
        if queue not in found.queues:
            raise BadInput(f"--queue {queue!r}: there is no such queue; there are {_some(sorted(found.queues))}")
    typer.echo(f"  {len(found.queues):,} open queues: {_some(sorted(found.queues))}")
    typer.echo(f"  {len(found.agents):,} agents: {_some(sorted(found.agents))}")
    lacking = [name for name in PRIORITIES if name not in found.priorities]
    without = f"; it has none for {', '.join(lacking)}, which are then not set" if lacking else ""
    typer.echo(f"  priorities: {', '.join(found.priorities) or 'none'}{without}")
    if found.categories is not None:
        typer.echo(f"  {len(found.categories):,} categories: {_some(sorted(found.categories))}")
    for sentence in _against_the_model(found):
        typer.echo(f"  {sentence}")


def _against_the_model(found: Catalogue) -> Iterator[str]:
    """How what is there fits what the model in use has learnt."""
    try:
        champion = bundle.champion(settings().models)
        learnt = bundle.load(champion) if champion else None
    except BundleError as error:
        yield f"the model can't be compared: {error}"
        return
    if learnt is None:
        yield "there is no model yet: `deskyard pull` reads a history from there, `deskyard train` learns from it"
        return
    there = {"queue": set(found.queues), "assignee": set(found.agents)}
    if found.categories is not None:
        there["category"] = set(found.categories)
    for target, values in there.items():
        if target not in learnt.targets:
            continue
        labels = set(learnt.labels(target))
        yield f"{target}: {len(labels & values):,} of the {len(labels):,} that the model knows are there"
        if missing := sorted(labels - values):
            yield f"  never set, for want of them there: {_some(missing)}"
        if target == "queue" and (unknown := sorted(values - labels)):
            yield f"  never chosen, for the model does not know them: {_some(unknown)}"


def _keep(
    asked: Asked,
    hook: str,
    *,
    signed: bool,
    since: datetime,
    cursor: str,
    intake: Sequence[str],
    per_minute: int | None,
) -> bool:
    """Keep connection, secrets and the shadow. Whether it is a new one, whose webhook's secret is to be shown."""
    with desk_database() as database:
        Engine(database).prepare()
        with database.reading() as conn:
            before = {one.name: one for one in connections.every(conn)}.get(asked.name)
        if asked.place.secret != credentials.read(asked.name):
            credentials.keep(asked.name, asked.place.secret)
        if signed and (before is None or "hook_secret" in asked.place.options):
            credentials.keep(asked.name, hook, credentials.HOOK)
        _write_down(database, asked, before, hook, signed, since, cursor, intake, per_minute)
    return before is None


def _write_down(
    database: Database,
    asked: Asked,
    before: StoreConnection | None,
    hook: str,
    signed: bool,
    since: datetime,
    cursor: str,
    intake: Sequence[str],
    per_minute: int | None,
) -> None:
    user, at = getpass.getuser(), datetime.now(UTC)
    anew = before is None or "hook_secret" in asked.place.options
    kept = None if signed else hashed(hook) if anew else before.hook_sha256 if before else None
    with database.writing() as conn:
        connections.put(
            conn,
            asked.name,
            asked.kind,
            asked.place.written(secrets=False),
            since=since,
            cursor=cursor,
            hook_sha256=kept,
            intake=intake,
            per_minute=per_minute,
        )
        audit_log.note(conn, Actor("person", user), "store.connect", asked.name, at)
        now = Policies.current(conn)
        if asked.name not in now.policy.stores:
            in_shadow = replace(now.policy, stores={**now.policy.stores, asked.name: Rule(Mode.SHADOW)})
            version = Policies.put(conn, in_shadow, user, at)
            audit_log.note(conn, Actor("person", user), "policy.put", f"version {version.number}", at)


def _say_next(asked: Asked, catalogue: Catalogue, hook: str, store: TicketStore) -> None:
    address = f"{settings().public_url or 'http://127.0.0.1:8000'}/v1/hooks/{asked.name}"
    typer.echo(f"Connected as {asked.name!r}. It is read each minute while `deskyard serve` or `deskyard work` runs.")
    if hook and store.caps.webhooks and store.caps.signed_webhooks:
        typer.echo(f"Webhooks, for less than a minute: address {address}, secret {hook} (shown once)")
    elif hook and store.caps.webhooks:
        typer.echo(f"Webhooks, for less than a minute: address {address} with the header {SECRET_HEADER}: {hook}")
        typer.echo(f"  or, where no header can be sent: {address}/{hook} (shown once, kept nowhere)")
    with desk_database() as database, database.reading() as conn:
        policy = Policies.current(conn).policy
    if live := _live(policy.of(asked.name), catalogue):
        typer.secho(f"These queues are live already, by rules of the policy: {_some(live)}", fg="yellow")
    else:
        typer.echo("Nothing is written there yet (shadow): `deskyard shadow-report` shows what would have been,")
        typer.echo("and `deskyard policy mode route --queue QUEUE` goes live, one queue after the other.")


def _live(policy: Policy, catalogue: Catalogue) -> list[str]:
    return sorted(queue for queue in catalogue.queues if policy.rule("queue", queue).mode is Mode.ROUTE)


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(map(repr, names[:_SHOWN]))
    return f"{shown} and {len(names) - _SHOWN} more" if len(names) > _SHOWN else shown or "none"
