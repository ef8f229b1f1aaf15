"""The keys of a policy file: the table of each, its values, its default and its meaning."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from deskyard.domain.ticket import TARGETS


class PolicyKey(NamedTuple):
    """One key that a policy file may contain.

    `table` is the header above it ("" for the top of the file; words in capitals stand for a name), `value` describes
    the values that are allowed, `default` is what applies without the key: a TOML value in backticks, or words.
    """

    table: str
    name: str
    value: str
    default: str
    meaning: str


_MODE: Final = "`off`, `shadow`, `suggest` or `route`"
_PRECISION: Final = "share, 0.5 to below 1"
_INHERITED: Final = "the wider rule"
_REQUIRED: Final = "required"

POLICY_KEYS: Final[tuple[PolicyKey, ...]] = (
    PolicyKey("", "mode", _MODE, '`"suggest"`', "How far the model may go, where no narrower rule says otherwise."),
    PolicyKey(
        "",
        "precision",
        _PRECISION,
        "as the model was trained",
        "Share of routed tickets that must be correct, such as 0.95.",
    ),
    PolicyKey("", "halted", "true or false", "`false`", "Kill switch: nothing is routed, whatever the rules say."),
    PolicyKey("", "fallback", "queue", '`"triage"`', "Queue for tickets that are not routed."),
    PolicyKey(
        "",
        "out_of_scope_rate",
        "share, 0 to 1",
        "0.04, where its cost in coverage is reasonable",
        "Share of out-of-scope tickets (about matters that no label covers) that may still be routed; enforced "
        "whatever it costs in coverage. 1 turns the guard off.",
    ),
    PolicyKey(
        "",
        "blind_review_rate",
        "share, 0 to 1",
        "`0.02`",
        "Share of routed tickets that a person also triages without seeing the prediction.",
    ),
    PolicyKey("", "targets", "tables", "no rules", "Rules for single targets; see `[targets.TARGET]`."),
    PolicyKey("", "queues", "tables", "no rules", "Rules for tickets predicted for a queue; see `[queues.QUEUE]`."),
    PolicyKey("", "stores", "tables", "no rules", "Rules for tickets of a connection; see `[stores.CONNECTION]`."),
    PolicyKey("", "routes", "table", "no routes", "Queues of categories; see `[routes]`."),
    PolicyKey("", "tripped", "table", "nothing tripped", "Labels that the circuit breaker stopped; see `[tripped]`."),
    PolicyKey("", "retrain", "table", "never automatically", "When to train again; see `[retrain]`."),
    PolicyKey(
        "",
        "retention_days",
        "days, 0 to 36,500",
        "`0`",
        "Days after which the texts of solved tickets are erased; 0: never.",
    ),
    PolicyKey("", "taxonomy", "list of tables", "no changes", "Changes of labels; see `[[taxonomy]]`."),
    PolicyKey("targets.TARGET", "mode", _MODE, _INHERITED, "Mode of this target."),
    PolicyKey("targets.TARGET", "precision", _PRECISION, _INHERITED, "Required precision of this target."),
    PolicyKey("queues.QUEUE", "mode", _MODE, _INHERITED, "Mode of all targets of tickets predicted for this queue."),
    PolicyKey(
        "queues.QUEUE", "precision", _PRECISION, _INHERITED, "Required precision of tickets predicted for this queue."
    ),
    PolicyKey("queues.QUEUE", "targets", "tables", "no rules", "Rules for single targets of these tickets."),
    PolicyKey(
        "queues.QUEUE.targets.TARGET", "mode", _MODE, _INHERITED, "Mode of this target for this queue's tickets."
    ),
    PolicyKey(
        "queues.QUEUE.targets.TARGET",
        "precision",
        _PRECISION,
        _INHERITED,
        "Required precision of this target for this queue's tickets.",
    ),
    PolicyKey(
        "stores.CONNECTION",
        "mode",
        _MODE,
        _INHERITED,
        "Mode for tickets of this connection; it overrides the rules for targets.",
    ),
    PolicyKey(
        "stores.CONNECTION",
        "precision",
        _PRECISION,
        _INHERITED,
        "Required precision for tickets of this connection; it overrides the rules for targets.",
    ),
    PolicyKey(
        "routes", "CATEGORY", "queue", "the queue with the category's name", "Queue for tickets of this category."
    ),
    *(
        PolicyKey(
            "tripped", target, "list of labels", "`[]`", f"Labels of the target {target} that are suggested, not set."
        )
        for target in TARGETS
    ),
    PolicyKey(
        "retrain",
        "every",
        'hours, days or weeks, such as `"7d"`',
        '`""`',
        "Time after a training until the next; empty: never.",
    ),
    PolicyKey("retrain", "corrections", "number", "`0`", "Corrections by people after which to train again; 0: never."),
    PolicyKey("retrain", "drift", "true or false", "`false`", "Train again when drift is found."),
    PolicyKey(
        "retrain",
        "promote",
        "true or false",
        "`false`",
        "Put the new model in use if it is better; otherwise a person decides.",
    ),
    PolicyKey("[taxonomy]", "on", "date", _REQUIRED, "Day (UTC) from which the change applies."),
    PolicyKey("[taxonomy]", "target", "`category`, `queue` or `assignee`", _REQUIRED, "Target whose labels change."),
    PolicyKey("[taxonomy]", "rename", "label", "—", "Label that is renamed to `to`."),
    PolicyKey("[taxonomy]", "merge", "list of labels", "—", "Labels that become one label, `to`."),
    PolicyKey("[taxonomy]", "split", "label", "—", "Label that is replaced by the labels in `to`."),
    PolicyKey("[taxonomy]", "retire", "label", "—", "Label that is no longer used; the next likeliest is suggested."),
    PolicyKey(
        "[taxonomy]", "to", "label, or list of labels", "—", "What the labels become; absent when a label is retired."
    ),
)
"""All keys, in the order in which the file's tables are explained."""


def key_names(table: str) -> tuple[str, ...]:
    """The names of the keys that a table may have.

    >>> key_names("targets.TARGET")
    ('mode', 'precision')
    """
    return tuple(key.name for key in POLICY_KEYS if key.table == table)


def table_names() -> Iterable[str]:
    """The tables in the order of `POLICY_KEYS`, "" first."""
    return dict.fromkeys(key.table for key in POLICY_KEYS)
