"""A policy as a file that a person reads and writes: TOML in, TOML out, wrong lines named.

mode = "suggest"              # off, shadow, suggest, route
precision = 0.95
halted = false                # the kill switch
fallback = "triage"
out_of_scope_rate = 0.05      # of tickets about matters never learnt, the share that may slip through
blind_review_rate = 0.02      # of routed tickets, the share that a person sorts without seeing the answer
retention_days = 730          # so long the texts of solved tickets are kept; 0, or nothing said: for ever

[targets.queue]               # category, priority, queue, assignee
mode = "route"

[queues."Billing"]            # all targets of tickets bound for this queue
precision = 0.97

[queues."Billing".targets.assignee]
mode = "off"

[stores.znuny]                # tickets that live there; only rules for queues stand above it
mode = "shadow"

[routes]                      # category = queue
"Refund" = "Billing"

[tripped]                     # target = labels that the circuit breaker has taken out
queue = ["Billing"]

[retrain]                     # when the model is trained anew by itself
every = "7d"                  # hours, days or weeks after it was trained, or tried
corrections = 200             # that people made since
drift = true                  # when drift asks for it
promote = true                # it takes the place where it has earned it; else a person decides

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
from deskyard.policy.policy import FORMER_KEYS, Mode, Policy, Retrain, Rule
from deskyard.text.dates import is_span

_TOP: Final = (
    "mode", "precision", "halted", "fallback", "out_of_scope_rate", "blind_review_rate", "targets", "queues", "stores",
    "routes", "tripped", "retrain", "retention_days", "taxonomy",
)  # fmt: skip


def read(text: str) -> Policy:
    """The policy that a TOML text says. Raises BadInput that names the line and what may stand there.

    >>> read('mode = "suggest"\\n[queues."Сеть"]\\nmode = "route"').rule("queue", "Сеть").mode.value
    'route'
    >>> read('mode = "suggest"\\n[targets.queue]\\nmode = "rout"')
    Traceback (most recent call last):
    deskyard.errors.BadInput: policy, line 3: mode is "rout"; choose off, shadow, suggest or route
    """
    return _Reading(text).policy(_loaded(text))


def read_stored(text: str) -> Policy:
    """The policy of a TOML text that `write` made, of this release or an earlier one; former keys count as today's.

    Raises BadInput where the text is damaged.

    >>> read_stored('mode = "suggest"\\nblind = 0.1').blind_review_rate
    0.1
    """
    return _Reading(text).policy({FORMER_KEYS.get(key, key): value for key, value in _loaded(text).items()})


def write(policy: Policy) -> str:
    """The TOML text of a policy, which `read` reads back to an equal one."""
    return "\n".join(_lines(policy)) + "\n"


MOST_DAYS: Final = 36_500
"""A hundred years."""


class _Reading:
    """One text being read; it knows where to point when something is wrong."""

    def __init__(self, text: str) -> None:
        self.lines = text.splitlines()

    def policy(self, said: Mapping[str, Any]) -> Policy:
        self.known(said, _TOP, ())
        top = self.rule(said, (), more=_TOP)
        queues = self.table(said, "queues", ())
        for name, queue in queues.items():
            self.known(self.a_table(queue, ("queues", name)), ("mode", "precision", "targets"), ("queues", name))
        stores = self.table(said, "stores", ())
        for name, store in stores.items():
            self.known(self.a_table(store, ("stores", name)), ("mode", "precision"), ("stores", name))
        return Policy(
            mode=top.mode or Mode.SUGGEST,
            precision=top.precision,
            halted=self.kind(said.get("halted", False), bool, ("halted",), "true or false"),
            fallback=self.kind(said.get("fallback", "triage"), str, ("fallback",), "the name of a queue"),
            out_of_scope_rate=self.share(said.get("out_of_scope_rate"), "out_of_scope_rate"),
            blind_review_rate=self.share(said.get("blind_review_rate"), "blind_review_rate"),
            targets=self.rules(said, ()),
            queues={
                n: found for n, q in queues.items() if (found := self.rule(q, ("queues", n), ("targets",))) != Rule()
            },
            pairs={n: inside for n, q in queues.items() if (inside := self.rules(q, ("queues", n)))},
            stores={n: found for n, q in stores.items() if (found := self.rule(q, ("stores", n))) != Rule()},
            routes={
                label: self.kind(queue, str, ("routes", label), "the name of a queue")
                for label, queue in self.table(said, "routes", ()).items()
            },
            tripped=self.tripped(self.table(said, "tripped", ())),
            retrain=self.retrain(self.table(said, "retrain", ())),
            retention_days=self.days(said.get("retention_days", 0), "retention_days"),
            taxonomy=self.taxonomy(said.get("taxonomy", [])),
        )

    def taxonomy(self, said: Any) -> tuple[taxonomy.Turn, ...]:
        if type(said) is not list or any(type(one) is not dict for one in said):
            self.wrong(("taxonomy",), "taxonomy is a list: begin each turn with [[taxonomy]]")
        turns: list[taxonomy.Turn] = []
        for i, one in enumerate(said):
            try:
                turns.append(taxonomy.of(one))
            except BadInput as error:
                self.wrong_turn(i, str(error))
        if found := taxonomy.wrong(turns):
            self.wrong_turn(next(i for i, turn in enumerate(turns) if turn is found[0]), found[1])
        return taxonomy.ordered(turns)

    def retrain(self, said: Mapping[str, Any]) -> Retrain | None:
        path = ("retrain",)
        self.known(said, ("every", "corrections", "drift", "promote"), path)
        every, corrections = said.get("every", ""), said.get("corrections", 0)
        if type(every) is not str or (every and not is_span(every)):
            self.wrong((*path, "every"), f'every is {every!r}; write hours, days or weeks, such as "7d"')
        if type(corrections) is not int or corrections < 0:
            self.wrong((*path, "corrections"), f"corrections is {corrections!r}; write how many, such as 200")
        switches = {
            name: self.kind(said.get(name, False), bool, (*path, name), "true or false")
            for name in ("drift", "promote")
        }
        found = Retrain(every, corrections, **switches)
        return None if found == Retrain() else found

    def rules(self, said: Mapping[str, Any], path: tuple[str, ...]) -> dict[Target, Rule]:
        table = self.table(said, "targets", path)
        self.known(table, TARGETS, (*path, "targets"))
        return {
            target: self.rule(self.a_table(table[target], (*path, "targets", target)), (*path, "targets", target))
            for target in TARGETS
            if target in table
        }

    def tripped(self, said: Mapping[str, Any]) -> dict[Target, tuple[str, ...]]:
        self.known(said, TARGETS, ("tripped",))
        for target, labels in said.items():
            if type(labels) is not list or any(type(label) is not str for label in labels):
                self.wrong(("tripped", target), f"{target} is {labels!r}; it must be a list of labels")
        return {target: tuple(sorted(set(said[target]))) for target in TARGETS if said.get(target)}

    def rule(self, said: Mapping[str, Any], path: tuple[str, ...], more: tuple[str, ...] = ()) -> Rule:
        self.known(said, ("mode", "precision", *more), path)
        mode, precision = said.get("mode"), said.get("precision")
        if mode is not None and mode not in list(Mode):
            self.wrong((*path, "mode"), f"mode is {json.dumps(mode)}; choose off, shadow, suggest or route")
        if precision is not None and (type(precision) is not float or not 0.5 <= precision < 1):
            self.wrong(
                (*path, "precision"), f"precision is {precision!r}; write a share from 0.5 to below 1, such as 0.95"
            )
        return Rule(Mode(mode) if mode is not None else None, precision)

    def share(self, value: Any, name: str) -> float | None:
        if value is not None and (type(value) not in (int, float) or not 0 <= value <= 1):
            self.wrong((name,), f"{name} is {value!r}; write a share from 0 to 1, such as 0.05")
        return None if value is None else float(value)

    def days(self, value: Any, name: str) -> int | None:
        if type(value) is not int or not 0 <= value <= MOST_DAYS:
            self.wrong((name,), f"{name} is {value!r}; write a number of days, such as 730, or 0 to keep them for ever")
        return value or None

    def table(self, said: Mapping[str, Any], name: str, path: tuple[str, ...]) -> Mapping[str, Any]:
        return self.a_table(said.get(name, {}), (*path, name))

    def a_table(self, value: Any, path: tuple[str, ...]) -> Mapping[str, Any]:
        table: Mapping[str, Any] = self.kind(value, dict, path, f"a table: [{'.'.join(path)}]")
        return table

    def kind(self, value: Any, wanted: type[Any], path: tuple[str, ...], words: str) -> Any:
        if type(value) is not wanted:
            self.wrong(path, f"{path[-1]} is {value!r}; it must be {words}")
        return value

    def known(self, said: Mapping[str, Any], names: tuple[str, ...], path: tuple[str, ...]) -> None:
        for name in said:
            if not path and name in FORMER_KEYS:
                self.wrong((name,), f"{name!r} is called {FORMER_KEYS[name]} now: write that instead")
            if name not in names:
                self.wrong((*path, name), f"{name!r} is not known here; choose from {', '.join(names)}")

    def wrong(self, path: tuple[str, ...], sentence: str) -> None:
        raise BadInput(f"policy, line {self.line(path)}: {sentence}")

    def wrong_turn(self, which: int, sentence: str) -> None:
        """Raise BadInput that names the line where that turn begins."""
        heads = [i for i, line in enumerate(self.lines) if re.match(r"\s*\[\[\s*[\"']?taxonomy", line)]
        line = heads[which] + 1 if which < len(heads) else self.line(("taxonomy",))
        raise BadInput(f"policy, line {line}: {sentence}")

    def line(self, path: tuple[str, ...]) -> int:
        """The line of a key: the last part of `path` after the header that holds the rest."""
        start = 0
        for part in path:
            word = re.compile(rf"(^|[\[.\s\"']){re.escape(part)}([\]=.\s\"']|$)")
            start = next((i for i in range(start, len(self.lines)) if word.search(self.lines[i])), start)
        return start + 1


def _loaded(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"policy, {_plain(str(error), len(text.splitlines()))}") from error


def _plain(message: str, last: int) -> str:
    """tomllib's message with the line first."""
    found = re.search(r"^(.*) \(at (?:line (\d+), column \d+|end of document)\)$", message)
    return f"line {found[2] or last}: {found[1]}" if found else message


