"""Which user is which identity of an OpenID Connect provider.

An identity is known by its issuer and subject, which the provider never gives to anybody else; a name can change hands.
A user has either a password or an identity. Functions take the caller's connection, which the caller commits.
"""

import shlex
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, bindparam, select, update

from deskyard.auth.user_names import is_reserved
from deskyard.auth.users import User, create_user, get_user, to_user
from deskyard.db.tables.auth import USERS
from deskyard.domain.actors import Actor
from deskyard.errors import AccessDenied, BadInput
from deskyard.journal import audit_log

_BY_IDENTITY: Final = select(USERS).where(
    USERS.c.oidc_issuer == bindparam("issuer"), USERS.c.oidc_subject == bindparam("subject")
)


@dataclass(frozen=True, slots=True)
class Identity:
    """A person as a provider knows them; `name` is what the provider calls them today, and proves nothing."""

    issuer: str
    subject: str
    name: str


def sign_in_identity(conn: Connection, identity: Identity, role: str, at: datetime) -> User:
    """The user of an identity.

    An identity that is seen for the first time becomes the user of its name whom an administrator has created for
    OpenID Connect and whom nobody has used yet; where there is no user of that name and `role` is not empty, a new user
    with that role. Raises AccessDenied, with what an administrator can do about it.
    """
    row = conn.execute(_BY_IDENTITY, {"issuer": identity.issuer, "subject": identity.subject}).first()
    if row is not None:
        if row.disabled_at is not None:
            raise AccessDenied(f"the user {row.name!r} is disabled")
        return to_user(row)
    named = conn.execute(select(USERS).where(USERS.c.name == identity.name).with_for_update()).first()
    shown = repr(identity.name[:60])
    if named is None and not role:
        raise AccessDenied(f"{shown} is not a user of this desk: create one with `deskyard user create NAME --oidc`")
    if named is None:
        if is_reserved(identity.name):
            raise AccessDenied(f"{shown} is a reserved name: an administrator has to create this user")
        try:
            create_user(conn, identity.name, role, "", identity.issuer, at)
        except BadInput as error:
            raise AccessDenied(str(error)) from error
    elif named.password or named.oidc_subject is not None or named.disabled_at is not None:
        command = shlex.join(["deskyard", "user", "link", identity.name, identity.subject])
        raise AccessDenied(
            f"there is a user {shown} who signs in another way: if that is you, an administrator can run `{command}`"
        )
    return link_identity(conn, identity.name, identity.issuer, identity.subject, identity.issuer, at)


def link_identity(conn: Connection, name: str, issuer: str, subject: str, by: str, at: datetime) -> User:
    """Let this identity, and nothing else, sign in as a user; a password and second factor are removed.

    Raises BadInput where there is no such user or the identity is another's.
    """
    if not subject.strip() or len(subject) > 255:  # OpenID Connect Core 1.0, 2
        raise BadInput("a subject (claim sub) has 1 to 255 characters")
    found = get_user(conn, name)
    holder = conn.execute(_BY_IDENTITY, {"issuer": issuer, "subject": subject}).first()
    if holder is not None and holder.id != found.id:
        raise BadInput(f"this identity signs in as {holder.name!r} already")
    values = {"oidc_issuer": issuer, "oidc_subject": subject, "password": "", "totp": None, "totp_used": 0}
    conn.execute(update(USERS).where(USERS.c.id == found.id).values(values))
    audit_log.record_action(conn, Actor("person", by), "user.link", f"{name}: {issuer} {subject}", at)
    return get_user(conn, name)
