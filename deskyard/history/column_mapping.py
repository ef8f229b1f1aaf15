"""What a person says with `--map` about a desk's files: its columns, its priorities, its dates.

What comes in: TOML files and OURS=THEIRS lines. What goes out: one `Mapping`. Whether a file has those columns is for
`deskyard.history.columns` to say.
"""

import difflib
import tomllib
from collections.abc import Iterable, Sequence
from collections.abc import Mapping as Map
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from deskyard.domain import label_trust
from deskyard.domain.ticket import PRIORITIES, TARGETS, Target
from deskyard.errors import BadInput
from deskyard.history.priority_spellings import Numbers
from deskyard.text.dates import Order

KNOWN: Final = ("id", "created_at", "subject", "body", "requester", "organisation", "channel", "language")
"""Columns of a ticket itself, beside the targets and the times below."""

TIMES: Final = ("first_response_at", "resolved_at")
"""What happened later: read for reports, never shown to a model."""

MOVES: Final = ("id", "at", "actor", "field", "from", "to")
"""Columns of a file of moves."""

PARENTED: Final = tuple(target for target in TARGETS if target != "priority")
"""Targets whose labels may have parents; priorities have an order instead."""

TRUSTS: Final = tuple(map(label_trust.column, TARGETS))
"""Who stands behind a label, where the history is a deskyard's own."""

OURS: Final = (*KNOWN[:4], *TARGETS, *KNOWN[4:], *TIMES, *TRUSTS)
_NUMBERS: Final[dict[str, Numbers]] = {
    "1 is urgent": "1-is-urgent",
    "1 is critical": "1-is-urgent",
    "lowest is urgent": "1-is-urgent",
    "highest is urgent": "highest-is-urgent",
}
_DATES: Final[dict[str, Order]] = {"day first": "day", "month first": "month"}


@dataclass(frozen=True, slots=True)
class Mapping:
    """What the person said about a desk's files; empty when nothing was said.

    `columns`: our name → theirs. `priority`: their spelling → low, medium, high, critical, or "" (leave it empty).
    `numbers`: which end of a numeric priority is urgent. `dates`: what comes first in 03/04/2024. `moves`: our name →
    theirs in a file of moves. `parents`: for a target, label → the broader label above it.
    """

    columns: Map[str, str] = field(default_factory=dict)
    priority: Map[str, str] = field(default_factory=dict)
    numbers: Numbers = ""
    dates: Order = ""
    moves: Map[str, str] = field(default_factory=dict)
    parents: Map[Target, Map[str, str]] = field(default_factory=dict)


def parse_map(said: Iterable[str]) -> Mapping:
    """What was said with `--map`, once or many times: a TOML file, or one thing as OURS=THEIRS; the later wins.

    ==================================  ==================================================================
    `body="Текст обращения"`            the column that holds the body; also `x_product="Продукт"`
    `priority.Срочно=high`              a spelling of a priority; `none` leaves it empty
    `priority.numbers=1-is-urgent`      or `highest-is-urgent`: what a bare number means
    `dates=month-first`                 or `day-first`: what comes first in 03/04/2024
    `moves.at="Когда"`                  a column of the file of moves
    `parent.queue.VPN=Network`          the broader label that may be told where `VPN` is not sure enough
    ==================================  ==================================================================

    The same in TOML: `[columns]` body = "Текст обращения", `[priority]` "Срочно" = "high" and numbers = "1 is urgent",
    `dates = "month-first"` at the top, `[moves]` at = "Когда", `[parent.queue]` "VPN" = "Network". Raises BadInput,
    naming what is not understood.

    >>> said = parse_map(["body=Текст обращения", "priority.Срочно=high", "priority.numbers=1-is-urgent"])
    >>> said.columns, said.priority, said.numbers
    ({'body': 'Текст обращения'}, {'Срочно': 'high'}, '1-is-urgent')
    >>> parse_map(["boddy=Text"])
    Traceback (most recent call last):
    deskyard.errors.BadInput: --map boddy=Text: 'boddy' is not a column of ours. Did you mean 'body'? Ours are: id, \
created_at, subject, body, category, priority, queue, assignee, requester, organisation, channel, language, \
first_response_at, resolved_at, category_trust, priority_trust, queue_trust, assignee_trust, and x_ and a name.
    """
    parts = _Parts()
    for item in said:
        ours, equals, theirs = item.partition("=")
        if not equals or (item.lower().endswith(".toml") and Path(item).is_file()):
            _read_toml(item, parts)
            continue
        where = f"--map {item}"
        ours, theirs = ours.strip(), _unquoted(theirs)
        if ours.casefold().startswith("priority."):
            spelling, _, level = item.partition(".")[2].rpartition("=")
            parts.priority(_unquoted(spelling), _unquoted(level), where)
        elif ours.casefold().startswith("moves."):
            parts.column(parts.moves, MOVES, ours.partition(".")[2], theirs, where)
        elif ours.casefold().startswith("parent."):
            label, _, parent = item.partition(".")[2].rpartition("=")
            target, _, label = label.partition(".")
            parts.parent(target, _unquoted(label), _unquoted(parent), where)
        elif ours.casefold() == "dates":
            parts.order(theirs, where)
        else:
            parts.column(parts.columns, OURS, ours, theirs, where)
    return Mapping(parts.columns, parts.priorities, parts.numbers, parts.dates, parts.moves, parts.parents)


