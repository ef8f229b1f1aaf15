"""A ticket is cleaned once, and nothing of it stays in memory after an erasure."""

from deskyard.text import clean_text_cache


def test_a_text_is_made_once_until_the_cache_is_cleared():
    made = []

    def make():
        made.append(1)
        return "text"

    for _ in range(3):
        assert clean_text_cache.get_or_make(("a", "b"), make) == "text"
    assert len(made) == 1
    clean_text_cache.clear()
    clean_text_cache.get_or_make(("a", "b"), make)
    assert len(made) == 2


def test_parts_that_are_split_differently_are_different_texts():
    assert clean_text_cache.get_or_make(("ab", "c"), lambda: "one") == "one"
    assert clean_text_cache.get_or_make(("a", "bc"), lambda: "two") == "two"


def test_a_text_that_is_too_long_is_made_and_not_kept():
    longest = "x" * (clean_text_cache.MAX_TEXT_LENGTH + 1)
    assert clean_text_cache.get_or_make(("long",), lambda: longest) == longest
    assert clean_text_cache.get_or_make(("long",), lambda: "again") == "again"