def _lines(policy: Policy) -> Iterator[str]:
    yield f'mode = "{policy.mode.value}"'
    if policy.precision is not None:
        yield f"precision = {policy.precision}"
    yield f"halted = {str(policy.halted).lower()}"
    yield f"fallback = {_quoted(policy.fallback)}"
    if policy.out_of_scope_rate is not None:
        yield f"out_of_scope_rate = {policy.out_of_scope_rate}"
    if policy.blind_review_rate is not None:
        yield f"blind_review_rate = {policy.blind_review_rate}"
    if policy.retention_days is not None:
        yield f"retention_days = {policy.retention_days}"
    for target, rule in policy.targets.items():
        yield from _section(f"targets.{target}", rule)
    for queue in dict.fromkeys([*policy.queues, *policy.pairs]):
        if queue in policy.queues:
            yield from _section(f"queues.{_quoted(queue)}", policy.queues[queue])
        for target, rule in policy.pairs.get(queue, {}).items():
            yield from _section(f"queues.{_quoted(queue)}.targets.{target}", rule)
    for store, rule in policy.stores.items():
        yield from _section(f"stores.{_quoted(store)}", rule)
    if policy.routes:
        yield from ("", "[routes]")
        yield from (f"{_quoted(label)} = {_quoted(queue)}" for label, queue in policy.routes.items())
    if policy.tripped:
        yield from ("", "[tripped]")
        for target, labels in policy.tripped.items():
            yield f"{target} = {_list([*labels])}"
    if policy.retrain is not None:
        said = policy.retrain
        yield from ("", "[retrain]")
        yield from [f'every = "{said.every}"'] if said.every else []
        yield from [f"corrections = {said.corrections}"] if said.corrections else []
        yield from (f"{name} = true" for name in ("drift", "promote") if getattr(said, name))
    for turn in policy.taxonomy:
        yield from ("", "[[taxonomy]]")
        for name, value in turn.plain().items():
            if name == "on":
                yield f"on = {value}"
            else:
                yield f"{name} = {_quoted(value) if isinstance(value, str) else _list(value)}"


def _section(header: str, rule: Rule) -> Iterator[str]:
    yield from ("", f"[{header}]")
    if rule.mode is not None:
        yield f'mode = "{rule.mode.value}"'
    if rule.precision is not None:
        yield f"precision = {rule.precision}"


def _list(names: list[str]) -> str:
    return f"[{', '.join(map(_quoted, names))}]"


def _quoted(text: str) -> str:
    """A TOML basic string; JSON's rules for one are the same, but for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
