"""Every channel tells number, queue and link, keeps its secret, and says what to do when it can't."""

import hashlib
import hmac
import json
import logging
import socket
import threading
import time
from dataclasses import replace

import httpx2
import pytest

from deskyard.errors import AccessDenied, BadInput, StoreRefused, StoreUnreachable
from service.notifications import CHANNELS, http_post, open_channel
from service.notifications.message import TEXTS
from tests.fakes.certificate import write
from tests.fakes.serving import Faults, served
from tests.service.notifications.conftest import LOOPBACK

TOKEN = "123456:AAE-s3cret_token"
PATH = "/services/T0/B0/s3cret"


def slack(base, **more):
    return open_channel(f"slack:{base}{PATH}", "", LOOPBACK, **more)


def telegram(base, chat="-100123", **more):
    return open_channel(f"telegram:{base}/bot{TOKEN}?chat={chat}", "", LOOPBACK, **more)


def webhook(base, **more):
    return open_channel(f"webhook:{base}/hook?room=1", "s3cret-key", LOOPBACK, **more)


ALL = [slack, telegram, webhook]


def test_slack_is_told_in_plain_words(receiver, notice):
    server = receiver()
    slack(server.url).send(notice)
    slack(server.url, language="ru").send(replace(notice, link=""))
    (method, path, _, first), (_, _, _, second) = server.got
    assert (method, path) == ("POST", PATH)
    assert json.loads(first) == {
        "text": "Ticket 12 was routed to IT &amp; &lt;Co&gt;\nhttps://desk.example/tickets/12",
        "mrkdwn": False,
        "unfurl_links": False,
        "unfurl_media": False,
    }
    assert json.loads(second)["text"] == "Заявка 12 направлена в очередь «IT &amp; &lt;Co&gt;»"


def test_telegram_is_told_in_its_chat(receiver, notice):
    server = receiver()
    telegram(server.url, language="ru").send(notice)
    open_channel(f"telegram:{server.url}/own/server/bot{TOKEN}?chat=@news", "", LOOPBACK).send(notice)
    first, second = server.got
    assert first[1] == f"/bot{TOKEN}/sendMessage"
    assert second[1] == f"/own/server/bot{TOKEN}/sendMessage"
    assert json.loads(first[3]) == {
        "chat_id": "-100123",
        "text": "Заявка 12 направлена в очередь «IT & <Co>»\nhttps://desk.example/tickets/12",
        "link_preview_options": {"is_disabled": True},
    }
    assert json.loads(second[3])["chat_id"] == "@news"


def test_a_webhook_proves_sender_content_and_moment(receiver, notice):
    server = receiver()
    webhook(server.url).send(notice)
    ((_, path, headers, raw),) = server.got
    moment = headers["x-deskyard-timestamp"]
    signature = hmac.new(b"s3cret-key", moment.encode() + b"." + raw, hashlib.sha256).hexdigest()
    assert path == "/hook"
    assert headers["x-deskyard-signature"] == f"sha256={signature}"
    assert headers["x-deskyard-delivery"] == "n7"
    assert abs(int(moment) - time.time()) < 60
    assert json.loads(raw) == {
        "id": "n7",
        "event": "routed",
        "ticket": "12",
        "queue": "IT & <Co>",
        "link": "https://desk.example/tickets/12",
        "at": "2026-01-31T12:00:00Z",
    }


@pytest.mark.parametrize("channel", ALL)
@pytest.mark.parametrize(
    ("status", "error"),
    [(301, BadInput), (302, BadInput), (307, BadInput), (308, BadInput), (401, AccessDenied), (403, AccessDenied),
     (404, AccessDenied), (400, StoreRefused), (422, StoreRefused), (413, StoreRefused), (408, StoreUnreachable),
     (429, StoreUnreachable), (500, StoreUnreachable), (503, StoreUnreachable)],
)  # fmt: skip
def test_every_answer_says_what_to_do(receiver, notice, channel, status, error):
    server, trap = receiver(), receiver()
    server.answers.append((status, {"Location": f"{trap.url}/inside", "Retry-After": "7"}, f"s3cret {TOKEN}".encode()))
    with pytest.raises(error) as raised:
        channel(server.url).send(notice)
    assert "s3cret" not in str(raised.value)
    assert str(status) in str(raised.value)
    assert trap.got == []
    if error is StoreUnreachable:
        assert raised.value.retry_after == 7
    channel(server.url).send(notice)
    assert len(server.got) == 2


def test_slack_gives_its_reason(receiver, notice):
    server = receiver()
    server.answers.append((404, {}, b"no_service"))
    with pytest.raises(AccessDenied, match=r"answered 404 \(no_service\)"):
        slack(server.url).send(notice)


