"""The mapping that a person gives with `--map`: a file's columns, priorities, dates and parents of labels.

TOML files and OURS=THEIRS items become one `ColumnMapping`. Whether a file has these columns is checked by
`deskyard.history.columns`.
"""

import difflib
import tomllib
from collections.abc import Iterable, Sequence
from collections.abc import Mapping as Map
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from deskyard.domain import label_trust
from deskyard.domain.ticket import PRIORITIES, TARGETS, Target
from deskyard.errors import BadInput
from deskyard.history.priority_spellings import NumberScale
from deskyard.tabular.records import TableLocation
from deskyard.text.dates import Order

TICKET_COLUMNS: Final = ("id", "created_at", "subject", "body", "requester", "organisation", "channel", "language")
"""Columns of a ticket itself, beside the targets and the times below."""

TIME_COLUMNS: Final = ("first_response_at", "resolved_at")
"""Times of later events: read for reports, never used by a model."""

MOVE_COLUMNS: Final = ("id", "at", "actor", "field", "from", "to")
"""Columns of a file of moves."""

PARENT_TARGETS: Final = tuple(target for target in TARGETS if target != "priority")
"""Targets whose labels may have parents; priorities have an order instead."""

TRUST_COLUMNS: Final = tuple(map(label_trust.trust_column, TARGETS))
"""The trust of each label (`deskyard.domain.label_trust`), in histories that deskyard exported."""

ALL_COLUMNS: Final = (*TICKET_COLUMNS[:4], *TARGETS, *TICKET_COLUMNS[4:], *TIME_COLUMNS, *TRUST_COLUMNS)
_NUMBERS: Final[dict[str, NumberScale]] = {
    "1 is urgent": "1-is-urgent",
    "1 is critical": "1-is-urgent",
    "lowest is urgent": "1-is-urgent",
    "highest is urgent": "highest-is-urgent",
}
_LOCATION: Final = ("delimiter", "sheet", "records")
_DELIMITERS: Final = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "space": " ", "pipe": "|", "bar": "|"}
_DATES: Final[dict[str, Order]] = {"day first": "day", "month first": "month"}


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """The mapping of a desk's files; empty when none is given.

    `columns`: our name → theirs. `priority`: their spelling → low, medium, high, critical, or "" (leave it empty).
    `numbers`: which end of a numeric priority is urgent. `dates`: what comes first in 03/04/2024. `moves`: our name →
    theirs in a file of moves. `parents`: for a target, label → the broader label above it. `location`: where
    the table is in a file. `labels`: for a target, the spelling in a cell → the label, or "" for none.
    `first_of_several`: targets of which a cell of several labels has the first one.
    """

    columns: Map[str, str] = field(default_factory=dict)
    priority: Map[str, str] = field(default_factory=dict)
    numbers: NumberScale = ""
    dates: Order = ""
    moves: Map[str, str] = field(default_factory=dict)
    parents: Map[Target, Map[str, str]] = field(default_factory=dict)
    location: TableLocation = field(default_factory=TableLocation)
    labels: Map[Target, Map[str, str]] = field(default_factory=dict)
    first_of_several: frozenset[Target] = frozenset()

    def to_json(self) -> dict[str, Any]:
        """The columns and the order of dates as JSON values, to be kept in a bundle.

        >>> ColumnMapping({"body": "Text"}, dates="month").to_json()
        {'columns': {'body': 'Text'}, 'dates': 'month'}
        """
        return {"columns": dict(self.columns)} | ({"dates": self.dates} if self.dates else {})

    def with_stored(self, stored: Map[str, Any]) -> "ColumnMapping":
        """This mapping, and beneath it what `to_json` wrote; unknown values are ignored.

        >>> ColumnMapping({"id": "No"}).with_stored({"columns": {"id": "Key", "body": "Text"}}).columns
        {'id': 'No', 'body': 'Text'}
        """
        found = stored.get("columns")
        known = {str(ours): str(theirs) for ours, theirs in found.items()} if isinstance(found, dict) else {}
        dates: Order = next((order for order in _DATES.values() if order == stored.get("dates")), "")
        columns = {**self.columns, **known, **self.columns}
        return replace(self, columns=columns, dates=self.dates or dates)


def is_none(theirs: str) -> bool:
    """Whether `--map` says that a file has no such column: `body=none`."""
    return theirs.strip().casefold() == "none"


