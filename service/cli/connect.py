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
from deskyard.connectors.base.connection_url import ConnectionUrl
from deskyard.connectors.base.ticket_store import Health, TicketStore, describe_limits
from deskyard.connectors.base.webhooks import SECRET_HEADER, hash_secret
from deskyard.db.database import Database, desk_database
from deskyard.domain.actors import Actor
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
from deskyard.text.dates import parse_since
from service.sync.dbos_engine import SyncEngine

MAIL_SCHEMES: Final = ("imap", "imaps")
_MAX_NAMES: Final = 12


@dataclass(frozen=True, slots=True)
class ConnectionRequest:
    """What was asked for: the store's kind, its place with the secret, and under which name."""

    kind: str
    url: ConnectionUrl
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
    if url.partition(":")[0] in MAIL_SCHEMES:
        from service.sync import mail_intake

        mail_intake.connect_mailbox(url, name, since, check=check)
        return
    asked = _parse_request(url, name)
    moment = parse_since(since)
    given = asked.url.options.get("hook_secret") or credentials.read_secret(asked.name, credentials.HOOK_SECRET)
    hook = given or dice.token_urlsafe(32)
    place = replace(asked.url, options={**asked.url.options, "hook_secret": hook})
    store = connectors.open_store(f"{asked.kind}:{place.format(secrets=True)}")
    try:
        _print_health(store, store.health())
        catalogue = store.catalogue()
        _print_catalogue(catalogue, queue or [])
        for sentence in describe_limits(store.caps):
            typer.echo(f"  · {sentence}")
        cursor = store.cursor_at(moment)
    finally:
        store.close()
    if check:
        typer.echo("It can be worked with. Nothing was kept.")
        return
    signed = store.caps.signed_webhooks
    fresh = _save(asked, hook, signed=signed, since=moment, cursor=cursor, queues=queue or [], per_minute=per_minute)
    _print_next_steps(asked, catalogue, hook if fresh and not given else "", store)


def list_connections() -> None:
    """List what is connected, one line each: name, kind, address, how far it was read, and what went wrong.

    Example: `deskyard connections`
    """
    with desk_database() as database, database.reading() as conn:
        there, counted = connections.list_connections(conn), deliveries.count_by_state(conn)
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
        connections.disconnect(conn, name)
        audit_log.record_action(conn, Actor("person", getpass.getuser()), "store.disconnect", name, datetime.now(UTC))
    credentials.delete_secret(name)
    typer.echo(f"{name!r} is disconnected.")


def _parse_request(url: str, name: str) -> ConnectionRequest:
    kind, _, place = url.strip().partition(":")
    if kind not in connectors.CONNECTORS:
        connectors.open_store(url)  # raises, and says which there are
    if kind == "desk":
        raise BadInput("the built-in desk is always connected; to work with another deskyard's: deskyard:https://…")
    found = ConnectionUrl.parse(place, getattr(connectors.connector_class(kind), "options", ()))
    name = name or kind
    known = credentials.read_secret(name)  # also refuses a name that can't be
    secret = found.secret or known
    if not secret and sys.stdin.isatty():
        secret = getpass.getpass(f"The password or token of {found.user or 'the account'} at {found.url}: ")
    if not secret:
        raise BadInput(
            f"there is no secret for {name!r}: put it into DESKYARD_SECRET_{name.upper().replace('-', '_')}, or run "
            "this where it can be asked for"
        )
    return ConnectionRequest(kind, replace(found, secret=secret), name)


def _print_health(store: TicketStore, health: Health) -> None:
    if not health.ok:
        raise BadInput("it can't be worked with yet: " + "; ".join(health.missing))
    skew = (
        ""
        if health.skew is None
        else f", its clock {abs(health.skew):.0f} s {'ahead' if health.skew > 0 else 'behind'}"
    )
    typer.echo(f"It answers: {health.version or 'version unknown'}, we are {health.me!r} there{skew}.")


def _print_catalogue(catalogue: Catalogue, intake: Sequence[str]) -> None:
    for queue in intake:
        if queue not in catalogue.queues:
            raise BadInput(
                f"--queue {queue!r}: there is no such queue; there are {_abbreviate(sorted(catalogue.queues))}"
            )
    typer.echo(f"  {len(catalogue.queues):,} open queues: {_abbreviate(sorted(catalogue.queues))}")
    typer.echo(f"  {len(catalogue.agents):,} agents: {_abbreviate(sorted(catalogue.agents))}")
    lacking = [name for name in PRIORITIES if name not in catalogue.priorities]
    without = f"; it has none for {', '.join(lacking)}, which are then not set" if lacking else ""
    typer.echo(f"  priorities: {', '.join(catalogue.priorities) or 'none'}{without}")
    if catalogue.categories is not None:
        typer.echo(f"  {len(catalogue.categories):,} categories: {_abbreviate(sorted(catalogue.categories))}")
    for sentence in _compare_with_model(catalogue):
        typer.echo(f"  {sentence}")


