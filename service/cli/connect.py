"""`deskyard connect`, `connections` and `disconnect`: connecting external help desks and mailboxes.

Before it stores anything, `connect` checks the account and its permissions, lists the queues, agents and priorities of
the help desk, compares them with the labels of the model, and lists what the connector can't do. A new connection
starts in shadow mode: nothing is written to the help desk until routing is turned on for a queue.
"""

import getpass
import math
import secrets
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import typer

from deskyard import connectors
from deskyard.connectors.base.connection_url import ConnectionUrl
from deskyard.connectors.base.ticket_store import Health, TicketStore, describe_limits
from deskyard.connectors.base.webhooks import SECRET_HEADER, hash_secret
from deskyard.db.database import Database, desk_database
from deskyard.desk import queues as desk_queues
from deskyard.domain.actors import Actor
from deskyard.domain.catalogue import Catalogue
from deskyard.domain.label_spelling import find_ambiguous
from deskyard.domain.ticket import PRIORITIES
from deskyard.errors import BadInput, BundleError
from deskyard.journal import audit_log
from deskyard.policy.policy import Mode, Policy, Rule
from deskyard.policy.versions import Policies
from deskyard.registry import bundle
from deskyard.settings import settings
from deskyard.sync import connections, credentials, deliveries, left_out_mails
from deskyard.sync.connections import StoreConnection
from deskyard.sync.left_out_mails import LeftOutMail
from deskyard.text.dates import parse_since
from service.sync.dbos_engine import SyncEngine

MAIL_SCHEMES: Final = ("imap", "imaps")
MAIL_KINDS: Final = ("imap",)
_MAX_NAMES: Final = 12


@dataclass(frozen=True, slots=True)
class ConnectionRequest:
    """The connector, the URL with its secret, and the name of a connection to be made."""

    kind: str
    url: ConnectionUrl
    name: str


def connect(
    url: Annotated[
        str, typer.Argument(help="For example znuny:https://router@desk.example.org/…, or imaps://me@host/INBOX")
    ],
    name: Annotated[
        str,
        typer.Option(help="Name of the connection, which is the source of its tickets. Default: the connector's name."),
    ] = "",
    since: Annotated[str, typer.Option(help="Route tickets created from then on. Default: now.")] = "",
    queue: Annotated[list[str] | None, typer.Option(help="Route only tickets in this queue; repeatable.")] = None,
    per_minute: Annotated[int | None, typer.Option(min=1, help="Maximum number of deliveries a minute.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Only check; store nothing.")] = False,
) -> None:
    """Connect a help desk or a mailbox: check that it works, list what was found, and store the connection.

    The secret is read from the URL, from the environment (DESKYARD_SECRET_NAME), or from a prompt. Nothing is written
    to the help desk until `deskyard policy mode route --queue QUEUE`.

    Example: `deskyard connect rt:https://router@rt.example.org/REST/2.0 --queue General`
    """
    if url.partition(":")[0] in MAIL_SCHEMES:
        from service.sync import mail_intake

        mail_intake.connect_mailbox(url, name, since, check=check)
        return
    request = _parse_request(url, name)
    moment = parse_since(since)
    given = request.url.options.get("hook_secret") or credentials.read_secret(request.name, credentials.HOOK_SECRET)
    hook = given or secrets.token_urlsafe(32)
    full_url = replace(request.url, options={**request.url.options, "hook_secret": hook})
    store = connectors.open_store(f"{request.kind}:{full_url.format(secrets=True)}")
    try:
        health = store.health()
        _print_health(store, health)
        if not since and health.skew is not None:  # what is created from now on bears the time of the help desk's clock
            moment += timedelta(seconds=min(math.floor(health.skew), 0))
        catalogue = store.catalogue()
        _print_catalogue(catalogue, queue or [])
        for sentence in describe_limits(store.caps):
            typer.echo(f"  · {sentence}")
        cursor = store.cursor_at(moment)
    finally:
        store.close()
    if check:
        typer.echo("The check passed. Nothing was stored.")
        return
    signed = store.caps.signed_webhooks
    is_new = _save(request, hook, signed=signed, since=moment, cursor=cursor, queues=queue or [], per_minute=per_minute)
    with desk_database() as database, database.writing() as conn:  # a history that is pulled next has these spellings
        desk_queues.ensure_queues(conn, catalogue.queues)
    _print_next_steps(request, catalogue, hook if is_new and not given else "", store)


