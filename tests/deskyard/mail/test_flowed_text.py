"""Lines that were broken only to be sent are joined, and others stay."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskyard.mail.flowed_text import unwrap_flowed


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("It \nis down.\nHelp!", "It is down.\nHelp!"),
        ("> It \n> is down.\n>> Since \n> when?\nNow.", "> It is down.\n>> Since \n> when?\nNow."),
        ("Thanks \n-- \nAnn \nIT", "Thanks \n-- \nAnn IT"),
        (" >not quoted \n From here", ">not quoted From here"),
        ("one\n\ntwo", "one\n\ntwo"),
    ],
)
def test_a_paragraph_is_one_line(text, whole):
    assert unwrap_flowed(text) == whole


def test_words_that_were_broken_are_joined():
    assert unwrap_flowed("Druck \ner", joins_words=True) == "Drucker"


@given(st.text(alphabet="a >-\n", max_size=60))
def test_no_letter_is_lost(text):
    assert unwrap_flowed(text).count("a") == text.count("a")
