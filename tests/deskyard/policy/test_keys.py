"""The keys of a policy: the table that explains them is the one that the parser goes by."""

from dataclasses import replace

import pytest

from deskyard.domain.taxonomy import CHANGE_KINDS, CHANGEABLE_TARGETS
from deskyard.domain.ticket import TARGETS
from deskyard.errors import BadInput
from deskyard.policy.keys import POLICY_KEYS, key_names, table_names
from deskyard.policy.toml_format import format_policy, parse_policy

EVERYTHING = """
mode = "route"
precision = 0.9
halted = true
fallback = "Front"
out_of_scope_rate = 0.1
blind_review_rate = 0.1
retention_days = 30
[targets.queue]
mode = "route"
precision = 0.9
[queues.Billing]
mode = "suggest"
precision = 0.9
[queues.Billing.targets.priority]
mode = "off"
precision = 0.9
[stores.znuny]
mode = "shadow"
precision = 0.9
[routes]
Refund = "Billing"
[tripped]
category = ["Fax"]
priority = ["low"]
queue = ["Fax"]
assignee = ["ann"]
[retrain]
every = "7d"
corrections = 1
drift = true
promote = true
[[taxonomy]]
on = 2026-12-01
target = "queue"
merge = ["VPN", "Wi-Fi"]
to = "Network"
"""


def test_every_key_is_explained_once():
    assert len({(key.table, key.name) for key in POLICY_KEYS}) == len(POLICY_KEYS)
    assert [key for key in POLICY_KEYS if not (key.meaning.endswith(".") and key.value and key.default)] == []


def in_force(text):
    """A policy with the share of blind reviews that holds where none is said."""
    policy = parse_policy(text)
    return replace(policy, blind_review_rate=policy.effective_blind_review_rate)


@pytest.mark.parametrize("key", [key for key in POLICY_KEYS if key.default.startswith("`")], ids=lambda key: key.name)
def test_a_default_that_is_given_as_a_value_is_what_holds_without_the_key(key):
    header = f"[{key.table}]\n" if key.table else ""
    assert in_force(f"{header}{key.name} = {key.default.strip('`')}\n") == in_force("")


@pytest.mark.parametrize("table", table_names())
def test_every_explained_table_is_read_and_a_key_that_is_not_explained_is_refused(table):
    assert format_policy(parse_policy(EVERYTHING)).count("=") == EVERYTHING.count("=")
    if table == "routes":
        return  # its keys are categories
    header = f"[{table}]".replace("TARGET", "queue").replace("QUEUE", "Billing").replace("CONNECTION", "znuny")
    with pytest.raises(BadInput, match="'colour' is not known here"):
        parse_policy(f"{header if table else ''}\n{'retire = 1' if 'taxonomy' in table else ''}\ncolour = 1\n")


def test_the_keys_of_a_taxonomy_change_are_those_of_its_parser():
    assert set(key_names("[taxonomy]")) == {"on", "target", "to", *CHANGE_KINDS}
    value = next(key.value for key in POLICY_KEYS if (key.table, key.name) == ("[taxonomy]", "target"))
    assert [target for target in TARGETS if f"`{target}`" in value] == list(CHANGEABLE_TARGETS)
