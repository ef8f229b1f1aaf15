"""Turns the cells of a history into labels: nothing is no label, one label has one spelling, a list is named.

A person's choices (`--map queue.Unassigned=Unassigned`) come first, then the catalogue's names.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from deskyard.domain.label_spelling import find_ambiguous, fold_label, normalise_label
from deskyard.domain.missing_labels import find_missing, is_ambiguous, means_nothing
from deskyard.domain.ticket import Target
from deskyard.history.priority_spellings import map_spellings
from training.data.history import History, LabelCleaning
from training.data.label_lists import find_lists, split_cell
from training.data.label_spellings import (
    choose_spellings,
    find_similar,
    format_map_options,
)

MAX_NAMED: Final = 10
"""Most labels, words or cells that a note names."""

_MAX_SHOWN: Final = 60

KnownLabels = Mapping[Target, Collection[str]]
"""Names whose spelling wins: those of a catalogue, or of the history that a test file belongs to."""

NO_NAMES: Final[KnownLabels] = {}


def clean_history_labels(history: History, known_labels: KnownLabels = NO_NAMES) -> None:
    """Replace the cells of all targets by labels, in tickets and moves, and note what was done.

    Spellings of priorities are only freed of entities and of words for nothing; `set_priorities` reads them.
    """
    for target, labels in history.labels.items():
        cells = Counter(label for label in labels if label is not None)
        if not cells:
            continue
        known = known_labels.get(target, ())
        if target == "priority":
            read, cleaning = _clean_priorities(cells, history.mapping.priority)
        else:
            chosen = history.mapping.labels.get(target, {})
            read, cleaning = clean_labels(cells, chosen, known, target in history.mapping.first_of_several)
        history.label_cleaning[target] = cleaning
        history.notes.extend(describe_cleaning(target, cleaning))
        labels[:] = [read[label] if label is not None else None for label in labels]
        codes = history.trust[target]
        codes[:] = ["" if label is None else code for label, code in zip(labels, codes, strict=True)]
        if target != "priority" and history.moves:
            _clean_moves(history, target, read)


def label_names(history: History) -> KnownLabels:
    """The labels of a history by target, as names for a file that belongs to it."""
    return {target: sorted({label for label in labels if label}) for target, labels in history.labels.items()}


def _clean_moves(history: History, target: Target, read: Mapping[str, str | None]) -> None:
    """Replace the labels in moves as those of the tickets were."""
    spelled = {fold_label(label): label for label in read.values() if label is not None}

    def label_of(cell: str | None) -> str | None:
        if cell is None or cell in read:
            return read.get(cell) if cell is not None else None
        return None if means_nothing(cell) else spelled.get(fold_label(cell), normalise_label(cell)) or None

    history.moves = [
        replace(move, before=label_of(move.before), after=label_of(move.after)) if move.field == target else move
        for move in history.moves
    ]


def clean_labels(
    cells: Mapping[str, int],
    choices: Mapping[str, str] | None = None,
    known: Collection[str] = (),
    take_first: bool = False,
) -> tuple[dict[str, str | None], LabelCleaning]:
    """Each cell (cell → tickets) → its label or None, and what was done.

    `choices`: spelling → label, "" for none, as a person said. `known`: names whose spelling wins. `take_first`: a cell
    of several labels has the first one.

    >>> read, done = clean_labels({"Network": 9, "network": 2, "NULL": 3, "R&amp;D": 4})
    >>> read
    {'Network': 'Network', 'network': 'Network', 'NULL': None, 'R&amp;D': 'R&D'}
    >>> done.missing, done.merged["Network"]
    (Counter({'NULL': 3}), Counter({'Network': 9, 'network': 2}))
    """
    choices = choices or {}
    missing, kept = _find_missing({cell: n for cell, n in cells.items() if _choose(choices, cell) is None}, known)
    lists = find_lists({cell: n for cell, n in cells.items() if cell not in missing})
    written: dict[str, str] = {}
    for cell in cells:
        if cell in missing:
            continue
        parts = lists.get(cell, ())
        written[cell] = parts[0] if len(parts) == 1 or (parts and take_first) else normalise_label(cell)
    chosen = {cell: choice for cell, label in written.items() if (choice := _choose(choices, cell, label)) is not None}
    free = Counter[str]()
    for cell, label in written.items():
        if cell not in chosen:
            free[label] += cells[cell]
    spelled = choose_spellings(free, [*filter(None, choices.values()), *known])
    read = {
        cell: None if cell in missing else chosen[cell] or None if cell in chosen else spelled[written[cell]]
        for cell in cells
    }
    several = Counter(
        {cell: cells[cell] for cell, parts in lists.items() if len(parts) > 1 and _choose(choices, cell) is None}
    )
    return read, LabelCleaning(
        Counter({cell: cells[cell] for cell in missing}),
        kept,
        _count_merged(cells, {cell: label for cell, label in read.items() if cell not in chosen.keys() | several}),
        find_similar(_count_labels(cells, read, several), known),
        several,
        take_first,
        _deciding_names(read, known),
        find_ambiguous(filter(None, set(read.values())), known),
    )


def _choose(choices: Mapping[str, str], *spellings: str) -> str | None:
    """The label that a person chose for one of the spellings, "" for none; None where nothing was said.

    A choice holds for all spellings of a label, unless they were given different ones.
    """
    for spelling in spellings:
        if spelling in choices:
            return choices[spelling]
    keys = {fold_label(spelling) for spelling in spellings} if choices else set()
    found = {label for spelling, label in choices.items() if fold_label(spelling) in keys}
    return found.pop() if len(found) == 1 else None


def _find_missing(cells: Mapping[str, int], known: Collection[str]) -> tuple[frozenset[str], dict[str, str]]:
    """As `find_missing`, also for lists of such words and cells of entities and tags alone.

    An ambiguous word is also a label if it is a known name (word → "").
    """
    missing, kept = find_missing(cells)
    missing |= {cell for cell in cells if cell not in kept and not split_cell(cell)[0]}
    named = {cell: "" for cell in missing.intersection(known) if is_ambiguous(cell)}
    return missing - named.keys(), kept | named


def _count_labels(cells: Mapping[str, int], read: Mapping[str, str | None], without: Collection[str]) -> Counter[str]:
    counts = Counter[str]()
    for cell, label in read.items():
        if label is not None and cell not in without:
            counts[label] += cells[cell]
    return counts


def _count_merged(cells: Mapping[str, int], read: Mapping[str, str | None]) -> dict[str, Counter[str]]:
    """Label → its spellings with their tickets, for labels that are not always written as they are read."""
    spellings: dict[str, Counter[str]] = {}
    for cell, label in read.items():
        if label is not None:
            spellings.setdefault(label, Counter())[cell] = cells[cell]
    return {label: found for label, found in spellings.items() if found.keys() != {label}}


def _deciding_names(read: Mapping[str, str | None], known: Collection[str]) -> tuple[str, ...]:
    """The known names without which labels might have another spelling."""
    labels = set(read.values()) - {None}
    keys = {fold_label(cell) for cell, label in read.items() if label is not None and cell not in known}
    keys |= {fold_label(label) for label in labels if label is not None and label not in read}
    return tuple(sorted(name for name in set(known) if fold_label(name) in keys))


def _clean_priorities(
    cells: Mapping[str, int], choices: Mapping[str, str]
) -> tuple[dict[str, str | None], LabelCleaning]:
    """Each spelling of a priority without entities, and None for words for nothing that are no priority."""
    understood = map_spellings(cells, choices, "1-is-urgent")
    missing = {cell for cell in cells if cell not in understood and means_nothing(cell)}
    read = {cell: None if cell in missing else normalise_label(cell) for cell in cells}
    return read, LabelCleaning(missing=Counter({cell: cells[cell] for cell in missing}))


def describe_cleaning(target: Target, cleaning: LabelCleaning) -> Iterator[str]:
    """Sentences for the user, each with what changes it.

    >>> print(*describe_cleaning("queue", LabelCleaning(missing=Counter({"NULL": 3}))))
    3 tickets have no queue: 'NULL' (3) means nothing; --map "queue.NULL=NULL" would read it as a label
    """
    if cleaning.missing:
        word = cleaning.missing.most_common(1)[0][0]
        level = word if target != "priority" else "medium"
        verb = "mean" if len(cleaning.missing) > 1 else "means"
        yield (
            f"{cleaning.missing.total():,} tickets have no {target}: {name_counts(cleaning.missing)} {verb} nothing; "
            f"{format_map_options(target, [(word, level)])} would read it as a label"
        )
    for word, beside in cleaning.kept.items():
        why = f"beside {shorten_label(beside)!r}" if beside else "as it is a known name"
        yield (
            f"{target}: {word!r} is read as a label, {why}; {format_map_options(target, [(word, 'none')])} would read "
            "it as nothing"
        )
    if cleaning.merged:
        yield f"{target}: {describe_merged(cleaning)} are read as one label each: {name_merged(cleaning)}"
    for label, names in cleaning.ambiguous.items():
        yield f"{target} {describe_ambiguous(target, label, names)}"
    if cleaning.several:
        outcome = (
            "the first one is taken"
            if cleaning.first_taken
            else f"each combination is a label; --map {target}.several=first would take the first one"
        )
        yield (
            f"{cleaning.several.total():,} tickets have several labels in one cell as their {target}, such as "
            f"{name_counts(cleaning.several)}: {outcome}"
        )


def describe_ambiguous(target: Target, label: str, names: Sequence[str]) -> str:
    """What is open about a label that may be any of several names of the desk.

    >>> print(describe_ambiguous("queue", "vpn", ["VPN", "Vpn"]))
    'vpn' may be 'VPN' or 'Vpn' of the desk and stays apart; --map "queue.vpn=VPN" would choose one
    """
    shown = " or ".join(repr(shorten_label(name)) for name in names[:MAX_NAMED])
    choice = format_map_options(target, [(label, names[0])])
    return f"{shorten_label(label)!r} may be {shown} of the desk and stays apart; {choice} would choose one"


def describe_merged(cleaning: LabelCleaning) -> str:
    """How many spellings were read as how many labels.

    >>> describe_merged(LabelCleaning(merged={"Network": Counter(Network=9, network=2, NETWORK=1)}))
    '3 spellings of 1 label'
    """
    spellings, labels = sum(map(len, cleaning.merged.values())), len(cleaning.merged)
    return f"{spellings:,} spelling{'s' * (spellings != 1)} of {labels:,} label{'s' * (labels != 1)}"


def name_merged(cleaning: LabelCleaning, count: int = MAX_NAMED) -> str:
    """The labels with the most tickets of other spellings, and those spellings.

    >>> name_merged(LabelCleaning(merged={"Network": Counter(Network=9, network=2, NETWORK=1)}))
    "'Network' (also 'network', 'NETWORK')"
    """
    others = {
        label: Counter({spelling: n for spelling, n in found.items() if spelling != label})
        for label, found in cleaning.merged.items()
    }
    ordered = sorted(others.items(), key=lambda pair: (-pair[1].total(), pair[0]))
    named = [
        f"{shorten_label(label)!r} (also {', '.join(repr(shorten_label(one)) for one, _ in found.most_common(5))}"
        + (", …)" if len(found) > 5 else ")")
        for label, found in ordered[:count]
    ]
    return ", ".join(named) + (", …" if len(ordered) > count else "")


def name_counts(counts: Counter[str], count: int = MAX_NAMED) -> str:
    """The most frequent ones with their numbers of tickets.

    >>> name_counts(Counter(NULL=1200, nan=3), 1)
    "'NULL' (1,200), …"
    """
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return ", ".join(f"{shorten_label(name)!r} ({n:,})" for name, n in ordered[:count]) + ", …" * (len(counts) > count)


def shorten_label(label: str) -> str:
    """A label for a sentence: at most 60 characters."""
    return label if len(label) <= _MAX_SHOWN else label[: _MAX_SHOWN - 1].rstrip() + "…"
