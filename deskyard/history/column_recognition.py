"""Recognises the columns of a help desk's export by their names and by what their cells look like.

A column with our own name, or one that `--map` names, is settled before. Of the others each of ours takes the one whose
name says so most clearly, if the cells agree; where names say nothing, long texts are bodies and dates are the creation
time. Where it is not sure which, or a body or dates would stay unused, the run stops with one `--map` line to paste.
"""

import re
import shlex
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Mapping as Map
from dataclasses import dataclass
from typing import Final, Literal

from deskyard.domain.ticket import TARGETS
from deskyard.errors import BadInput
from deskyard.history.column_mapping import TICKET_COLUMNS, TIME_COLUMNS, is_none
from deskyard.tabular.column_names import NameMatch, NameStrength, is_answer_name, is_other_time_name, match_name
from deskyard.tabular.header_row import looks_like_data
from deskyard.tabular.records import RecordTable, Row
from deskyard.text.dates import read_time

SAMPLE_ROWS: Final = 300
"""Rows that are looked at; with bodies of 1 MB they take 300 MB."""

_MAX_PROFILED: Final = 300
"""Columns without a telling name that are looked at."""

_RECOGNISED: Final = (*TICKET_COLUMNS[:4], *TARGETS, *TICKET_COLUMNS[4:], *TIME_COLUMNS)

Use = Literal["train", "predict"]

_REPETITION: Final = re.compile(r" \(\d+\)$")
_EPOCH: Final = re.compile(r"1\d{9}(?:\d{3})?(?:\.\d{1,6})?")
_MIN_FILLED: Final = 0.2
"""The share of filled cells below which another column of a fitting name is taken."""


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """What the filled cells of a column look like in a sample: their number, shares (0..1), lengths in characters."""

    rows: int
    filled: float
    distinct: float
    labels: int
    dates: float
    epochs: float
    digits: float
    nested: float
    length: float
    longest: int
    words: float

    @classmethod
    def build(cls, cells: Sequence[str]) -> "ColumnProfile":
        """The profile of a sample of cells.

        >>> ColumnProfile.build(["2025-01-06", "", "2025-01-07", "2025-01-07"]).dates
        1.0
        """
        texts = [text for cell in cells if (text := cell.strip())]
        count = max(len(texts), 1)
        labels = set(texts)
        dated = texts[:100]
        return cls(
            rows=len(texts),
            filled=len(texts) / max(len(cells), 1),
            distinct=len(labels) / count,
            labels=len(labels),
            dates=sum(_is_written_date(text) for text in dated) / max(len(dated), 1),
            epochs=sum(bool(_EPOCH.fullmatch(text)) for text in dated) / max(len(dated), 1),
            digits=sum(any(map(str.isdigit, text)) for text in dated) / max(len(dated), 1),
            nested=sum(text.startswith(("[{", '{"')) for text in texts) / count,
            length=sum(map(len, texts)) / count,
            longest=max(map(len, texts), default=0),
            words=sum(len(text.split()) for text in texts) / count,
        )

    @property
    def holds_dates(self) -> bool:
        """Whether most cells are dates; bare numbers are not."""
        return self.rows > 0 and self.dates >= 0.8

    @property
    def holds_epochs(self) -> bool:
        """Whether most cells may be seconds or milliseconds since 1970; so may other numbers."""
        return self.epochs >= 0.8

    @property
    def holds_bodies(self) -> bool:
        """Whether the cells are texts of tickets: many words, and seldom the same."""
        return (
            self.words >= 6 and self.nested < 0.5 and self.length >= 35 and self.distinct >= 0.4 and self.filled >= 0.3
        )

    @property
    def holds_labels(self) -> bool:
        """Whether the cells are few short values that repeat."""
        few = (
            self.labels <= max(12, self.rows / 4) and self.distinct <= 0.7 if self.rows > 8 else self.labels < self.rows
        )
        return few and self.labels > 1 and self.nested < 0.5 and self.longest <= 100 and not self.holds_dates

    @property
    def holds_ids(self) -> bool:
        """Whether the cells are short and hardly ever repeat."""
        return self.filled >= 0.98 and self.distinct >= 0.98 and self.longest <= 64 and self.words < 1.2


def _is_written_date(text: str) -> bool:
    return not text.isdecimal() and read_time(text) is not None


@dataclass(frozen=True, slots=True)
class RecognisedColumns:
    """`columns`: our name → the table's column, only those that were recognised; `notes`: sentences about them."""

    columns: dict[str, str]
    notes: list[str]


