"""Reads rows of tables into a History: tickets with labels and times, rejected rows, and notes.

Two things are resolved late: whether 03/04/2024 starts with the day (after the table), and what a priority means (after
all tables).
"""

from collections import Counter
from dataclasses import replace
from typing import Final

from deskyard.domain import label_trust
from deskyard.domain.ticket import Ticket
from deskyard.errors import BadInput
from deskyard.history.column_mapping import ColumnMapping
from deskyard.history.columns import TIME_COLUMNS, ColumnMatch, match_columns, to_ticket
from deskyard.history.priority_spellings import is_numbered, map_spellings, parse_bare_number
from deskyard.tabular.records import BrokenRow, RecordTable, Row
from deskyard.text.dates import Order, day_and_month, detect_date_order, parse_time, read_time
from training.data.history import History
from training.data.rejected_rows import DUPLICATE_ID, NO_ID, NO_TEXT, RejectedRow

MAX_LABEL_LENGTH: Final = 200
"""Characters; a longer value of a target is a text in the wrong column, not a label."""

_MAX_EXAMPLES: Final = 10


class HistoryReader:
    """Reads one table after another into a History."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.ids: set[str] = set()
        self.shared: dict[str, str] = {}
        self.zone_noted = False
        self.numbered = 0
        self.date_orders: set[Order] = set()
        """The orders of dates such as 03/04/2024 that tables show."""

    def read(self, table: RecordTable, mapping: ColumnMapping, timed: bool = True) -> None:
        """Read all rows of `table`, whose columns are in `mapping`.

        Raises BadInput if the order of the tickets depends on their times (`timed`) and none of them can be read.
        """
        history = self.history
        history.notes.extend(f"{table.name}: {note}" for note in table.notes)
        columns, width = match_columns(table, mapping), len(table.columns)
        times = _TimeColumns(table, history)
        for row in table:
            self.numbered += "id" not in columns.columns
            if isinstance(row, BrokenRow):
                history.rejected.append(RejectedRow.from_row(table.name, row, row.reason, row.detail))
                continue
            if len(table.columns) != width:
                columns, width = match_columns(table, mapping), len(table.columns)
            if columns.repeated:
                row = row._replace(values=columns.join_repeated(row.values))
            ticket = to_ticket(row.values, columns, order=mapping.dates, number=self.numbered)
            if "id" not in columns.columns and ticket.id in self.ids:
                ticket = replace(ticket, id=self._free_id(ticket.id))
            if not ticket.id:
                self._reject(table, row, NO_ID, "the id is empty", ticket)
            elif not (_is_visible(ticket.body) or _is_visible(ticket.subject)):
                self._reject(table, row, NO_TEXT, "subject and body are empty", ticket)
            elif ticket.id in self.ids:
                self._reject(table, row, DUPLICATE_ID, "this id was read before", ticket)
            else:
                self.ids.add(ticket.id)
                times.add(row, columns, ticket)
                history.tickets.append(ticket)
                self._read_labels(row, columns)
        history.notes.extend(f"{table.name}: {note}" for note in table.describe_repairs())
        self.date_orders |= times.resolve(timed)
        if ignored := list(columns.ignored):
            history.ignored_columns[table.name] = ignored
        if times.naive and not self.zone_noted:
            self.zone_noted = True
            history.notes.append(f"{table.name}: times without a zone (such as {times.naive!r}) are taken as UTC")

    def _free_id(self, ident: str) -> str:
        """The id of a numbered row that no ticket of another file has."""
        while ident in self.ids:
            ident += "'"
        return ident

    def _reject(self, table: RecordTable, row: Row, reason: str, detail: str, ticket: Ticket) -> None:
        self.history.rejected.append(RejectedRow.from_row(table.name, row, reason, detail, ticket.id))

    def _read_labels(self, row: Row, columns: ColumnMatch) -> None:
        for target, labels in self.history.labels.items():
            label = row.values.get(columns.columns.get(target, ""), "").strip()
            if len(label) > MAX_LABEL_LENGTH:
                self.history.long_labels[target] += 1
                if self.history.long_labels[target] == 1:
                    self.history.notes.append(
                        f"{target} of ticket {self._last_id()} has {len(label):,} characters: a label of more than "
                        f"{MAX_LABEL_LENGTH} is emptied (as all such labels are)"
                    )
                label = ""
            labels.append(self.shared.setdefault(label, label) or None)
            code = row.values.get(columns.columns.get(label_trust.trust_column(target), ""), "") if label else ""
            self.history.trust[target].append(label_trust.parse_trust(code))

    def _last_id(self) -> str:
        return self.history.tickets[-1].id


class _TimeColumns:
    """The times of one table; dates that may be day-first or month-first are resolved after the table."""

    def __init__(self, table: RecordTable, history: History) -> None:
        self.table, self.history = table, history
        self.slashed: dict[str, str] = {}
        self.pending: list[tuple[int, int, str, str]] = []
        self.column = ""
        self.naive = ""
        self.zone_checked = False
        self.read_count = 0
        self.unknown_zones: dict[str, str] = {}

    def add(self, row: Row, columns: ColumnMatch, ticket: Ticket) -> None:
        """Add the times of the row that becomes the history's next ticket."""
        history, order = self.history, self.history.mapping.dates
        index = len(history.tickets)
        if place := columns.columns.get("created_at"):
            self.column = place
            text = row.values.get(place, "")
            if ticket.created_at is not None:
                self.read_count += 1
                self._look_at_zone(text)
            if ticket.created_at is None and text.strip():
                self.pending.append((index, row.line, "created_at", text))
            self._add_example(text)
        for name, into in ((TIME_COLUMNS[0], history.first_responses), (TIME_COLUMNS[1], history.resolutions)):
            text = row.values.get(columns.columns.get(name, ""), "")
            moment = None
            if text:
                moment = read_time(text, order)
                self._add_example(text)
                if moment is None and text.strip():
                    self.pending.append((index, row.line, name, text))
            into.append(moment)

    def _look_at_zone(self, text: str) -> None:
        """Remember a time without a zone, and one example of each unknown zone."""
        if self.zone_checked and not text.rstrip()[-1:].isalpha():
            return
        parsed = parse_time(text)
        if parsed is None:
            return
        if not self.zone_checked:
            self.zone_checked, self.naive = True, "" if parsed.zoned or parsed.unknown_zone else text.strip()
        if parsed.unknown_zone and len(self.unknown_zones) < _MAX_EXAMPLES:
            self.unknown_zones.setdefault(parsed.unknown_zone, text.strip())

    def _add_example(self, text: str) -> None:
        """Keep one example per day and month of dates such as 03/04/2024: about a thousand at most."""
        if (key := day_and_month(text)) and (key not in self.slashed or len(text) > len(self.slashed[key])):
            self.slashed[key] = text

    def resolve(self, timed: bool) -> set[Order]:
        """Read the pending dates in the order that the whole table shows, and return it, if the table does.

        Raises BadInput if the order of the tickets depends on their times (`timed`) and none can be read.
        """
        history = self.history
        order, sure = detect_date_order(self.slashed.values())
        if self.slashed and not history.mapping.dates:
            read = "day" if order == "day" else "month"
            why = "as its dates show" if sure else "nothing shows the order; --map dates=month-first changes it"
            history.notes.append(f"{self.table.name}: dates such as 03/04/2024 begin with the {read} ({why})")
        failed = Counter[str]()
        examples: dict[str, list[str]] = {}
        for index, line, name, text in self.pending:
            moment = read_time(text, history.mapping.dates or order)
            if moment is not None and name == "created_at":
                self.read_count += 1
                self._look_at_zone(text)
            if moment is None:
                failed[name] += 1
                if failed[name] <= 3:
                    examples.setdefault(name, []).append(f"{text.strip()[:40]!r} in {self.table.unit} {line}")
            elif name == "created_at":
                history.tickets[index] = replace(history.tickets[index], created_at=moment)
            else:
                (history.first_responses if name == TIME_COLUMNS[0] else history.resolutions)[index] = moment
        if timed and failed["created_at"] and not self.read_count:
            raise BadInput(
                f"{self.table.name}: none of the {failed['created_at']:,} times of creation in the column "
                f"{self.column[:60]!r} can be read: {', '.join(examples['created_at'])}. Write them as in 2025-01-31 "
                "14:05, or name another column with --map. To train without times, which tests the model on random "
                "tickets and is too optimistic, say that created_at=none."
            )
        if self.unknown_zones:
            zones = ", ".join(f"{zone} (as in {text[:40]!r})" for zone, text in self.unknown_zones.items())
            history.notes.append(f"{self.table.name}: the zone of some times is not known and is taken as UTC: {zones}")
        for name, count in failed.items():
            history.unreadable_times[name] += count
            history.notes.append(
                f"{self.table.name}: {count:,} values of {name} are no times that can be read and are left empty: "
                + ", ".join(examples[name])
            )
        return {order} if sure else set()


