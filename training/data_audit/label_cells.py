"""Tells what reading the cells of labels did: words for nothing, spellings of one label, cells of several labels."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

from deskyard.domain.ticket import Target
from training.data.history import LabelCleaning
from training.data.label_cleaning import (
    describe_merged,
    name_counts,
    name_merged,
    shorten_label,
)
from training.data.label_spellings import format_map_options
from training.data_audit.case import AuditCase
from training.data_audit.finding import Finding

MAX_NAMED: Final = 10
"""Most labels of one finding."""

MAX_OPTIONS: Final = 12
"""Most `--map` options to paste."""


def probe(case: AuditCase) -> Iterator[Finding]:
    """The findings of each target that has labels."""
    for target, cleaning in case.label_cleaning.items():
        yield from _report_missing(target, cleaning)
        yield from _report_spellings(target, cleaning)
        yield from _report_ambiguous(target, cleaning)
        yield from _report_several(target, cleaning)


def _report_missing(target: Target, cleaning: LabelCleaning) -> Iterator[Finding]:
    if cleaning.missing:
        word = cleaning.missing.most_common(1)[0][0]
        option = format_map_options(target, [(word, word if target != "priority" else "medium")])
        yield Finding(
            "missing labels",
            "note",
            target,
            f"{cleaning.missing.total():,} tickets have no {target}: {name_counts(cleaning.missing)} mean nothing",
            f"give these tickets a {target}, or nothing is learnt from them; a word that is a label after all is read "
            f"with {option}",
            (),
            {"tickets": cleaning.missing.total(), "words": _largest(cleaning.missing), "option": option},
        )
    for word, beside in cleaning.kept.items():
        option = format_map_options(target, [(word, "none")])
        why = f", as {shorten_label(beside)!r} is one too" if beside else ""
        yield Finding(
            "word as a label",
            "note",
            target,
            f"{target} {word!r} is read as a label{why}",
            f"if it means nothing, add {option}",
            (),
            {"word": word, "beside": beside, "option": option},
        )


def _report_spellings(target: Target, cleaning: LabelCleaning) -> Iterator[Finding]:
    if cleaning.merged:
        pairs = [(one, label) for label, found in cleaning.merged.items() for one in found if one != label]
        options = format_map_options(target, pairs[:MAX_OPTIONS]) + " ..." * (len(pairs) > MAX_OPTIONS)
        yield Finding(
            "label spellings",
            "note",
            target,
            f"{target}: {describe_merged(cleaning)}, each read as one label: {name_merged(cleaning)}",
            f"write them alike in the help desk; the same as a mapping: {options}. Two that are different labels stay "
            "apart where both are mapped to themselves",
            (),
            {
                "spellings": sum(map(len, cleaning.merged.values())),
                "labels": len(cleaning.merged),
                "named": _largest_groups(cleaning.merged),
                "options": options,
            },
        )
    if cleaning.similar:
        pairs = [(one, label) for label, found in cleaning.similar.items() for one in found]
        options = format_map_options(target, pairs[:MAX_OPTIONS]) + " ..." * (len(pairs) > MAX_OPTIONS)
        yield Finding(
            "similar labels",
            "warning",
            target,
            f"{target}: {len(pairs):,} labels may be spellings of another one and were not merged: "
            f"{name_similar(cleaning.similar)}",
            f"if they are, add {options}",
            (),
            {"labels": len(pairs), "named": _largest_groups(cleaning.similar), "options": options},
        )


def _report_ambiguous(target: Target, cleaning: LabelCleaning) -> Iterator[Finding]:
    if cleaning.ambiguous:
        named = [
            f"{shorten_label(label)!r} may be {' or '.join(repr(shorten_label(name)) for name in names[:MAX_NAMED])}"
            for label, names in sorted(cleaning.ambiguous.items())
        ]
        pairs = [(label, names[0]) for label, names in sorted(cleaning.ambiguous.items())]
        options = format_map_options(target, pairs[:MAX_OPTIONS]) + " ..." * (len(pairs) > MAX_OPTIONS)
        shown = "; ".join(named[:MAX_NAMED]) + "; …" * (len(named) > MAX_NAMED)
        listed = {shorten_label(label): list(names[:MAX_NAMED]) for label, names in sorted(cleaning.ambiguous.items())}
        yield Finding(
            "ambiguous labels",
            "warning",
            target,
            f"{target}: {len(named):,} labels are spellings of several names of the desk and are never set: {shown}",
            f"close or rename all but one of these names, or choose one with {options}",
            (),
            {"labels": len(named), "named": dict(list(listed.items())[:MAX_NAMED]), "options": options},
        )


def _report_several(target: Target, cleaning: LabelCleaning) -> Iterator[Finding]:
    if cleaning.several:
        yield Finding(
            "several labels",
            "note" if cleaning.first_taken else "warning",
            target,
            f"{cleaning.several.total():,} tickets have several labels in one cell as their {target}, such as "
            f"{name_counts(cleaning.several)}: "
            + ("the first one was taken" if cleaning.first_taken else "each combination is learnt as a label"),
            "the other labels of these cells are not learnt: export one label for each ticket"
            if cleaning.first_taken
            else f"take the first one with --map {target}.several=first, or export one label for each ticket",
            (),
            {
                "tickets": cleaning.several.total(),
                "cells": _largest(cleaning.several),
                "first_taken": cleaning.first_taken,
            },
        )


def name_similar(similar: Mapping[str, Counter[str]]) -> str:
    """The labels that may be spellings of another one, each with that one.

    >>> name_similar({"Wi-Fi": Counter(WiFi=3)})
    "'WiFi' (3) of 'Wi-Fi'"
    """
    named = [f"{name_counts(found)} of {shorten_label(label)!r}" for label, found in similar.items()]
    return ", ".join(named[:MAX_NAMED]) + ", …" * (len(named) > MAX_NAMED)


def _largest(counts: Counter[str]) -> dict[str, int]:
    """The most frequent ones, so that a card stays small."""
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return {shorten_label(name): n for name, n in ordered[:MAX_NAMED]}


def _largest_groups(groups: Mapping[str, Counter[str]]) -> dict[str, list[str]]:
    """The labels of the largest groups, each with its other spellings."""
    ordered = sorted(groups.items(), key=lambda pair: (-pair[1].total(), pair[0]))[:MAX_NAMED]
    return {
        shorten_label(label): [shorten_label(one) for one, _ in found.most_common(MAX_NAMED) if one != label]
        for label, found in ordered
    }
