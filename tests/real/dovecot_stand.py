"""Dovecot as the tests see it: who writes to the mailbox, and looks at it behind our back."""

import imaplib
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from tests.real.stand import SERVERS, running

PASSWORD = 's3cret "\\пароль'


class Post:
    """The one user's mail: put there by a delivery (a file in the Maildir) or by a client (APPEND)."""

    def __init__(self, variables: dict[str, str]) -> None:
        self.variables = variables
        self.folder = Path(variables["FOLDER"])
        self.port = int(variables["PORT"])
        self.delivered = 0

    def url(self, folder="INBOX", *, scheme="imap", host="127.0.0.1", password=PASSWORD, options=""):
        port = self.variables["TLS_PORT"] if scheme == "imaps" else self.port
        user = f"{quote(self.variables['USER'])}:{quote(password)}"
        return f"{scheme}://{user}@{host}:{port}/{quote(folder)}{options}"

    def deliver(self, raw: bytes, folder: str = "") -> None:
        """As a mail server's delivery agent does: into `new` of the Maildir."""
        self.delivered += 1
        box = self.folder / "mail" / "box" / (f".{folder}" if folder else "") / "new"
        path = box / f"{time.time():.6f}.{self.delivered:06}.tests"
        path.write_bytes(raw)
        owner = box.stat()
        os.chown(path, owner.st_uid, owner.st_gid)

    @contextmanager
    def client(self) -> Iterator[imaplib.IMAP4]:
        """Somebody else's session, who may write."""
        wire = imaplib.IMAP4("127.0.0.1", self.port, timeout=20)
        try:
            wire.authenticate("PLAIN", lambda _: f"\0{self.variables['USER']}\0{PASSWORD}".encode())
            yield wire
        finally:
            wire.logout()

    def make(self, folder: str) -> None:
        """A new empty folder, in the place of the one of that name."""
        with self.client() as wire:
            wire.delete(folder)
            assert wire.create(folder)[0] == "OK"

    def append(self, folder: str, raw: bytes, flags: str = "", at: str | None = None) -> None:
        with self.client() as wire:
            typ, answer = wire.append(folder, flags, f'"{at}"' if at else None, raw)
            assert typ == "OK", answer

    def flags(self, folder: str) -> list[bytes]:
        with self.client() as wire:
            wire.select(folder, readonly=True)
            return wire.fetch("1:*", "(UID FLAGS)")[1]

    def remove(self, folder: str, uids: str) -> None:
        with self.client() as wire:
            wire.select(folder)
            wire.uid("STORE", uids, "+FLAGS.SILENT", r"(\Deleted)")
            wire.expunge()

    def stop(self) -> None:
        subprocess.run(["bash", SERVERS / "dovecot" / "stop.sh", self.folder], timeout=60, check=True)

    def start(self) -> None:
        script = SERVERS / "dovecot" / "start.sh"
        subprocess.run(["bash", script, self.folder, str(self.port)], timeout=60, check=True, capture_output=True)


@contextmanager
def stand() -> Iterator[Post]:
    """Dovecot with an empty INBOX."""
    with running("dovecot") as variables:
        post = Post(variables)
        with post.client() as wire:
            wire.select("INBOX")
        yield post