class _Parts:
    """A Mapping while it is put together."""

    def __init__(self) -> None:
        self.columns: dict[str, str] = {}
        self.priorities: dict[str, str] = {}
        self.moves: dict[str, str] = {}
        self.parents: dict[Target, dict[str, str]] = {}
        self.numbers: Numbers = ""
        self.dates: Order = ""

    def column(self, into: dict[str, str], known: Sequence[str], ours: str, theirs: Any, where: str) -> None:
        ours = ours.strip().casefold()
        fields = known is OURS
        if ours not in known and not (fields and ours.startswith("x_") and ours != "x_"):
            near = "".join(f" Did you mean {name!r}?" for name in difflib.get_close_matches(ours, known, 1))
            more = ", and x_ and a name" if fields else ""
            raise BadInput(f"{where}: {ours!r} is not a column of ours.{near} Ours are: {', '.join(known)}{more}.")
        if not isinstance(theirs, str) or not theirs.strip():
            raise BadInput(f'{where}: say which column it is, for example --map {ours}="Name in the file".')
        into[ours] = theirs.strip()

    def priority(self, spelling: str, level: Any, where: str) -> None:
        level = str(level).strip().casefold()
        if spelling.casefold() == "numbers":
            numbers = _NUMBERS.get(level.replace("-", " "))
            if numbers is None:
                raise BadInput(f"{where}: say 1-is-urgent or highest-is-urgent.")
            self.numbers = numbers
        elif level not in (*PRIORITIES, "none", "") or not spelling:
            raise BadInput(
                f"{where}: a priority is one of {', '.join(PRIORITIES)}, or none; write priority.Theirs=high."
            )
        else:
            self.priorities[spelling] = "" if level == "none" else level

    def parent(self, target: str, label: str, parent: Any, where: str) -> None:
        known = next((name for name in PARENTED if name == target.strip().casefold()), None)
        if known is None:
            raise BadInput(f"{where}: labels of {', '.join(PARENTED)} have parents; write parent.queue.VPN=Network.")
        if not isinstance(parent, str) or not parent.strip() or not label.strip():
            raise BadInput(f"{where}: name a label and its parent, for example --map parent.{known}.VPN=Network.")
        self.parents.setdefault(known, {})[label.strip()] = parent.strip()

    def order(self, said: Any, where: str) -> None:
        order = _DATES.get(str(said).strip().casefold().replace("-", " "))
        if order is None:
            raise BadInput(f"{where}: say day-first or month-first.")
        self.dates = order


def _read_toml(path: str, parts: _Parts) -> None:
    try:
        said = tomllib.loads(Path(path).read_text("utf-8-sig"))
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise BadInput(f"--map {path}: not a readable TOML file ({why}), and not OURS=THEIRS either.") from error
    for section, value in said.items():
        where = f"{path}, [{section}]"
        if section == "dates":
            parts.order(value, path)
        elif section not in ("columns", "priority", "moves", "parent") or not isinstance(value, dict):
            raise BadInput(
                f"{where}: the sections are [columns], [priority], [moves] and [parent.queue] (or another target), and "
                "dates stands above them."
            )
        elif section == "parent":
            for target, above in value.items():
                if not isinstance(above, dict):
                    raise BadInput(f'{where}: the section is [parent.queue], and in it "VPN" = "Network".')
                for label, parent in above.items():
                    parts.parent(target, label, parent, f"{path}, [parent.{target}], {label}")
        else:
            for name, theirs in value.items():
                if section == "priority":
                    parts.priority(name.strip(), theirs, f"{where}, {name}")
                else:
                    into, known = (parts.columns, OURS) if section == "columns" else (parts.moves, MOVES)
                    parts.column(into, known, name, theirs, f"{where}, {name}")


def _unquoted(text: str) -> str:
    """Without the quotes that a shell left on."""
    text = text.strip()
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text
