"""Checks numbers of records that come from outside as text."""

import re
from typing import Final

_NUMBER: Final = re.compile("[1-9][0-9]*")


def is_record_number(text: str, most_digits: int = 18) -> bool:
    """Whether a text is a record number: ASCII digits without leading zeros, at most `most_digits` of them.

    18 digits fit a 64-bit integer, 9 a 32-bit one.

    >>> [is_record_number(text) for text in ("7", "07", "-7", "", "\N{ARABIC-INDIC DIGIT SEVEN}", "9" * 18, "9" * 19)]
    [True, False, False, False, False, True, False]
    """
    return len(text) <= most_digits and _NUMBER.fullmatch(text) is not None
