"""One label has one spelling: what differs in case, spaces, entities or ё is the same, and the rest is proposed."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from deskyard.domain.label_spelling import fold_label
from training.data.label_spellings import (
    choose_spellings,
    find_similar,
    format_map_options,
)


def test_the_catalogues_spelling_wins_then_the_most_frequent_then_the_first():
    counts = {"network": 5, "NETWORK": 7, "payroll": 2, "Payroll": 2}
    assert set(choose_spellings(counts).values()) == {"NETWORK", "Payroll"}
    assert set(choose_spellings(counts, ["Network"]).values()) == {"Network", "Payroll"}


def test_two_names_of_the_catalogue_are_two_labels():
    counts = {"network": 5, "Network": 3, "NETWORK": 1}
    assert choose_spellings(counts, ["network", "Network"]) == {name: name for name in counts}


def test_what_is_only_similar_is_proposed_and_never_merged():
    counts = {
        "Wi-Fi": 5,
        "WiFi": 3,
        "Facturación": 2,
        "FACTURACION": 9,
        "1C": 4,
        "1С": 6,
        "C": 2,
        "C#": 2,
        "v1.2": 1,
        "v12": 1,
    }
    assert choose_spellings(counts) == {name: name for name in counts}
    assert find_similar(counts) == {
        "Wi-Fi": Counter(WiFi=3),
        "FACTURACION": Counter({"Facturación": 2}),
        "1С": Counter({"1C": 4}),
    }


def test_a_map_to_paste_survives_the_shell():
    assert format_map_options("queue", [('a "b" $c`', "A")]) == '--map "queue.a \\"b\\" \\$c\\`=A"'


@given(st.lists(st.text(max_size=30), max_size=12), st.lists(st.text(max_size=30), max_size=3))
def test_every_label_gets_a_spelling_of_its_own_kind(labels, known):
    counts = Counter(labels)
    chosen = choose_spellings(counts, known)
    assert set(chosen) == set(counts)
    assert all(fold_label(label) == fold_label(spelling) for label, spelling in chosen.items())
    assert all(chosen[spelling] == spelling for spelling in chosen.values() if spelling in chosen)