def recognise_columns(
    table: RecordTable, settled: Map[str, str], mapped: Map[str, str], *, use: Use = "train", timed: bool = True
) -> RecognisedColumns:
    """Recognise the columns of `table` that are not among the `settled` ones (our name → the table's column).

    `mapped` are the columns of `--map`, of which some may say that there is none. For "predict" only what belongs to
    the ticket itself is needed. `timed`: whether the time of creation is needed. Raises BadInput, with one `--map` line
    to paste, where it is not sure.

    >>> table = RecordTable("t.csv", ["Id", "Created at", "Subject", "Description", "Group"], iter([]))
    >>> recognise_columns(table, {"id": "Id", "subject": "Subject"}, {}).columns
    {'created_at': 'Created at', 'body': 'Description', 'queue': 'Group'}
    """
    search = _Search(table, settled, {ours for ours, theirs in mapped.items() if is_none(theirs)}, use)
    search.refuse_data_as_header()
    for ours in _RECOGNISED:
        search.take_by_name(ours)
    search.take_body_by_content()
    search.take_short_body_as_subject()
    if timed and use == "train":
        search.take_time_by_content()
    if use == "train":
        search.ask_for_targets()
    if search.problems:
        raise BadInput(search.describe_problems())
    return RecognisedColumns(search.columns, search.notes())


