"""Origin: what a run has read, written down so that it can be read again, in the same state.

In come files, or the moment up to which the desk's own tickets count; out come files to read. Kept in a bundle's
`made`, which is no part of its digest: the history's own digest in the card says whether the same was read.
"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from deskyard.cli.progress import console
from deskyard.db.database import desk_database
from deskyard.history.export import default_moves_path, describe_erased, export_tickets
from deskyard.settings import HISTORY_FOLDER_PREFIX, settings


@dataclass(frozen=True, slots=True)
class Provenance:
    """`tables` and `moves` with what `--map` and `--order` said, and the `test` file; or `desk`, a moment in ISO 8601:
    the built-in desk as it stood then."""

    tables: tuple[str, ...] = ()
    moves: str = ""
    mapping: tuple[str, ...] = ()
    order: Literal["time", "file"] = "time"
    test: str = ""
    desk: str = ""

    @classmethod
    def from_files(
        cls,
        tables: Sequence[Path],
        moves: Path | None = None,
        mapping: Sequence[str] = (),
        order: Literal["time", "file"] = "time",
        test: Path | None = None,
    ) -> "Provenance":
        """Files; the desk as it is now, where none is named."""
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
        """The desk as it is now."""
        return cls.from_files(())

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> "Provenance":
        """What `plain` wrote."""
        known: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in plain.items()
            if name in cls.__dataclass_fields__
        }
        return cls(**known)

    def to_json(self) -> dict[str, Any]:
        """As JSON knows it, wherever it is read; only what was said."""
        where = replace(
            self,
            tables=tuple(map(_absolute_path, self.tables)),
            moves=_absolute_path(self.moves),
            test=_absolute_path(self.test),
        )
        return {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(where).items() if v}

    @contextmanager
    def open_files(self) -> Iterator[tuple[list[Path], Path | None]]:
        """The tables and their moves; those of the desk are gone when the context ends."""
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
