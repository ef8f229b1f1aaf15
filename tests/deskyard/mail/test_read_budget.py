"""One budget a message: what exceeds it is left unread, and named."""

from deskyard.mail.read_budget import ReadBudget


def test_parts_nesting_bytes_characters_and_seconds_are_bounded():
    budget = ReadBudget(parts=2, depth=3, octets=10, characters=4)
    assert [budget.take_part(), budget.take_part(4), budget.take_part(3), budget.take_part()] == [
        True,
        False,
        True,
        False,
    ]
    assert [budget.take_bytes(6), budget.take_bytes(6), budget.take_bytes(4)] == [True, False, True]
    assert [budget.cut_text("abc"), budget.cut_text("def"), budget.cut_text("")] == ["abc", "d", ""]
    assert budget.exceeded == ["nesting", "parts", "bytes", "text"]


def test_the_seconds_begin_with_the_first_part():
    now = iter([100.0, 104.0, 106.0])
    budget = ReadBudget(seconds=5, clock=lambda: next(now))
    assert [budget.take_part(), budget.take_part(), budget.take_part()] == [True, True, False]
    assert budget.exceeded == ["time"]
