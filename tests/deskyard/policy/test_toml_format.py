"""A policy as a file: what is written is read back, and a wrong line is named."""

import json
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskyard.domain.ticket import TARGETS
from deskyard.errors import BadInput
from deskyard.policy.policy import Mode, Policy, RetrainingRule, Rule
from deskyard.policy.toml_format import format_policy, parse_policy, read_stored

NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
RULES = st.builds(Rule, st.none() | st.sampled_from(Mode), st.none() | st.floats(0.5, 0.999)).filter(
    lambda r: r != Rule()
)
BY_TARGET = st.dictionaries(st.sampled_from(TARGETS), RULES, max_size=3)
POLICIES = st.builds(
    Policy,
    mode=st.sampled_from(Mode),
    precision=st.none() | st.floats(0.5, 0.999),
    halted=st.booleans(),
    fallback=NAMES,
    out_of_scope_rate=st.none() | st.floats(0, 1),
    blind_review_rate=st.none() | st.floats(0, 1),
    retention_days=st.none() | st.integers(1, 36_500),
    targets=BY_TARGET,
    queues=st.dictionaries(NAMES, RULES, max_size=3),
    pairs=st.dictionaries(NAMES, BY_TARGET.filter(bool), max_size=3),
    stores=st.dictionaries(NAMES, RULES, max_size=3),
    routes=st.dictionaries(NAMES, NAMES, max_size=3),
    retrain=st.none()
    | st.builds(
        RetrainingRule, st.sampled_from(["", "12h", "7d", "2w"]), st.integers(0, 500), st.booleans(), st.booleans()
    ).filter(lambda r: r != RetrainingRule()),
)


@given(POLICIES)
def test_what_is_written_is_read_back_the_same(policy):
    assert parse_policy(format_policy(policy)) == policy
    assert parse_policy(format_policy(policy)).digest == policy.digest


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('mode = "rout"', 'line 1: mode is "rout"; choose off, shadow, suggest or route'),
        ('mode = "route"\nmode = "off"', "line 2: Cannot overwrite a value"),
        ('mode = "route"\n\n[targets.quue]\nmode = "off"', "line 3: 'quue' is not known here"),
        ('[queues."Сеть"]\nmode = "off"\nprecision = 95', "line 3: precision is 95; write a share"),
        ('[queues."Сеть".targets.queue]\nprecision = 1.0', "line 2: precision is 1.0"),
        ("halted = 1", "line 1: halted is 1; it must be true or false"),
        ("out_of_scope_rate = 5", "line 1: out_of_scope_rate is 5; write a share from 0 to 1"),
        ('mode = "off"\nstrangers = 0.1', "line 2: 'strangers' is called out_of_scope_rate now: write that instead"),
        ("blind = 0.1", "line 1: 'blind' is called blind_review_rate now: write that instead"),
        ("queues = 3", "line 1: queues is 3; it must be a table"),
        ('[routes]\n"A" = 1', "line 2: A is 1; it must be the name of a queue"),
        ('[retrain]\nevery = "soon"', "line 2: every is 'soon'; write hours, days or weeks"),
        ("[retrain]\ncorrections = -1", "line 2: corrections is -1; write how many"),
        ("[retrain]\npromote = 1", "line 2: promote is 1; it must be true or false"),
        ("kill = true", "line 1: 'kill' is not known here; choose from mode"),
        ("mode = ", "line 1: Invalid value"),
    ],
)
def test_a_wrong_line_is_named_with_what_may_stand_there(text, words):
    with pytest.raises(BadInput) as raised:
        parse_policy(text)
    assert words in str(raised.value)


def test_an_out_of_scope_rate_is_another_policy_and_none_said_is_that_of_before():
    """The digest of a fresh install is that of the versions that knew no such key: old decisions still find theirs."""
    assert Policy().digest == "97780f4b154ee57d"
    assert parse_policy('mode = "suggest"\nout_of_scope_rate = 0').out_of_scope_rate == 0
    assert len({Policy(out_of_scope_rate=share).digest for share in (None, 0.0, 0.05)}) == 3


def test_a_blind_share_is_another_policy_and_none_said_is_that_of_before():
    assert parse_policy('mode = "suggest"').digest == Policy().digest == "97780f4b154ee57d"
    assert parse_policy('mode = "suggest"\nblind_review_rate = 0').effective_blind_review_rate == 0
    assert Policy().effective_blind_review_rate == 0.02
    assert len({Policy(blind_review_rate=share).digest for share in (None, 0.0, 0.02)}) == 3


STORED = [
    (one["digest"], one["text"])
    for one in json.loads(Path(__file__).with_name("stored_policies.json").read_text(encoding="utf-8"))
]
"""Policies as release 0.1 stored them: every key that it knew, alone and together."""


@pytest.mark.parametrize(("digest", "text"), STORED)
def test_a_policy_stored_by_an_earlier_release_is_read_and_keeps_its_digest(digest, text):
    policy = read_stored(text)
    assert policy.digest == digest
    assert parse_policy(format_policy(policy)).digest == digest


def test_the_stored_examples_use_every_field_of_a_policy_of_that_release():
    policies = [read_stored(text) for _, text in STORED]
    for field in fields(Policy):
        assert any(getattr(one, field.name) != getattr(Policy(), field.name) for one in policies), field.name