class _Search:
    """The columns of one table that are still free, and those that were recognised."""

    def __init__(self, table: RecordTable, settled: Map[str, str], absent: set[str], use: Use) -> None:
        self.table, self.settled, self.absent, self.use = table, settled, absent, use
        self.columns: dict[str, str] = {}
        self.by_content: list[str] = []
        self.proposed: dict[str, str] = {}
        self.problems: list[str] = []
        self.remarks: list[str] = []
        self._taken = set(settled.values())
        self._rows = [row.values for row in table.peek(SAMPLE_ROWS) if isinstance(row, Row)]
        self._profiles: dict[str, ColumnProfile] = {}
        stems = {name.casefold(): _REPETITION.sub("", name).casefold() for name in table.columns}
        numbered = {name for name, stem in stems.items() if stem != name and stem in table.repeated}
        self._names: dict[str, list[tuple[str, NameMatch]]] = {}
        for name in table.columns:
            if name.casefold() not in numbered and name not in self._taken and not name.casefold().startswith("x_"):
                for ours, match in match_name(name).items():
                    self._names.setdefault(ours, []).append((name, match))

    def profile(self, name: str) -> ColumnProfile:
        if name not in self._profiles:
            self._profiles[name] = ColumnProfile.build([row.get(name, "") for row in self._rows])
        return self._profiles[name]

    def refuse_data_as_header(self) -> None:
        """Raise BadInput for a table whose first line is a ticket; columns may be called by numbers."""
        numbered = all(name.isdecimal() and len(name) <= 4 for name in self.table.columns)
        if not self.settled and not self._names and not numbered and looks_like_data(self.table.columns):
            raise BadInput(
                f"{self.table.name} has no header: its first {self.table.unit} looks like a ticket. Put a line above "
                "it that names the columns, such as id, created_at, subject, body, queue."
            )

    def is_open(self, ours: str) -> bool:
        return ours not in self.settled and ours not in self.absent and ours not in self.columns

    def take_by_name(self, ours: str) -> None:
        """Take the free column whose name says most clearly that it is ours."""
        if not self.is_open(ours) or (self.use == "predict" and ours in (*TARGETS, *TIME_COLUMNS)):
            return
        found = [(name, match) for name, match in self._names.get(ours, ()) if name not in self._taken]
        fitting = [(name, match) for name, match in found if self._fits(ours, name, match)]
        if not fitting:
            return
        telling = [one for one in fitting if self._is_telling(ours, one[0])] or fitting
        best = max(match.strength for _, match in telling)
        same = sorted(
            (match.rank, name.count("."), at, name)
            for at, (name, match) in enumerate(telling)
            if match.strength == best
        )
        names = [name for *_, name in same]
        if ours == "body":
            names = self._longest_first(names)
        if ours == "created_at":
            names = self._different_times(names)
        if best == NameStrength.CONTAINED and len(names) > 1 and ours in ("body", "created_at"):
            self._ask(ours, sorted(names, key=lambda name: -self.profile(name).length))
            return
        self._take(ours, names[0])

    def _is_telling(self, ours: str, name: str) -> bool:
        """Whether the cells are what a column of ours usually holds; of several names such a one is taken."""
        profile = self.profile(name)
        return profile.filled >= _MIN_FILLED and _USUALLY.get(ours, _always)(profile)

    def _longest_first(self, names: list[str]) -> list[str]:
        """The names in their order, but one with texts of three times the length first."""
        longest = max(names, key=lambda name: self.profile(name).length)
        if self.profile(longest).length > 3 * self.profile(names[0]).length and self.profile(longest).holds_bodies:
            return [longest, *(name for name in names if name != longest)]
        return names

    def _fits(self, ours: str, name: str, match: NameMatch) -> bool:
        """Whether the cells agree with what the name says; for a clear name they only must not contradict."""
        profile = self.profile(name)
        if profile.nested > 0.5:
            return False
        if not profile.rows:
            return match.strength == NameStrength.STRONG
        if match.strength == NameStrength.STRONG:
            return _CONTRADICTS.get(ours, _never)(profile) is False
        return _AGREES[ours](profile)

    def _take(self, ours: str, name: str) -> None:
        self.columns[ours] = name
        self._taken.add(name)

    def _ask(self, ours: str, names: Sequence[str]) -> None:
        """Note that it is not sure which of these columns is ours; the first one is proposed."""
        self.problems.append(f"{ours} may be {' or '.join(quote_name(name) for name in names[:4])}")
        self.proposed[ours] = names[0]
        self._taken.update(names)

    def _free(self, holds: Callable[[ColumnProfile], bool]) -> list[str]:
        free = [name for name in self.table.columns[:_MAX_PROFILED] if name not in self._taken]
        return [name for name in free if not name.casefold().startswith("x_") and holds(self.profile(name))]

    def take_body_by_content(self) -> None:
        """Take the only column of long texts as the body; ask where there are several, or it was written later."""
        if "body" in self.absent or "body" in self.proposed:
            return
        found = self._free(lambda profile: profile.holds_bodies)
        if not self.is_open("body"):
            self._compare_with_body([name for name in found if not is_answer_name(name)])
            return
        asked = [name for name in found if not is_answer_name(name)]
        if len(asked) == 1:
            self._take("body", asked[0])
            self.by_content.append("body")
        elif asked:
            self._ask("body", sorted(asked, key=lambda name: -self.profile(name).length))
        elif found:
            self._ask("body", found)
            self.problems[-1] += ", whose name says that it was written after the ticket came"

    def _compare_with_body(self, others: list[str]) -> None:
        """Ask where a column that is called like a body has no texts and another has, and tell of further texts."""
        body = self.columns.get("body")
        if body is not None and others and self.profile(body).rows and not self.profile(body).holds_bodies:
            del self.columns["body"]
            self._ask("body", [others[0], body])
        elif others:
            self.remarks.append(f"long texts that are not used: {list_names(others)}")

    def _different_times(self, names: list[str]) -> list[str]:
        """The first name, and those of other times than the first holds."""
        times = {name: [read_time(row.get(name, "")) for row in self._rows[:20]] for name in names[:20]}
        return [name for name in names if name == names[0] or times.get(name) != times[names[0]]]

    def take_short_body_as_subject(self) -> None:
        """Take a free column whose name says that it is a body, and that holds short texts, as the subject."""
        names = [name for name, match in self._names.get("body", ()) if match.strength == NameStrength.STRONG]
        profiles = {name: self.profile(name) for name in names if name not in self._taken}
        found = [name for name, one in profiles.items() if _AGREES["subject"](one) and not one.holds_bodies]
        if self.is_open("subject") and found:
            self._take("subject", found[0])

    def take_time_by_content(self) -> None:
        """Take the only column of dates as the time of creation; ask where there are several."""
        if not self.is_open("created_at") or "created_at" in self.proposed:
            return
        found = [name for name in self._free(lambda profile: profile.holds_dates) if not _is_personal(name)]
        asked = [name for name in found if not is_other_time_name(name) and not is_answer_name(name)]
        asked = self._different_times(asked)
        if len(asked) == 1:
            self._take("created_at", asked[0])
            self.by_content.append("created_at")
        elif asked or found:
            self._ask("created_at", asked or found)
            if not asked:
                self.problems[-1] += ", whose name says that it is another time"

    def ask_for_targets(self) -> None:
        """Ask which column is to be predicted where none is known and some have few values."""
        if any(not self.is_open(target) for target in TARGETS):
            return
        found = self._free(lambda profile: profile.holds_labels and profile.filled >= 0.3)
        if found:
            self._ask("queue", sorted(found, key=lambda name: -self.profile(name).labels))
            self.problems[-1] = "no column is known to be predicted, and " + self.problems[-1]

    def describe_problems(self) -> str:
        line = format_map_line(self.columns | self.proposed)
        names = " and ".join(f"{ours}=none" for ours in self.proposed if ours in ("body", "created_at"))
        without = f" (or {names}, if there is none)" if names else ""
        return (
            f"{self.table.name}: it is not sure which columns hold what: {'; '.join(self.problems)}. Add this line, "
            f"and correct it where it is wrong{without}: {line}"
        )

    def notes(self) -> list[str]:
        if not self.columns:
            return self.remarks
        listed = ", ".join(
            f"{ours}={quote_name(name)}" + (" (by its cells)" if ours in self.by_content else "")
            for ours, name in self.columns.items()
        )
        return [f"columns recognised: {listed}; --map changes what is wrong", *self.remarks]


