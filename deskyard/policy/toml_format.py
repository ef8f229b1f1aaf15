"""The policy as TOML: parsing, with errors that name the line, and formatting.

mode = "suggest"              # off, shadow, suggest, route
precision = 0.95
halted = false                # the kill switch
fallback = "triage"
out_of_scope_rate = 0.05      # share of out-of-scope tickets that may be routed
blind_review_rate = 0.02      # share of routed tickets that are blindly reviewed
retention_days = 730          # days after which the texts of solved tickets are erased; 0 or absent: never

[targets.queue]               # category, priority, queue, assignee
mode = "route"

[queues."Billing"]            # all targets of tickets predicted for this queue
precision = 0.97

[queues."Billing".targets.assignee]
mode = "off"

[stores.znuny]                # tickets of this connection; only rules for queues override it
mode = "shadow"

[routes]                      # category = queue
"Refund" = "Billing"

[tripped]                     # target = labels for which the circuit breaker is open
queue = ["Billing"]

[retrain]                     # when a model is trained automatically
every = "7d"                  # hours, days or weeks after the last training
corrections = 200             # corrections by people since then
drift = true                  # when drift is found
promote = true                # a better model is put in use; otherwise a person decides

[[taxonomy]]                  # labels that change on a day: rename, merge, split or retire
on = 2026-12-01
target = "queue"              # category, queue, assignee
merge = ["VPN", "Wi-Fi"]      # rename = "A" to = "B"; split = "A" to = ["B", "C"]; retire = "A"
to = "Network"
"""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from deskyard.domain import taxonomy
from deskyard.domain.ticket import TARGETS, Target
from deskyard.errors import BadInput
from deskyard.policy.keys import key_names
from deskyard.policy.policy import FORMER_KEYS, Mode, Policy, RetrainingRule, Rule
from deskyard.text.dates import is_span


def parse_policy(text: str) -> Policy:
    """The policy of a TOML text. Raises BadInput that names the line and what may be written there.

    >>> parse_policy('mode = "suggest"\\n[queues."Сеть"]\\nmode = "route"').effective_rule("queue", "Сеть").mode.value
    'route'
    >>> parse_policy('mode = "suggest"\\n[targets.queue]\\nmode = "rout"')
    Traceback (most recent call last):
    deskyard.errors.BadInput: policy, line 3: mode is "rout"; choose off, shadow, suggest or route
    """
    return _PolicyParser(text).parse(_loaded(text))


def read_stored(text: str) -> Policy:
    """The policy of a text that `format_policy` of this or an earlier release has made; former keys are read, too.

    Raises BadInput if the text is damaged.

    >>> read_stored('mode = "suggest"\\nblind = 0.1').blind_review_rate
    0.1
    """
    return _PolicyParser(text).parse({FORMER_KEYS.get(key, key): value for key, value in _loaded(text).items()})


def format_policy(policy: Policy) -> str:
    """The TOML text of a policy, which `parse_policy` reads back to an equal one."""
    return "\n".join(_policy_lines(policy)) + "\n"


MAX_RETENTION_DAYS: Final = 36_500
"""A hundred years, in days."""