def list_connections(
    left_out: Annotated[
        bool, typer.Option("--left-out", help="List the mails that became no ticket, each with its number and reason.")
    ] = False,
    take_in: Annotated[
        list[int] | None,
        typer.Option(metavar="NUMBER", help="Make a ticket of a left-out mail after all; repeatable."),
    ] = None,
) -> None:
    """List the connections, one line each: name, connector, address, time of the last pull, deliveries and errors.

    Of a mailbox also how many mails of the last 90 days became no ticket, and why. `--left-out` lists them,
    `--take-in NUMBER` makes a ticket of one: it is read from the mailbox with the next pull.

    Example: `deskyard connections --left-out`
    """
    with desk_database() as database:
        for number in take_in or ():
            _request_mail(database, number)
        if take_in:
            return
        with database.reading() as conn:
            found, counted = connections.list_connections(conn), deliveries.count_by_state(conn)
            without_ticket, mails = left_out_mails.count_by_kind(conn), left_out_mails.list_mails(conn)
    if left_out:
        _print_left_out(mails)
        return
    for one in found:
        states = ", ".join(f"{n:,} {state}" for state, n in sorted(counted.get(one.id, {}).items()))
        read = f"read {one.pulled_at:%Y-%m-%d %H:%M} UTC" if one.pulled_at else "not read yet"
        error = f"; {one.trouble}" if one.trouble else "" if one.active else "; disconnected"
        done = states or ("" if one.kind in MAIL_KINDS else "nothing delivered yet")
        out = left_out_mails.format_counts(without_ticket.get(one.id, {}))
        details = "; ".join(part for part in (read, done, f"left out: {out}" if out else "") if part)
        typer.echo(f"{one.name:<16} {one.kind}:{one.place}; {details}{error}")
    if not found:
        typer.echo(
            "There are no connections yet: `deskyard connect URL` adds one, `deskyard connectors` lists the connectors."
        )
    elif without_ticket:
        typer.echo("`deskyard connections --left-out` lists the mails that became no ticket.")


def _request_mail(database: Database, number: int) -> None:
    user = getpass.getuser()
    with database.writing() as conn:
        mail = left_out_mails.request(conn, number, user)
        audit_log.record_action(conn, Actor("person", user), "mail.take_in", f"{number}", datetime.now(UTC))
    typer.echo(f"Mail {number} is read from {mail.connection!r} within a minute while `deskyard serve` runs.")


def _print_left_out(mails: Sequence[LeftOutMail]) -> None:
    for one in mails:
        state = (
            f"; taken in as ticket {one.ticket_id}"
            if one.ticket_id is not None
            else f"; could not be taken in: {one.trouble}"
            if one.trouble
            else "; is taken in with the next pull"
            if one.requested_by
            else ""
        )
        told = f"{one.received_at:%Y-%m-%d %H:%M} {one.sender or '(no sender)'}: {one.subject[:60] or '(no subject)'}"
        typer.echo(f"{one.id:>6} {one.connection}: {told}; {one.reason}{state}")
    if mails:
        typer.echo("`deskyard connections --take-in NUMBER` makes a ticket of a mail after all.")
    else:
        typer.echo("No mail was left out.")


def disconnect(
    name: Annotated[str, typer.Argument(help="Name of the connection; see `deskyard connections`.")],
) -> None:
    """Disconnect a help desk or mailbox: it is no longer read or written, and its secret is deleted.

    Its tickets and deliveries stay; waiting deliveries are parked. `deskyard connect` connects it again.

    Example: `deskyard disconnect znuny`
    """
    with desk_database() as database, database.writing() as conn:
        connections.disconnect(conn, name)
        audit_log.record_action(conn, Actor("person", getpass.getuser()), "store.disconnect", name, datetime.now(UTC))
    credentials.delete_secret(name)
    typer.echo(f"{name!r} is disconnected.")


def _parse_request(url: str, name: str) -> ConnectionRequest:
    kind, _, address = url.strip().partition(":")
    if kind not in connectors.CONNECTORS:
        connectors.open_store(url)  # raises BadInput that lists the connectors
    if kind == "desk":
        raise BadInput("the built-in desk is always connected; to connect another deskyard, use deskyard:https://…")
    found = ConnectionUrl.parse(address, getattr(connectors.connector_class(kind), "options", ()))
    name = name or kind
    known = credentials.read_secret(name)  # also raises BadInput for an invalid name
    secret = found.secret or known
    if not secret and sys.stdin.isatty():
        secret = getpass.getpass(f"The password or token of {found.user or 'the account'} at {found.url}: ")
    if not secret:
        raise BadInput(
            f"there is no secret for {name!r}: set DESKYARD_SECRET_{name.upper().replace('-', '_')}, or run this "
            "command at a terminal, where you are asked for it"
        )
    return ConnectionRequest(kind, replace(found, secret=secret), name)