def parse_mapping(options: Iterable[str]) -> ColumnMapping:
    """The mapping of all `--map` options, each a TOML file or one item OURS=THEIRS; later ones override earlier ones.

    ==================================  ==================================================================
    `body="Текст обращения"`            the column that holds the body; also `x_product="Продукт"`
    `priority.Срочно=high`              a spelling of a priority; `none` leaves it empty
    `priority.numbers=1-is-urgent`      or `highest-is-urgent`: what a bare number means
    `dates=month-first`                 or `day-first`: what comes first in 03/04/2024
    `moves.at="Когда"`                  a column of the file of moves
    `parent.queue.VPN=Network`          the broader label to predict where `VPN` is too uncertain
    `body=fields.description`           a member of nested JSON; `created_at=none`: there is no such column
    `delimiter=¤`, `sheet=Tickets`      where the table is: any one character, or `tab`; the name or number of a sheet
    `records=data.tickets`              the member of a JSON document that holds the records
    `queue.NETWORK=Network`             the label that a cell stands for; `none` leaves it empty
    `queue.several=first`               the label of a cell with several, such as "Network; Payroll"
    ==================================  ==================================================================

    The same in TOML: `[columns]` body = "Текст обращения", `[priority]` "Срочно" = "high" and numbers = "1 is urgent",
    `dates = "month-first"` at the top, `[moves]` at = "Когда", `[parent.queue]` "VPN" = "Network", `[queue]` several =
    "first" and "NETWORK" = "Network". Raises BadInput, that names what is not understood.

    >>> mapping = parse_mapping(["body=Текст обращения", "priority.Срочно=high", "priority.numbers=1-is-urgent"])
    >>> mapping.columns, mapping.priority, mapping.numbers
    ({'body': 'Текст обращения'}, {'Срочно': 'high'}, '1-is-urgent')
    >>> parse_mapping(["boddy=Text"])
    Traceback (most recent call last):
    deskyard.errors.BadInput: --map boddy=Text: 'boddy' is not a column of ours. Did you mean 'body'? Ours are: id, \
created_at, subject, body, category, priority, queue, assignee, requester, organisation, channel, language, \
first_response_at, resolved_at, category_trust, priority_trust, queue_trust, assignee_trust, and x_ and a name.
    """
    parts = _MappingBuilder()
    for item in options:
        ours, equals, theirs = item.partition("=")
        if not equals or (item.lower().endswith(".toml") and Path(item).is_file()):
            _read_toml(item, parts)
            continue
        where = f"--map {item}"
        ours, theirs = ours.strip(), _strip_quotes(theirs)
        if ours.casefold().startswith("priority."):
            spelling, _, level = item.partition(".")[2].rpartition("=")
            parts.add_priority(_strip_quotes(spelling), _strip_quotes(level), where)
        elif ours.casefold().startswith("moves."):
            parts.add_column(parts.moves, MOVE_COLUMNS, ours.partition(".")[2], theirs, where)
        elif ours.casefold().startswith("parent."):
            label, _, parent = item.partition(".")[2].rpartition("=")
            target, _, label = label.partition(".")
            parts.add_parent(target, _strip_quotes(label), _strip_quotes(parent), where)
        elif ours.partition(".")[0].casefold() in PARENT_TARGETS and "." in ours:
            spelling, _, label = item.partition(".")[2].rpartition("=")
            parts.add_label(ours.partition(".")[0], _strip_quotes(spelling), _strip_quotes(label), where)
        elif ours.casefold() == "dates":
            parts.set_date_order(theirs, where)
        elif ours.casefold() in _LOCATION:
            parts.set_location(ours.casefold(), item.partition("=")[2], where)
        else:
            parts.add_column(parts.columns, ALL_COLUMNS, ours, theirs, where)
    return ColumnMapping(
        parts.columns,
        parts.priorities,
        parts.numbers,
        parts.dates,
        parts.moves,
        parts.parents,
        parts.location,
        parts.labels,
        frozenset(parts.first_of_several),
    )


