"""A mail server on loopback that keeps the mails it gets: real SMTP, optionally with STARTTLS and a login.

`answers` replaces the answers to commands; `heard` holds every line that it got.
"""

import asyncio
import base64
import ssl
import threading
from contextlib import contextmanager
from email import message_from_bytes
from email.policy import default


class MailServer:
    """What it was given lies in `mails`: (sender, recipients, message)."""

    def __init__(self, *, tls=None, at_once=False, users=None):
        self.tls = tls
        self.at_once = at_once
        self.users = users or {}
        self.answers = {}
        self.heard = []
        self.mails = []
        self.encrypted = []
        self.port = 0

    async def serve(self, reader, writer):
        async def say(text):
            writer.write(text.encode() + b"\r\n")
            await writer.drain()

        try:
            await say("220 fake ESMTP")
            envelope, safe = {"from": "", "to": []}, self.at_once
            while line := await reader.readline():
                text = line.decode("utf-8", "replace").strip()
                self.heard.append(text)
                word = text.split(":")[0].split()[0].upper() if text else ""
                if word in self.answers:
                    answer = self.answers[word]
                    if answer is None:
                        return
                    await say(answer)
                elif word == "EHLO":
                    more = [f"AUTH {self.users['ways']}"] if self.users else []
                    more += ["STARTTLS"] if self.tls and not safe else []
                    lines = ["fake", *more, "8BITMIME"]
                    await say("\r\n".join(f"250{'-' if one is not lines[-1] else ' '}{one}" for one in lines))
                elif word == "STARTTLS":
                    await say("220 go")
                    await writer.start_tls(self.tls)
                    safe = True
                elif word == "AUTH":
                    await self.let_in(text, reader, say)
                elif word == "DATA":
                    await say("354 go on")
                    raw = b""
                    while (part := await reader.readline()) != b".\r\n":
                        raw += part[1:] if part.startswith(b".") else part
                    self.mails.append((envelope["from"], envelope["to"], message_from_bytes(raw, policy=default)))
                    self.encrypted.append(safe)
                    envelope = {"from": "", "to": []}
                    await say("250 kept")
                elif word == "QUIT":
                    await say("221 bye")
                    return
                else:
                    if word == "MAIL":
                        envelope["from"] = text.partition("<")[2].partition(">")[0]
                    if word == "RCPT":
                        envelope["to"].append(text.partition("<")[2].partition(">")[0])
                    await say("250 yes")
        except (ConnectionError, ssl.SSLError):
            pass
        finally:
            writer.close()

    async def let_in(self, text, reader, say):
        _, way, *rest = text.split()
        if way.upper() == "PLAIN":
            _, user, password = base64.b64decode(rest[0]).decode().split("\0")
        else:
            user = base64.b64decode(rest[0]).decode()
            await say("334 UGFzc3dvcmQ6")
            password = base64.b64decode(await reader.readline()).decode()
        await say("235 in" if self.users.get(user) == password else "535 5.7.8 no")


@contextmanager
def served(**options):
    """A mail server that a thread serves. `tls`: an SSLContext; `users`: {"ways": "PLAIN LOGIN", name: password}."""
    fake = MailServer(**options)
    ready, loop = threading.Event(), asyncio.new_event_loop()
    stopping = asyncio.Event()

    async def run():
        first = fake.tls if fake.at_once else None
        server = await asyncio.start_server(fake.serve, "127.0.0.1", 0, ssl=first)
        fake.port = server.sockets[0].getsockname()[1]
        ready.set()
        async with server:
            await stopping.wait()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),), daemon=True)
    thread.start()
    try:
        assert ready.wait(10)
        yield fake
    finally:
        loop.call_soon_threadsafe(stopping.set)
        thread.join(10)
        loop.close()
