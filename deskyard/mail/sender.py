"""Finds the person behind a mail: its sender, or whom Reply-To names if a web form or a program sent it for them."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from email.utils import getaddresses
from typing import Final

from deskyard.mail import charsets
from deskyard.mail.folded_text import fold_text

_ADDRESS: Final = re.compile(r"[^\s@<>,;\"]{1,64}@[^\s@<>,;\"]{1,255}")
_ANGLED: Final = re.compile(r"<[^\s<>]{1,64}@[^\s<>]{1,255}>")
_QUOTED_STRING: Final = re.compile(r'"[^"]*"(?!@)')
_NO_REPLY: Final = re.compile(
    r"no-?reply|do-?not-?reply|dont-?reply|not?-?respond\w*|do-?not-?respond|nicht-?antworten|keine-?antwort"
    r"|no-?responder|no-?conteste|nao-?respond\w*|nao-?responda|ne-?pas-?repondre|pas-?de-?reponse|ne-?otvechat\w*"
    r"|ne-?otvechay\w*|bez-?otveta|ne-?vidpovida\w*|ne-?vidpovidat\w*"
)
_FORM_ACCOUNTS: Final = re.compile(
    r"(?:web-?)?forms?(?:-\w+)?|web-?form\w*|form-?(?:mail|builder|s?end)\w*|contact(?:-?(?:us|form))?"
    r"|(?:web-?)?kontakt(?:-?formular)?|formul\w+"
    r"|web(?:-?(?:site|seite|server|master|admin))?|www(?:-?data|run)?|site|sait|sayt|forma|wordpress|wp|drupal|joomla"
    r"|apache|nginx|httpd|nobody|php|feedback|obratnaya-?svyaz|zvorotnii-?zvyazok|zayavk\w*|portal|anfrage\w*"
    r"|formulaire|formulario|contacto|contato|typeform|jotform|tilda|mailer|daemon|robot|bot|cms|notifications?"
)


_PERSON_HEADERS: Final = ("reply-to", "x-original-from", "x-original-sender")
"""Headers that name the person; the others than Reply-To are those of Google's groups."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sent a mail. `address` is that of From, `person` that of the person it comes from, mostly the same."""

    address: str
    name: str
    person: str

    @property
    def is_named_by_reply_to(self) -> bool:
        """Whether the person is not the one whom From names."""
        return self.person != self.address


def find_sender(
    headers: Mapping[str, str], own_addresses: Collection[str] = (), mailing_lists: Collection[str] = ()
) -> Sender:
    """Who wrote a mail. Addresses are in lower case; "" where there is none. `headers` by name in lower case.

    >>> headers = {"from": "Website <noreply@example.org>", "reply-to": "Vera <vera@home.example>"}
    >>> find_sender(headers).person, find_sender({"from": "ann@example.org", "reply-to": "x@example.org"}).person
    ('vera@home.example', 'ann@example.org')
    """
    address = _sender_address(headers.get("from", ""))
    own = {one.lower() for one in own_addresses}
    recipients = {one for name in ("to", "cc") for one in parse_addresses(headers.get(name, ""))}
    is_own = is_own_address(address, own)
    stands_for_others = (
        is_own
        or is_form_address(address)
        or address in recipients
        or address.replace("@", ".") in {one.lower() for one in mailing_lists}
    )
    person = address
    if stands_for_others:
        named = [one for name in _PERSON_HEADERS for one in parse_addresses(headers.get(name, ""))]
        foreign = [one for one in named if one != address and not is_own_address(one, own) and not is_no_reply(one)]
        # Our own answer to a customer may name a colleague; a form writes to us.
        is_answer = is_own and recipients and not any(is_own_address(one, own) for one in recipients)
        person = address if is_answer else next(iter(foreign), address)
    return Sender(address, _display_name(headers.get("from", "")), person)


def is_own_address(address: str, own: Collection[str]) -> bool:
    """Whether it is one of our addresses (in lower case), or one with a detail after a plus sign.

    >>> is_own_address("desk+7@example.org", {"desk@example.org"})
    True
    """
    account, _, domain = address.partition("@")
    return bool(address) and (address in own or f"{account.partition('+')[0]}@{domain}" in own)


def is_no_reply(address: str) -> bool:
    """Whether nobody reads what is sent there.

    >>> is_no_reply("do_not_reply@example.org"), is_no_reply("ann@example.org")
    (True, False)
    """
    return bool(_NO_REPLY.search(_account(address)))


def is_form_address(address: str) -> bool:
    """Whether a web form, a web server or a program without a mailbox sends from there.

    >>> is_form_address("www-data@example.org"), is_form_address("webber@example.org")
    (True, False)
    """
    return bool(address) and (is_no_reply(address) or bool(_FORM_ACCOUNTS.fullmatch(_account(address))))


def parse_addresses(text: str) -> list[str]:
    """The addresses of a header, in lower case. Never raises."""
    try:
        found = [address for _, address in getaddresses([text])]
    except Exception:  # includes RecursionError
        found = []
    good = [address.lower() for address in found if _ADDRESS.fullmatch(address)]
    good = good or [one[0].lower() for one in _ADDRESS.finditer(text)]
    return [charsets.decode_text(address.encode("utf-8", "surrogateescape")) for address in good]


def _sender_address(text: str) -> str:
    """The address that From gives; its display name may hold another one, or all of it may be an encoded word."""
    named = _ANGLED.search(_QUOTED_STRING.sub(" ", text))
    found = parse_addresses(named[0] if named else text) or parse_addresses(charsets.decode_header(text))
    return next(iter(found), "")


def _display_name(text: str) -> str:
    return charsets.decode_header(text.partition("<")[0]).strip(" \"'")


def _account(address: str) -> str:
    return re.sub(r"[._+-]+", "-", re.sub(r"\d", "", fold_text(address.partition("@")[0])))
