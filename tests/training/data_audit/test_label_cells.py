"""What reading the cells of labels did is a finding with the map to paste, on the console and on pages."""

from collections import Counter
from dataclasses import asdict, replace

import pytest

from deskyard.history.columns import parse_mapping
from deskyard.reports.audit_findings import render_finding
from deskyard.reports.i18n import Language, Translator
from training.data.label_cleaning import clean_labels
from training.data_audit import label_cells

CELLS = {
    "Network": 9, "network": 4, "Wi-Fi": 5, "WiFi": 3, "NULL": 7, "NA": 8, "EMEA": 6, "Network; EMEA": 2, "R&amp;D": 5,
}  # fmt: skip


@pytest.fixture(scope="module")
def probe(clean, make_case):
    """The findings of what the cells of a target held."""
    return lambda **done: list(label_cells.probe(make_case(replace(clean, label_cleaning=done), "queue")))


@pytest.fixture(scope="module")
def findings(probe):
    return probe(queue=clean_labels(CELLS, known=["WI-FI", "Wi-fi"])[1])


def test_each_kind_is_named_with_its_count_and_the_map_to_paste(findings):
    said = {one.probe: f"{one.sentence}: {one.advice}" for one in findings}
    assert "7 tickets have no queue: 'NULL' (7) mean nothing" in said["missing labels"]
    assert "queue 'NA' is read as a label, as 'EMEA' is one too" in said["word as a label"]
    assert "3 spellings of 2 labels" in said["label spellings"]
    assert '--map "queue.network=Network"' in said["label spellings"]
    assert '--map "queue.WiFi=Wi-Fi"' in said["similar labels"]
    assert "'Wi-Fi' may be 'WI-FI' or 'Wi-fi'" in said["ambiguous labels"]
    assert "'Network; EMEA' (2)" in said["several labels"]
    assert {one.severity for one in findings} == {"note", "warning"}


def test_the_map_to_paste_does_what_it_says():
    mapping = parse_mapping(["queue.WiFi=Wi-Fi", "queue.several=first", "queue.NULL=NULL", "queue.NA=none"])
    read, _ = clean_labels(CELLS, mapping.labels["queue"], take_first="queue" in mapping.first_of_several)
    assert (read["WiFi"], read["NULL"], read["NA"], read["Network; EMEA"]) == ("Wi-Fi", "NULL", None, "Network")


def test_findings_are_told_in_each_language_and_their_figures_are_bounded(findings, probe):
    many = {f"Label {n}{suffix}": 1 for n in range(300) for suffix in ("", "!", " A", "-a")} | {"NULL": 1}
    _, done = clean_labels({name.upper() if n % 3 else name: 2 for n, name in enumerate(many)})
    names = {f"label {n}": (f"Label {n}", f"LABEL {n}") for n in range(300)}
    several = Counter({f"A; {n}": 1 for n in range(300)})
    crowd = replace(done, ambiguous=names, several=several, missing=Counter(many))
    for one in [*findings, *probe(category=crowd)]:
        assert len(str(asdict(one))) < 12_000
        for language in Language:
            told = render_finding(asdict(one), Translator(language))
            assert told.sentence != one.sentence
            assert "%(" not in told.sentence + told.advice