def _never(_: ColumnProfile) -> bool:
    return False


def _always(_: ColumnProfile) -> bool:
    return True


def _is_personal(name: str) -> bool:
    words = name.casefold()
    return any(part in words for part in ("birth", "purchas", "warranty", "рожден", "покупк", "geburt", "nacimiento"))


_CONTRADICTS: Final[dict[str, Callable[[ColumnProfile], bool]]] = {
    "id": lambda profile: profile.distinct < 0.5 or profile.filled < 0.5 or profile.longest > 200,
    "created_at": lambda profile: profile.digits == 0,
    "subject": lambda profile: profile.holds_dates,
    "body": lambda profile: profile.holds_dates,
    "category": lambda profile: profile.rows > 20 and profile.distinct > 0.8,
    "queue": lambda profile: profile.rows > 20 and profile.distinct > 0.8,
    "priority": lambda profile: profile.rows > 20 and profile.distinct > 0.5,
    "assignee": lambda profile: profile.words > 6 or profile.holds_dates,
    "requester": lambda profile: profile.words > 8 or profile.holds_dates,
    "channel": lambda profile: profile.rows > 20 and profile.distinct > 0.5,
    "first_response_at": lambda profile: not profile.holds_dates,
    "resolved_at": lambda profile: not profile.holds_dates,
}
_USUALLY: Final[dict[str, Callable[[ColumnProfile], bool]]] = {
    "created_at": lambda profile: profile.holds_dates,
    "subject": lambda profile: not profile.holds_labels,
    "body": lambda profile: profile.holds_bodies,
}
_AGREES: Final[dict[str, Callable[[ColumnProfile], bool]]] = {
    "id": lambda profile: profile.holds_ids,
    "created_at": lambda profile: profile.holds_dates or profile.holds_epochs,
    "subject": lambda profile: not profile.holds_labels and not profile.holds_dates and profile.words >= 1.5,
    "body": lambda profile: profile.holds_bodies,
    "category": lambda profile: profile.holds_labels,
    "queue": lambda profile: profile.holds_labels,
    "priority": lambda profile: profile.holds_labels,
}


def quote_name(name: str) -> str:
    """A column's name for a sentence or a command line, in quotes and 60 characters at most.

    >>> quote_name("Date d'ouverture"), quote_name('5" disk')
    ('"Date d\\'ouverture"', '\\'5" disk\\'')
    """
    name = " ".join(name.split())
    name = name if len(name) <= 60 else name[:59] + "…"
    return f"'{name}'" if '"' in name else f'"{name}"'


def format_map_line(columns: Map[str, str]) -> str:
    """The options that name these columns, ready for a shell.

    >>> format_map_line({"id": "№", "body": "Text"})
    '--map id="№" --map body="Text"'
    """
    return " ".join(f"--map {ours}={_quote_exactly(name)}" for ours, name in columns.items())


def _quote_exactly(name: str) -> str:
    """The name in quotes that a shell takes away again; a page of text, which can be no name, is cut."""
    name = name if len(name) <= 200 else name[:199] + "…"
    return shlex.quote(name) if set(name) & set('"\\$`!') else f'"{name}"'


def list_names(names: Iterable[str]) -> str:
    """The first names, quoted, and the number of others; 400 characters at most.

    >>> list_names(["a"] * 30)[-11:], list_names([])
    ('and 10 more', 'none')
    """
    names = list(names)
    shown: list[str] = []
    for name in names[:20]:
        quoted = repr(" ".join(name.split())[:59] + ("…" if len(name) > 60 else ""))
        if shown and sum(map(len, shown)) + len(quoted) > 400:
            break
        shown.append(quoted)
    more = f" and {len(names) - len(shown):,} more" if len(names) > len(shown) else ""
    return ", ".join(shown) + more if shown else "none"