def _is_visible(text: str) -> bool:
    """Whether the text has a visible character (no space, control or zero-width character)."""
    return text[:1].isalnum() or any(c.isprintable() and not c.isspace() for c in text)


def set_priorities(history: History) -> None:
    """Replace spellings of priorities by levels; those that are not understood are emptied, counted and noted."""
    labels = history.labels["priority"]
    counts = Counter(label for label in labels if label is not None)
    moved = [value for move in history.moves if move.field == "priority" for value in (move.before, move.after)]
    seen = dict.fromkeys((*counts, *(value for value in moved if value)))
    levels = map_spellings(seen, history.mapping.priority, history.mapping.numbers)
    history.priority_levels = levels
    labels[:] = [levels.get(label) or None if label else None for label in labels]
    history.moves = [
        replace(move, before=levels.get(move.before or "") or None, after=levels.get(move.after or "") or None)
        if move.field == "priority"
        else move
        for move in history.moves
    ]
    history.priority_unknown = Counter({value: count for value, count in counts.items() if value not in levels})
    numbers = [value for value in history.priority_unknown if parse_bare_number(value) is not None]
    words = [value for value, _ in history.priority_unknown.most_common() if value not in set(numbers)]
    if numbers:
        count = sum(history.priority_unknown[value] for value in numbers)
        history.notes.append(
            f"{count:,} tickets have a bare number as priority ({', '.join(sorted(numbers)[:_MAX_EXAMPLES])}), which "
            "is left empty until you say which end is urgent: --map priority.numbers=1-is-urgent or highest-is-urgent"
        )
    if words:
        count = sum(history.priority_unknown[value] for value in words)
        named = ", ".join(f"{value!r} ({history.priority_unknown[value]:,})" for value in words[:_MAX_EXAMPLES])
        history.notes.append(
            f"{count:,} tickets have a priority that is not understood and is left empty: {named}; "
            f'say what it means, for example --map "priority.{words[0]}=medium"'
            + (
                ", or which end of the numbers is urgent: --map priority.numbers=1-is-urgent or highest-is-urgent"
                if not history.mapping.numbers and any(map(is_numbered, words))
                else ""
            )
        )
