"""The provenance of a training history: which files, or which state of the built-in desk, can be read again.

It is stored in the bundle's build info, which is not part of its digest; the history's digest in the card tells whether
the same content was read.
"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from deskyard.cli.progress import console
from deskyard.db.database import desk_database
from deskyard.domain.ticket import Target
from deskyard.history.export import default_moves_path, describe_erased, export_tickets
from deskyard.settings import HISTORY_FOLDER_PREFIX, settings
from training.data.history import History


@dataclass(frozen=True, slots=True)
class Provenance:
    """`tables` and `moves` with the values of `--map` and `--order`, and the `test` file; or `desk`, a time in ISO
    8601: the built-in desk in its state at that time. `labels`: by target, known names whose spelling won
    (`training.data.label_cleaning`)."""

    tables: tuple[str, ...] = ()
    moves: str = ""
    mapping: tuple[str, ...] = ()
    order: Literal["time", "file"] = "time"
    test: str = ""
    desk: str = ""
    labels: Mapping[Target, Sequence[str]] = field(default_factory=dict)

    @classmethod
    def from_files(
        cls,
        tables: Sequence[Path],
        moves: Path | None = None,
        mapping: Sequence[str] = (),
        order: Literal["time", "file"] = "time",
        test: Path | None = None,
    ) -> "Provenance":
        """The provenance of files; of the desk's current state if no table is given."""
        return cls(
            tuple(map(str, tables)),
            str(moves or ""),
            tuple(mapping),
            order,
            str(test or ""),
            "" if tables else datetime.now(UTC).isoformat(),
        )

    @classmethod
    def desk_now(cls) -> "Provenance":
        """The built-in desk in its current state."""
        return cls.from_files(())

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Provenance":
        """Read what `to_json` wrote; unknown members are ignored."""
        known: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in stored.items()
            if name in cls.__dataclass_fields__
        }
        return cls(**known)

    def with_labels_of(self, history: History) -> "Provenance":
        """The same with the known names that decided spellings of this history."""
        decided = {target: cleaning.from_catalogue for target, cleaning in history.label_cleaning.items()}
        return replace(self, labels={target: list(names) for target, names in decided.items() if names})

    def to_json(self) -> dict[str, Any]:
        """The non-empty values as JSON, with absolute paths."""
        where = replace(
            self,
            tables=tuple(map(_absolute_path, self.tables)),
            moves=_absolute_path(self.moves),
            test=_absolute_path(self.test),
        )
        return {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(where).items() if v}

    @contextmanager
    def open_files(self) -> Iterator[tuple[list[Path], Path | None]]:
        """The tables and their moves; files exported from the desk are deleted when the context ends."""
        if not self.desk:
            yield [Path(table) for table in self.tables], Path(self.moves) if self.moves else None
            return
        settings().state.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=HISTORY_FOLDER_PREFIX, dir=settings().state) as folder:
            table = Path(folder) / "history.csv.gz"
            with desk_database() as database:
                erased = export_tickets(
                    database, table, default_moves_path(table), datetime.fromisoformat(self.desk)
                ).erased
            if erased:
                console.print(describe_erased(erased), highlight=False)
            yield [table], default_moves_path(table)


def _absolute_path(path: str) -> str:
    return str(Path(path).absolute()) if path not in ("", "-") else path