class _PolicyParser:
    """Parses one text; its errors name the line."""

    def __init__(self, text: str) -> None:
        self.lines = text.splitlines()

    def parse(self, raw: Mapping[str, Any]) -> Policy:
        self.check_keys(raw, key_names(""), ())
        top = self.parse_rule(raw, (), other_keys=key_names(""))
        queues = self.get_table(raw, "queues", ())
        for name, queue in queues.items():
            self.check_keys(self.as_table(queue, ("queues", name)), key_names("queues.QUEUE"), ("queues", name))
        stores = self.get_table(raw, "stores", ())
        for name, store in stores.items():
            self.check_keys(self.as_table(store, ("stores", name)), key_names("stores.CONNECTION"), ("stores", name))
        return Policy(
            mode=top.mode or Mode.SUGGEST,
            precision=top.precision,
            halted=self.check_type(raw.get("halted", False), bool, ("halted",), "true or false"),
            fallback=self.check_type(raw.get("fallback", "triage"), str, ("fallback",), "the name of a queue"),
            out_of_scope_rate=self.parse_share(raw.get("out_of_scope_rate"), "out_of_scope_rate"),
            blind_review_rate=self.parse_share(raw.get("blind_review_rate"), "blind_review_rate"),
            targets=self.parse_target_rules(raw, ()),
            queues={
                n: found
                for n, q in queues.items()
                if (found := self.parse_rule(q, ("queues", n), ("targets",))) != Rule()
            },
            pairs={n: inside for n, q in queues.items() if (inside := self.parse_target_rules(q, ("queues", n)))},
            stores={n: found for n, q in stores.items() if (found := self.parse_rule(q, ("stores", n))) != Rule()},
            routes={
                label: self.check_type(queue, str, ("routes", label), "the name of a queue")
                for label, queue in self.get_table(raw, "routes", ()).items()
            },
            tripped=self.parse_tripped(self.get_table(raw, "tripped", ())),
            retrain=self.parse_retrain(self.get_table(raw, "retrain", ())),
            retention_days=self.parse_days(raw.get("retention_days", 0), "retention_days"),
            taxonomy=self.parse_taxonomy(raw.get("taxonomy", [])),
        )

    def parse_taxonomy(self, raw: Any) -> tuple[taxonomy.TaxonomyChange, ...]:
        if type(raw) is not list or any(type(one) is not dict for one in raw):
            self.fail(("taxonomy",), "taxonomy is a list: begin each change with [[taxonomy]]")
        changes: list[taxonomy.TaxonomyChange] = []
        for i, one in enumerate(raw):
            try:
                changes.append(taxonomy.parse_change(one))
            except BadInput as error:
                self.fail_change(i, str(error))
        if conflict := taxonomy.find_conflict(changes):
            self.fail_change(next(i for i, change in enumerate(changes) if change is conflict[0]), conflict[1])
        return taxonomy.sort_changes(changes)

    def parse_retrain(self, raw: Mapping[str, Any]) -> RetrainingRule | None:
        path = ("retrain",)
        self.check_keys(raw, key_names("retrain"), path)
        every, corrections = raw.get("every", ""), raw.get("corrections", 0)
        if type(every) is not str or (every and not is_span(every)):
            self.fail((*path, "every"), f'every is {every!r}; write hours, days or weeks, such as "7d"')
        if type(corrections) is not int or corrections < 0:
            self.fail((*path, "corrections"), f"corrections is {corrections!r}; write how many, such as 200")
        switches = {
            name: self.check_type(raw.get(name, False), bool, (*path, name), "true or false")
            for name in ("drift", "promote")
        }
        found = RetrainingRule(every, corrections, **switches)
        return None if found == RetrainingRule() else found

    def parse_target_rules(self, raw: Mapping[str, Any], path: tuple[str, ...]) -> dict[Target, Rule]:
        table = self.get_table(raw, "targets", path)
        self.check_keys(table, TARGETS, (*path, "targets"))
        return {
            target: self.parse_rule(
                self.as_table(table[target], (*path, "targets", target)), (*path, "targets", target)
            )
            for target in TARGETS
            if target in table
        }

    def parse_tripped(self, raw: Mapping[str, Any]) -> dict[Target, tuple[str, ...]]:
        self.check_keys(raw, TARGETS, ("tripped",))
        for target, labels in raw.items():
            if type(labels) is not list or any(type(label) is not str for label in labels):
                self.fail(("tripped", target), f"{target} is {labels!r}; it must be a list of labels")
        return {target: tuple(sorted(set(raw[target]))) for target in TARGETS if raw.get(target)}

    def parse_rule(self, raw: Mapping[str, Any], path: tuple[str, ...], other_keys: tuple[str, ...] = ()) -> Rule:
        self.check_keys(raw, ("mode", "precision", *other_keys), path)
        mode, precision = raw.get("mode"), raw.get("precision")
        if mode is not None and mode not in list(Mode):
            self.fail((*path, "mode"), f"mode is {json.dumps(mode)}; choose off, shadow, suggest or route")
        if precision is not None and (type(precision) is not float or not 0.5 <= precision < 1):
            self.fail(
                (*path, "precision"), f"precision is {precision!r}; write a share from 0.5 to below 1, such as 0.95"
            )
        return Rule(Mode(mode) if mode is not None else None, precision)

    def parse_share(self, value: Any, name: str) -> float | None:
        if value is not None and (type(value) not in (int, float) or not 0 <= value <= 1):
            self.fail((name,), f"{name} is {value!r}; write a share from 0 to 1, such as 0.05")
        return None if value is None else float(value)

    def parse_days(self, value: Any, name: str) -> int | None:
        if type(value) is not int or not 0 <= value <= MAX_RETENTION_DAYS:
            self.fail((name,), f"{name} is {value!r}; write a number of days, such as 730, or 0 to keep them for ever")
        return value or None

    def get_table(self, raw: Mapping[str, Any], name: str, path: tuple[str, ...]) -> Mapping[str, Any]:
        return self.as_table(raw.get(name, {}), (*path, name))

    def as_table(self, value: Any, path: tuple[str, ...]) -> Mapping[str, Any]:
        table: Mapping[str, Any] = self.check_type(value, dict, path, f"a table: [{'.'.join(path)}]")
        return table

    def check_type(self, value: Any, expected_type: type[Any], path: tuple[str, ...], description: str) -> Any:
        if type(value) is not expected_type:
            self.fail(path, f"{path[-1]} is {value!r}; it must be {description}")
        return value

    def check_keys(self, raw: Mapping[str, Any], allowed_keys: tuple[str, ...], path: tuple[str, ...]) -> None:
        for name in raw:
            if not path and name in FORMER_KEYS:
                self.fail((name,), f"{name!r} is called {FORMER_KEYS[name]} now: write that instead")
            if name not in allowed_keys:
                self.fail((*path, name), f"{name!r} is not known here; choose from {', '.join(allowed_keys)}")

    def fail(self, path: tuple[str, ...], sentence: str) -> None:
        raise BadInput(f"policy, line {self.find_line(path)}: {sentence}")

    def fail_change(self, index: int, sentence: str) -> None:
        """Raise BadInput that names the line where the taxonomy change with this index begins."""
        heads = [i for i, line in enumerate(self.lines) if re.match(r"\s*\[\[\s*[\"']?taxonomy", line)]
        line = heads[index] + 1 if index < len(heads) else self.find_line(("taxonomy",))
        raise BadInput(f"policy, line {line}: {sentence}")

    def find_line(self, path: tuple[str, ...]) -> int:
        """The line of a key, from 1: that of the last part of `path` after the header with the other parts."""
        start = 0
        for part in path:
            word = re.compile(rf"(^|[\[.\s\"']){re.escape(part)}([\]=.\s\"']|$)")
            start = next((i for i in range(start, len(self.lines)) if word.search(self.lines[i])), start)
        return start + 1