class _MappingBuilder:
    """A `ColumnMapping` under construction."""

    def __init__(self) -> None:
        self.columns: dict[str, str] = {}
        self.priorities: dict[str, str] = {}
        self.moves: dict[str, str] = {}
        self.parents: dict[Target, dict[str, str]] = {}
        self.labels: dict[Target, dict[str, str]] = {}
        self.first_of_several: set[Target] = set()
        self.numbers: NumberScale = ""
        self.dates: Order = ""
        self.location = TableLocation()

    def add_column(
        self, columns: dict[str, str], known_names: Sequence[str], our_name: str, their_name: Any, where: str
    ) -> None:
        our_name = our_name.strip().casefold()
        fields = known_names is ALL_COLUMNS
        if our_name not in known_names and not (fields and our_name.startswith("x_") and our_name != "x_"):
            suggestion = "".join(
                f" Did you mean {name!r}?" for name in difflib.get_close_matches(our_name, known_names, 1)
            )
            others = ", and x_ and a name" if fields else ""
            raise BadInput(
                f"{where}: {our_name!r} is not a column of ours.{suggestion} "
                f"Ours are: {', '.join(known_names)}{others}."
            )
        if not isinstance(their_name, str) or not their_name.strip():
            raise BadInput(f'{where}: name the column, for example --map {our_name}="Name in the file".')
        columns[our_name] = their_name.strip()

    def add_priority(self, spelling: str, level: Any, where: str) -> None:
        level = str(level).strip().casefold()
        if spelling.casefold() == "numbers":
            numbers = _NUMBERS.get(level.replace("-", " "))
            if numbers is None:
                raise BadInput(f"{where}: use 1-is-urgent or highest-is-urgent.")
            self.numbers = numbers
        elif level not in (*PRIORITIES, "none", "") or not spelling:
            raise BadInput(
                f"{where}: a priority is one of {', '.join(PRIORITIES)}, or none; write priority.Theirs=high."
            )
        else:
            self.priorities[spelling] = "" if level == "none" else level

    def add_parent(self, target: str, label: str, parent: Any, where: str) -> None:
        known = next((name for name in PARENT_TARGETS if name == target.strip().casefold()), None)
        if known is None:
            raise BadInput(
                f"{where}: labels of {', '.join(PARENT_TARGETS)} have parents; write parent.queue.VPN=Network."
            )
        if not isinstance(parent, str) or not parent.strip() or not label.strip():
            raise BadInput(f"{where}: name a label and its parent, for example --map parent.{known}.VPN=Network.")
        self.parents.setdefault(known, {})[label.strip()] = parent.strip()

    def add_label(self, target: str, spelling: str, label: Any, where: str) -> None:
        known = next(name for name in PARENT_TARGETS if name == target.strip().casefold())
        if not isinstance(label, str) or not label.strip() or not spelling.strip():
            raise BadInput(
                f"{where}: name a spelling and its label, for example --map {known}.NETWORK=Network, or none to leave "
                "it empty."
            )
        spelling, label = spelling.strip(), label.strip()
        if spelling.casefold() == "several":
            if label.casefold() not in ("first", "all"):
                raise BadInput(f"{where}: use first, or all to keep a cell of several labels as one label.")
            (self.first_of_several.add if label.casefold() == "first" else self.first_of_several.discard)(known)
        else:
            same = spelling.casefold() == label.casefold()
            self.labels.setdefault(known, {})[spelling] = "" if label.casefold() == "none" and not same else label

    def set_date_order(self, value: Any, where: str) -> None:
        order = _DATES.get(str(value).strip().casefold().replace("-", " "))
        if order is None:
            raise BadInput(f"{where}: use day-first or month-first.")
        self.dates = order

    def set_location(self, name: str, value: Any, where: str) -> None:
        text = str(value)
        if name == "delimiter":
            text = text if len(text) == 1 else _strip_quotes(text)
            text = _DELIMITERS.get(text.casefold(), text)
            if len(text) != 1 or text.isalnum() or text in '"\r\n':
                raise BadInput(f"{where}: a delimiter is one character, such as ¤, or tab, comma, semicolon, space.")
        elif not (text := _strip_quotes(text)):
            raise BadInput(f"{where}: name the {name}.")
        self.location = replace(self.location, **{name: text})


def _read_toml(path: str, builder: _MappingBuilder) -> None:
    try:
        sections = tomllib.loads(Path(path).read_text("utf-8-sig"))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BadInput(f"--map {path}: not a readable TOML file ({reason}), and not OURS=THEIRS either.") from error
    for section, value in sections.items():
        where = f"{path}, [{section}]"
        if section == "dates":
            builder.set_date_order(value, path)
        elif section in _LOCATION and not isinstance(value, dict):
            builder.set_location(section, value, f"{where}, {section}")
        elif section not in ("columns", "priority", "moves", "parent", *PARENT_TARGETS) or not isinstance(value, dict):
            raise BadInput(
                f"{where}: the sections are [columns], [priority], [moves], [queue] and [parent.queue] (or another "
                "target), and dates, delimiter, sheet and records stand above them."
            )
        elif section == "parent":
            for target, parents in value.items():
                if not isinstance(parents, dict):
                    raise BadInput(f'{where}: the section is [parent.queue], and in it "VPN" = "Network".')
                for label, parent in parents.items():
                    builder.add_parent(target, label, parent, f"{path}, [parent.{target}], {label}")
        else:
            for name, theirs in value.items():
                if section == "priority":
                    builder.add_priority(name.strip(), theirs, f"{where}, {name}")
                elif section in PARENT_TARGETS:
                    builder.add_label(section, name, theirs, f"{where}, {name}")
                else:
                    columns, known = (
                        (builder.columns, ALL_COLUMNS) if section == "columns" else (builder.moves, MOVE_COLUMNS)
                    )
                    builder.add_column(columns, known, name, theirs, f"{where}, {name}")


def _strip_quotes(text: str) -> str:
    """The text without surrounding quotes that a shell has kept."""
    text = text.strip()
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text