@pytest.mark.parametrize(
    ("status", "body", "error", "message"),
    [
        (
            429,
            {"description": "Too Many Requests: retry after 35", "parameters": {"retry_after": 35}},
            StoreUnreachable,
            "wait",
        ),
        (400, {"description": "Bad Request: chat not found"}, StoreRefused, "chat not found"),
        (400, {"description": "x", "parameters": {"migrate_to_chat_id": -1009}}, StoreRefused, r"\?chat=-1009"),
        (401, {"description": "Unauthorized"}, AccessDenied, "Unauthorized"),
        (403, {"description": f"Forbidden: bot {TOKEN} was kicked"}, AccessDenied, r"bot \*\*\* was kicked"),
        (400, [], StoreRefused, "400"),
    ],
)
def test_telegram_gives_its_reason(receiver, notice, status, body, error, message):
    server = receiver()
    server.answers.append((status, {}, json.dumps(body).encode()))
    with pytest.raises(error, match=message) as raised:
        telegram(server.url).send(notice)
    assert TOKEN not in str(raised.value)
    if error is StoreUnreachable:
        assert raised.value.retry_after == 35


@pytest.mark.parametrize("channel", ALL)
def test_silence_is_not_an_answer_and_a_cut_answer_is(notice, channel, monkeypatch):
    got = []

    async def app(scope, receive, send):
        got.append(await receive())
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})

    faults = Faults(app)
    faults.patience = 1.0
    monkeypatch.setattr(http_post, "READ_TIMEOUT", 0.3)
    with served(faults) as url:
        faults.waiting += ["hang", "cut"]
        with pytest.raises(StoreUnreachable, match="did not answer in time") as raised:
            channel(url).send(notice)
        assert "s3cret" not in str(raised.value)
        channel(url).send(notice)
    assert len(got) == 2


@pytest.mark.parametrize("channel", ALL)
def test_nobody_there(notice, channel):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(StoreUnreachable, match="can't be reached") as raised:
        channel(f"http://127.0.0.1:{port}").send(notice)
    assert "s3cret" not in str(raised.value)


class Dawdler:
    """Says something every tenth of a second, and never comes to an end."""

    def __init__(self, first, rest):
        self.first, self.rest = first, rest
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.sent = 0
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        one, _ = self.listener.accept()
        try:
            with one:
                one.sendall(self.first)
                while self.sent < 10_000_000:
                    one.sendall(self.rest)
                    self.sent += len(self.rest)
                    if len(self.rest) < 100:
                        time.sleep(0.1)
        except OSError:
            pass


def test_whoever_dawdles_is_cut_off(notice, monkeypatch):
    monkeypatch.setattr(http_post, "DEADLINE", 1.0)
    server = Dawdler(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n")
    began = time.monotonic()
    with server.listener, pytest.raises(StoreUnreachable, match="did not answer in time"):
        webhook(server.url).send(notice)
    assert time.monotonic() - began < 5


def test_of_an_endless_answer_little_is_read(notice):
    server = Dawdler(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 10_000)
    with server.listener:
        webhook(server.url).send(notice)
        time.sleep(0.2)
    assert server.sent < 8_000_000  # what the sockets' buffers take


def test_a_name_that_changes_its_address_in_between_gains_nothing(receiver, notice, names):
    good, inside = receiver(), receiver()
    port = good.url.rpartition(":")[2]
    names["hook.example"] = ["127.0.0.1", "127.0.0.2"]
    channel = open_channel(f"webhook:http://hook.example:{port}/x", "s3cret-key", ["127.0.0.1"])
    channel.send(notice)
    assert names.asked == ["hook.example"]
    assert good.got[0][2]["host"] == f"hook.example:{port}"
    with pytest.raises(BadInput, match="loopback"):
        channel.send(notice)
    assert (len(good.got), inside.got) == (1, [])


def test_tls_is_checked_against_the_name_though_the_address_is_called(receiver, notice, names, tmp_path, monkeypatch):
    cert, key = write(tmp_path, "hook.example")
    server = receiver(ssl_certfile=str(cert), ssl_keyfile=str(key))
    port = server.url.rpartition(":")[2]
    names["hook.example"] = names["other.example"] = ["127.0.0.1"]

    def channel(name):
        return open_channel(f"slack:https://{name}:{port}{PATH}", "", LOOPBACK)

    with pytest.raises(StoreUnreachable, match="certificate that can't be trusted"):
        channel("hook.example").send(notice)
    monkeypatch.setenv("SSL_CERT_FILE", str(cert))
    channel("hook.example").send(notice)
    with pytest.raises(StoreUnreachable, match="certificate that can't be trusted"):
        channel("other.example").send(notice)
    assert len(server.got) == 1


def test_the_next_address_of_a_name_is_tried_where_one_is_silent(receiver, notice, names):
    server = receiver()
    names["hook.example"] = ["127.0.0.3 127.0.0.1"]
    open_channel(f"webhook:http://hook.example:{server.url.rpartition(':')[2]}/", "s", LOOPBACK).send(notice)
    assert len(server.got) == 1


@pytest.mark.parametrize("channel", ALL)
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "127.1"])
def test_nothing_inside_is_called_unless_it_is_allowed(receiver, notice, channel, host):
    server = receiver()
    url = channel(server.url.replace("127.0.0.1", host)).display_url
    closed = open_channel(url, "s3cret", [])
    with pytest.raises(BadInput, match="DESKYARD_NOTIFY_ALLOW"):
        closed.send(notice)
    assert server.got == []


