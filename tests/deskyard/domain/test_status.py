"""The states of a ticket: each is either solved or not."""

from typing import get_args

from deskyard.domain.status import SOLVED, UNSOLVED_STATUSES, Status, is_solved


def test_every_state_is_solved_or_unsolved_and_never_both():
    assert sorted((*SOLVED, *UNSOLVED_STATUSES)) == sorted(get_args(Status))
    assert [status for status in get_args(Status) if is_solved(status)] == list(SOLVED)