def _loaded(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"policy, {_reword_toml_error(str(error), len(text.splitlines()))}") from error


def _reword_toml_error(message: str, last: int) -> str:
    """The message of tomllib with the line first."""
    found = re.search(r"^(.*) \(at (?:line (\d+), column \d+|end of document)\)$", message)
    return f"line {found[2] or last}: {found[1]}" if found else message


def _policy_lines(policy: Policy) -> Iterator[str]:
    yield f'mode = "{policy.mode.value}"'
    if policy.precision is not None:
        yield f"precision = {policy.precision}"
    yield f"halted = {str(policy.halted).lower()}"
    yield f"fallback = {_quote(policy.fallback)}"
    if policy.out_of_scope_rate is not None:
        yield f"out_of_scope_rate = {policy.out_of_scope_rate}"
    if policy.blind_review_rate is not None:
        yield f"blind_review_rate = {policy.blind_review_rate}"
    if policy.retention_days is not None:
        yield f"retention_days = {policy.retention_days}"
    for target, rule in policy.targets.items():
        yield from _section_lines(f"targets.{target}", rule)
    for queue in dict.fromkeys([*policy.queues, *policy.pairs]):
        if queue in policy.queues:
            yield from _section_lines(f"queues.{_quote(queue)}", policy.queues[queue])
        for target, rule in policy.pairs.get(queue, {}).items():
            yield from _section_lines(f"queues.{_quote(queue)}.targets.{target}", rule)
    for store, rule in policy.stores.items():
        yield from _section_lines(f"stores.{_quote(store)}", rule)
    if policy.routes:
        yield from ("", "[routes]")
        yield from (f"{_quote(label)} = {_quote(queue)}" for label, queue in policy.routes.items())
    if policy.tripped:
        yield from ("", "[tripped]")
        for target, labels in policy.tripped.items():
            yield f"{target} = {_format_list([*labels])}"
    if policy.retrain is not None:
        retrain = policy.retrain
        yield from ("", "[retrain]")
        yield from [f'every = "{retrain.every}"'] if retrain.every else []
        yield from [f"corrections = {retrain.corrections}"] if retrain.corrections else []
        yield from (f"{name} = true" for name in ("drift", "promote") if getattr(retrain, name))
    for change in policy.taxonomy:
        yield from ("", "[[taxonomy]]")
        for name, value in change.to_dict().items():
            if name == "on":
                yield f"on = {value}"
            else:
                yield f"{name} = {_quote(value) if isinstance(value, str) else _format_list(value)}"


def _section_lines(header: str, rule: Rule) -> Iterator[str]:
    yield from ("", f"[{header}]")
    if rule.mode is not None:
        yield f'mode = "{rule.mode.value}"'
    if rule.precision is not None:
        yield f"precision = {rule.precision}"


def _format_list(names: list[str]) -> str:
    return f"[{', '.join(map(_quote, names))}]"


def _quote(text: str) -> str:
    """A TOML basic string; its rules are those of JSON, except for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
