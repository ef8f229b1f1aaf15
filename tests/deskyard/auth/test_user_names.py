"""Names that look alike have one skeleton, whatever alphabet they are written in, and reserved names stay reserved."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskyard.auth.user_names import RESERVED_NAMES, is_reserved, skeleton


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ann", "аnn"), ("Oleg", "Оlеg"), ("max", "mах"), ("bob", "b0b"), ("ivan", "1van"), ("ann", "ＡＮＮ"),
        ("ann", "a\u0301nn"), ("ann", "a\u200bnn"), ("ann lee", "annlee"), ("Вася", "Baся"), ("lisa", "IISA"),
    ],
)  # fmt: skip
def test_names_that_look_alike_are_one(one, other):
    assert skeleton(one) == skeleton(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("ann", "anna"), ("анна", "anna"), ("иван", "ivan"), ("олег", "олёк"), ("max", "may")],
)
def test_names_that_do_not_look_alike_are_two(one, other):
    assert skeleton(one) != skeleton(other)


@given(st.text(max_size=50))
def test_a_skeleton_is_its_own_and_bounded(name):
    assert skeleton(skeleton(name)) == skeleton(name)
    assert skeleton(name.upper()) == skeleton(name.upper().lower())
    assert len(skeleton(name)) <= 20 * len(name)


@given(st.sampled_from(sorted(RESERVED_NAMES)), st.sampled_from([str.upper, str.title, lambda name: f" {name}"]))
def test_a_reserved_name_is_reserved_in_every_form(name, form):
    assert is_reserved(form(name))
    assert not is_reserved(f"{name}x")
