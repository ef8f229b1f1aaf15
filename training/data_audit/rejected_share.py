"""Finds histories of which so many rows were rejected that the rest may not be a fair sample."""

from collections.abc import Iterator

from training.data.history import History
from training.data.rejected_rows import describe_rejections
from training.data_audit.finding import Finding


def find_rejections(history: History) -> Iterator[Finding]:
    """A warning if more than `LOUD_SHARE` of the rows of a history were rejected; serious above a fifth."""
    loud = describe_rejections(history.rejected, len(history))
    if loud is not None:
        serious = len(history.rejected) * 5 > len(history.rejected) + len(history)
        ids = tuple(row.id for row in history.rejected if row.id)[:10]
        yield Finding(
            "rejected",
            "serious" if serious else "warning",
            None,
            *loud,
            examples=ids,
            figures={
                "rows": len(history.rejected),
                "of": len(history.rejected) + len(history),
                "by_reason": dict(history.rejected_by_reason.most_common()),
            },
        )