def _compare_with_model(catalogue: Catalogue) -> Iterator[str]:
    """How what is there fits what the model in use has learnt."""
    try:
        champion = bundle.champion_folder(settings().models)
        learnt = bundle.load_bundle(champion) if champion else None
    except BundleError as error:
        yield f"the model can't be compared: {error}"
        return
    if learnt is None:
        yield "there is no model yet: `deskyard pull` reads a history from there, `deskyard train` learns from it"
        return
    there = {"queue": set(catalogue.queues), "assignee": set(catalogue.agents)}
    if catalogue.categories is not None:
        there["category"] = set(catalogue.categories)
    for target, values in there.items():
        if target not in learnt.targets:
            continue
        labels = set(learnt.labels(target))
        yield f"{target}: {len(labels & values):,} of the {len(labels):,} that the model knows are there"
        if missing := sorted(labels - values):
            yield f"  never set, for want of them there: {_abbreviate(missing)}"
        if target == "queue" and (unknown := sorted(values - labels)):
            yield f"  never chosen, for the model does not know them: {_abbreviate(unknown)}"


def _save(
    request: ConnectionRequest,
    hook_secret: str,
    *,
    signed: bool,
    since: datetime,
    cursor: str,
    queues: Sequence[str],
    per_minute: int | None,
) -> bool:
    """Keep connection, secrets and the shadow. Whether it is a new one, whose webhook's secret is to be shown."""
    with desk_database() as database:
        SyncEngine(database).create_tables()
        with database.reading() as conn:
            before = {one.name: one for one in connections.list_connections(conn)}.get(request.name)
        if request.url.secret != credentials.read_secret(request.name):
            credentials.save_secret(request.name, request.url.secret)
        if signed and (before is None or "hook_secret" in request.url.options):
            credentials.save_secret(request.name, hook_secret, credentials.HOOK_SECRET)
        _save_connection(database, request, before, hook_secret, signed, since, cursor, queues, per_minute)
    return before is None


def _save_connection(
    database: Database,
    request: ConnectionRequest,
    before: StoreConnection | None,
    hook_secret: str,
    signed: bool,
    since: datetime,
    cursor: str,
    queues: Sequence[str],
    per_minute: int | None,
) -> None:
    user, at = getpass.getuser(), datetime.now(UTC)
    anew = before is None or "hook_secret" in request.url.options
    kept = None if signed else hash_secret(hook_secret) if anew else before.hook_sha256 if before else None
    with database.writing() as conn:
        connections.save_connection(
            conn,
            request.name,
            request.kind,
            request.url.format(secrets=False),
            since=since,
            cursor=cursor,
            hook_sha256=kept,
            intake=queues,
            per_minute=per_minute,
        )
        audit_log.record_action(conn, Actor("person", user), "store.connect", request.name, at)
        now = Policies.current(conn)
        if request.name not in now.policy.stores:
            in_shadow = replace(now.policy, stores={**now.policy.stores, request.name: Rule(Mode.SHADOW)})
            version = Policies.add_version(conn, in_shadow, user, at)
            audit_log.record_action(conn, Actor("person", user), "policy.put", f"version {version.number}", at)


def _print_next_steps(request: ConnectionRequest, catalogue: Catalogue, hook_secret: str, store: TicketStore) -> None:
    address = f"{settings().public_url or 'http://127.0.0.1:8000'}/v1/hooks/{request.name}"
    typer.echo(f"Connected as {request.name!r}. It is read each minute while `deskyard serve` or `deskyard work` runs.")
    if hook_secret and store.caps.webhooks and store.caps.signed_webhooks:
        typer.echo(f"Webhooks, for less than a minute: address {address}, secret {hook_secret} (shown once)")
    elif hook_secret and store.caps.webhooks:
        typer.echo(
            f"Webhooks, for less than a minute: address {address} with the header {SECRET_HEADER}: {hook_secret}"
        )
        typer.echo(f"  or, where no header can be sent: {address}/{hook_secret} (shown once, kept nowhere)")
    with desk_database() as database, database.reading() as conn:
        policy = Policies.current(conn).policy
    if live := _live_queues(policy.for_source(request.name), catalogue):
        typer.secho(f"These queues are live already, by rules of the policy: {_abbreviate(live)}", fg="yellow")
    else:
        typer.echo("Nothing is written there yet (shadow): `deskyard shadow-report` shows what would have been,")
        typer.echo("and `deskyard policy mode route --queue QUEUE` goes live, one queue after the other.")


def _live_queues(policy: Policy, catalogue: Catalogue) -> list[str]:
    return sorted(queue for queue in catalogue.queues if policy.effective_rule("queue", queue).mode is Mode.ROUTE)


def _abbreviate(names: Sequence[str]) -> str:
    shown = ", ".join(map(repr, names[:_MAX_NAMES]))
    return f"{shown} and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else shown or "none"