@pytest.mark.parametrize("channel", [slack, telegram])
def test_a_secret_path_never_goes_to_the_world_in_the_clear(notice, names, channel):
    names["hooks.example"] = ["93.184.215.14"]
    with pytest.raises(BadInput, match="https://"):
        channel("http://hooks.example").send(notice)


def test_no_proxy_of_the_environment_is_asked(receiver, notice, monkeypatch):
    server, proxy = receiver(), receiver()
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, proxy.url)
    webhook(server.url).send(notice)
    assert (len(server.got), proxy.got) == (1, [])


@pytest.mark.parametrize("channel", ALL)
def test_the_secret_is_in_no_log_and_no_word_about_the_channel(receiver, notice, caplog, channel):
    caplog.set_level(logging.DEBUG)
    server = receiver()
    opened = channel(server.url)
    opened.send(notice)
    shown = [repr(opened), str(opened), opened.display_url, *(record.getMessage() for record in caplog.records)]
    assert any("connect_tcp" in line for line in shown), "the HTTP library's log is looked at"
    assert not any("s3cret" in line for line in shown)


@pytest.mark.parametrize("channel", ALL)
def test_place_and_secret_open_the_same_channel(channel):
    one = channel("https://example.org:8443")
    again = open_channel(one.display_url, one.secret, LOOPBACK)
    assert (again, again.display_url, again.secret) == (one, one.display_url, one.secret)


@pytest.mark.parametrize(
    "url",
    ["slack:ftp://x/s3cret", "slack:https://user:s3cret@host/x", "slack:https://hooks.slack.com", "slack:https:///s3cret",
     "telegram:https://api.telegram.org?chat=1", "telegram:https://api.telegram.org/bots3cret", "telegram:",
     "telegram:https://api.telegram.org/bots3cret?chat=a b", "telegram:https://api.telegram.org/s3cret?chat=1",
     "webhook:https://example.org/s3cret", "webhook:https://exa mple:0/s3cret", "webhook:https://[fe80::1%25eth0]/s3cret",
     "webhook:file:///etc/passwd", "webhook:https://x:99999/s3cret", "pigeon:s3cret", "", "slack", "slack:https://\x00s3cret",
     "smtp://user:s3cret@host", "smtp://user:s3cret@host/no-address?from=a@b.c", "smtp://user:s3cret@host/a@b.c",
     "smtp://user:s3cret@host/a@b.c?from=a@b.c&x=1", "smtp:/a@b.c?from=a@b.c", "smtp://h/a@b.c?from=a@b.c%0d%0aBcc:x@y.z"],
)  # fmt: skip
def test_what_is_no_channel_is_refused_and_not_quoted(url):
    with pytest.raises(BadInput) as raised:
        open_channel(url, "", [])
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize("secret", ["/a\r\nX: s3cret", "\0s3cret", ""])
def test_a_secret_that_can_be_no_path_is_refused(secret):
    for url in ("slack:https://hooks.slack.com", "telegram:https://api.telegram.org?chat=1"):
        with pytest.raises(BadInput) as raised:
            open_channel(url, secret, [])
        assert "s3cret" not in str(raised.value)


def test_every_channel_speaks_the_same_languages(notice):
    for language in TEXTS:
        assert webhook("https://example.org", language=language)
    with pytest.raises(BadInput, match="en and ru"):
        slack("https://example.org", language="tlh")
    assert set(CHANNELS) == {"slack", "telegram", "webhook", "smtp", "smtps"}
    assert all(set(texts) == set(TEXTS["en"]) for texts in TEXTS.values())


def test_httpx_reads_addresses_as_we_check_them():
    """The host that is checked is the host of the request: one parser, and none after it."""
    for text in ("http://a@b/", "http://127.0.0.1:80\\@evil.example/", "http://evil.example#@127.0.0.1/"):
        try:
            url = http_post.parse_url(text)
        except BadInput:
            continue
        assert url.host == "evil.example" == httpx2.URL(str(url)).host
