"""One label has many spellings; two names of a desk are two labels, however alike."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskyard.domain.label_spelling import fold_label, is_same_label, normalise_label, spell_as, unescape_once


@pytest.mark.parametrize(
    "spellings",
    [
        ["Учётные записи", "УЧЕТНЫЕ ЗАПИСИ", "учётные\u00a0записи", " Учётные  записи\u200b"],
        ["R&D", "R&amp;D", "r&#38;d", "<b>R&D</b>"],
        ["Shop > Tills", "shop &gt; tills"],
        ["Wi-Fi", "Wi\u2011Fi", "WI–FI"],
        ["Straße", "STRASSE"],
        ["Contrôle d'accès", "CONTRÔLE D’ACCÈS"],
        ["Офис > Печать", "офис::печать", "Офис :: Печать", "офис &gt;  печать"],
        ["Büro", "BU\u0308RO", "B&uuml;ro"],
    ],
)
def test_case_spaces_entities_dashes_yo_and_marks_of_levels_do_not_matter(spellings):
    assert len({fold_label(spelling) for spelling in spellings}) == 1


def test_entities_are_replaced_once_and_only_with_their_semicolon():
    assert unescape_once("a &amp;lt; b") == "a &lt; b"
    assert unescape_once("R&D; Legal&copies; Training&region") == "R&D; Legal&copies; Training&region"
    assert normalise_label("&nbsp;VPN&nbsp;&amp;&nbsp;Wi-Fi ") == "VPN & Wi-Fi"


@pytest.mark.parametrize(
    ("label", "names", "name"),
    [
        ("network", ["Network", "Fax"], "Network"),
        ("Cafe\u0301 &amp; Bar", ["CAFÉ\u00a0& BAR"], "CAFÉ\u00a0& BAR"),
        ("Учет::Счета", ["Учёт > счета"], "Учёт > счета"),
        ("network", ["Network", "NETWORK"], "network"),
        ("NETWORK", ["Network", "NETWORK"], "NETWORK"),
        ("Netzwerk", ["Network"], "Netzwerk"),
    ],
)
def test_a_label_gets_the_spelling_of_the_one_name_that_it_may_be(label, names, name):
    assert spell_as(label, names) == name


def test_two_names_of_a_desk_are_two_labels_and_nothing_is_no_label():
    assert is_same_label("vpn", "VPN", ["VPN", "Fax"])
    assert not is_same_label("vpn", "VPN", ["VPN", "vpn"])
    assert not is_same_label(None, "VPN")


@given(st.text(max_size=60))
def test_normalising_adds_no_spaces_and_folding_twice_changes_nothing(text):
    label = normalise_label(text)
    assert label == " ".join(label.split())
    if "&" not in text and "<" not in text:
        assert fold_label(fold_label(text)) == fold_label(text)


def test_a_hostile_label_is_read_in_linear_time():
    start = time.perf_counter()
    for part in ("&amp;", "<b ", "<p ", "&#", "<br ", "ё", "\u200b", "<a <a"):
        fold_label(part * 40_000)
    assert time.perf_counter() - start < 3