def _print_health(store: TicketStore, health: Health) -> None:
    if not health.ok:
        raise BadInput("the help desk can't be used yet: " + "; ".join(health.missing))
    skew = (
        ""
        if health.skew is None
        else f", its clock {abs(health.skew):.0f} s {'ahead' if health.skew > 0 else 'behind'}"
    )
    typer.echo(f"Connected to {health.version or 'an unknown version'} as {health.me!r}{skew}.")


def _print_catalogue(catalogue: Catalogue, intake: Sequence[str]) -> None:
    for queue in intake:
        if queue not in catalogue.queues:
            raise BadInput(
                f"--queue {queue!r}: there is no such queue; choose from {_abbreviate(sorted(catalogue.queues))}"
            )
    typer.echo(f"  {len(catalogue.queues):,} open queues: {_abbreviate(sorted(catalogue.queues))}")
    typer.echo(f"  {len(catalogue.agents):,} agents: {_abbreviate(sorted(catalogue.agents))}")
    missing = [name for name in PRIORITIES if name not in catalogue.priorities]
    without = f"; there is none for {', '.join(missing)}, which are not set" if missing else ""
    typer.echo(f"  priorities: {', '.join(catalogue.priorities) or 'none'}{without}")
    if catalogue.categories is not None:
        typer.echo(f"  {len(catalogue.categories):,} categories: {_abbreviate(sorted(catalogue.categories))}")
    for sentence in _compare_with_model(catalogue):
        typer.echo(f"  {sentence}")


def _compare_with_model(catalogue: Catalogue) -> Iterator[str]:
    """Lines that compare the catalogue of the help desk with the labels of the model in use."""
    try:
        champion = bundle.champion_folder(settings().models)
        model = bundle.load_bundle(champion) if champion else None
    except BundleError as error:
        yield f"the model can't be compared: {error}"
        return
    if model is None:
        yield "there is no model yet: `deskyard pull` exports a history, `deskyard train` learns from it"
        return
    available = {"queue": set(catalogue.queues), "assignee": set(catalogue.agents)}
    if catalogue.categories is not None:
        available["category"] = set(catalogue.categories)
    for target, values in available.items():
        if target not in model.targets:
            continue
        labels, several = set(model.labels(target)), find_ambiguous(model.labels(target), values)
        known = {label: name for label in labels if (name := catalogue.spell(target, label)) in values}
        yield f"{target}: {len(known):,} of {len(labels):,} labels of the model exist in the help desk"
        if missing := sorted(labels - known.keys() - several.keys()):
            yield f"  never set, because the help desk has none: {_abbreviate(missing)}"
        for label, names in several.items():
            yield f"  never set, because {label!r} may be {' or '.join(map(repr, names))}: rename one of them"
        if target == "queue" and (unknown := sorted(values - set(known.values()))):
            yield f"  never predicted, because the model does not know them: {_abbreviate(unknown)}"


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
    """Store the connection, its secrets and its shadow mode. Returns whether the connection is new."""
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
    has_new_secret = before is None or "hook_secret" in request.url.options
    hook_sha256 = (
        None if signed else hash_secret(hook_secret) if has_new_secret else before.hook_sha256 if before else None
    )
    with database.writing() as conn:
        connections.save_connection(
            conn,
            request.name,
            request.kind,
            request.url.format(secrets=False),
            since=since,
            cursor=cursor,
            hook_sha256=hook_sha256,
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
    typer.echo(f"Stored as {request.name!r}. It is read every minute while `deskyard serve` or `deskyard work` runs.")
    if hook_secret and store.caps.webhooks and store.caps.signed_webhooks:
        typer.echo(f"Webhook, for updates within seconds: address {address}, secret {hook_secret} (shown once)")
    elif hook_secret and store.caps.webhooks:
        typer.echo(
            f"Webhook, for updates within seconds: address {address} with the header {SECRET_HEADER}: {hook_secret}"
        )
        typer.echo(f"  or, if no header can be sent: {address}/{hook_secret} (shown once and not stored)")
    with desk_database() as database, database.reading() as conn:
        policy = Policies.current(conn).policy
    if live := _routed_queues(policy.for_source(request.name), catalogue):
        typer.secho(f"Routing is already on for these queues by the policy: {_abbreviate(live)}", fg="yellow")
    else:
        typer.echo(
            "Nothing is written there yet (shadow mode): `deskyard shadow-report` shows what would have been set,"
        )
        typer.echo("and `deskyard policy mode route --queue QUEUE` turns routing on, queue by queue.")


def _routed_queues(policy: Policy, catalogue: Catalogue) -> list[str]:
    return sorted(queue for queue in catalogue.queues if policy.effective_rule("queue", queue).mode is Mode.ROUTE)


def _abbreviate(names: Sequence[str]) -> str:
    shown = ", ".join(map(repr, names[:_MAX_NAMES]))
    return f"{shown} and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else shown or "none"
