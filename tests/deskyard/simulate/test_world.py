"""The simulated desk: seeds, switches, moves, people, and no real addresses."""

import re
from collections import Counter
from datetime import timedelta

import pytest

from deskyard.domain.ticket import PRIORITIES, TARGETS
from deskyard.errors import BadInput
from deskyard.simulate.world import SimulatedWorld


def test_the_same_seed_gives_the_same_tickets():
    assert list(SimulatedWorld(seed=5).tickets(300)) == list(SimulatedWorld(seed=5).tickets(300))


def test_another_seed_gives_other_tickets_from_the_same_desk(default_world):
    other = SimulatedWorld(seed=2)
    assert [agent.login for agent in other.desk.agents] == [agent.login for agent in default_world.desk.agents]
    assert other.desk.prior.shares == default_world.desk.prior.shares
    ours, theirs = (
        {one.ticket.body for one in world.tickets(200) if "near_copy" not in one.truth.flags}
        for world in (default_world, other)
    )
    assert len(ours & theirs) < 10


def test_another_world_seed_gives_another_desk(default_world):
    assert SimulatedWorld(world_seed=2).desk.prior.shares != default_world.desk.prior.shares


def test_the_desk_is_as_large_as_it_says(default_world, history):
    queues = {one.labels["queue"] for one in history}
    assert len(queues) >= 8
    assert any("/" in queue for queue in queues)
    assert any(re.search("[а-я]", queue) for queue in queues)
    assert len({one.labels["category"] for one in history}) >= 20
    assert {one.labels["priority"] for one in history} == set(PRIORITIES)
    assert len(default_world.desk.agents) == 20
    assert sum(agent.joined > default_world.desk.start for agent in default_world.desk.agents) == 3
    assert sum(agent.left is not None for agent in default_world.desk.agents) == 3


def test_six_languages_are_written_and_english_and_russian_most(history):
    written = Counter(one.ticket.language for one in history)
    assert set(written) == {"en", "ru", "de", "es", "uk", "pt"}
    assert 0.10 < 1 - (written["en"] + written["ru"]) / len(history) < 0.20


def test_tickets_come_in_order_and_mostly_on_working_days(history):
    moments = [one.ticket.created_at for one in history]
    assert moments == sorted(moments)
    assert sum(moment.weekday() >= 5 for moment in moments) / len(moments) < 0.15
    assert len({one.ticket.id for one in history}) == len(history)


SWITCHES = {
    "label_noise": "noisy_label",
    "misroutes": "misrouted",
    "typos": "typo",
    "html": "html",
    "quoted": "quoted",
    "signatures": "signature",
    "near_copies": "near_copy",
    "vague": "vague",
    "ambiguous": "ambiguous",
    "burst": "burst",
    "rename": "renamed",
}


@pytest.mark.parametrize(("switch", "flag"), SWITCHES.items())
def test_each_switch_off_leaves_none_of_it(switch, flag, history):
    assert any(flag in one.truth.flags for one in history)
    off = False if switch in ("burst", "rename") else 0.0
    assert not any(flag in one.truth.flags for one in SimulatedWorld(seed=1, **{switch: off}).tickets(600))


def test_typos_change_the_spelling_and_nothing_else():
    neat, hasty = (list(SimulatedWorld(seed=3, typos=share).tickets(300)) for share in (0.0, 1.0))
    assert [one.labels for one in neat] == [one.labels for one in hasty]
    assert sum(one.ticket.body != two.ticket.body for one, two in zip(neat, hasty, strict=True)) > 290


def test_without_noise_what_is_recorded_is_true():
    clean = list(SimulatedWorld(seed=4, label_noise=0.0).tickets(500))
    assert len(clean) == 500
    assert [one.labels for one in clean] == [one.truth.labels for one in clean]


def test_label_noise_comes_in_the_share_that_was_asked_for(history):
    for target in ("category", "queue", "priority"):
        wrong = sum(one.labels[target] != one.truth.labels[target] for one in history) / len(history)
        assert 0.035 < wrong < 0.065, target


def test_every_misroute_has_its_bounce_in_the_moves(history):
    for one in history:
        assert bool(one.moves) == ("misrouted" in one.truth.flags)
        if one.moves:
            assert len(one.moves) >= 2
            first, last = one.moves[0], one.moves[-1]
            assert (first.before, first.actor) == ("", "dispatcher")
            assert first.after != one.labels["queue"] == last.after
            assert [move.before for move in one.moves[1:]] == [move.after for move in one.moves[:-1]]
            moments = [one.ticket.created_at, *(move.at for move in one.moves)]
            assert moments == sorted(moments)
    assert 0 < sum(bool(one.moves) for one in history) < len(history)


def test_no_agent_is_assigned_outside_their_time_with_the_desk(default_world, history):
    agents = {agent.login: agent for agent in default_world.desk.agents}
    assert not all(agent.is_available(one.ticket.created_at) for agent in agents.values() for one in history)
    for one in history:
        agent = agents[one.labels["assignee"]]
        assert agent.is_available(one.ticket.created_at), one.ticket.id
        assert one.truth.labels["queue"] in agent.skills
        assert all(move.actor == "dispatcher" or agents[move.actor].is_available(move.at) for move in one.moves)


def test_every_queue_always_has_somebody_with_the_skill():
    for world_seed in range(1, 8):
        desk = SimulatedWorld(world_seed=world_seed).desk
        for hours in range(0, 182 * 24, 12):
            at = desk.start + timedelta(hours=hours)
            skills = {queue for agent in desk.agents if agent.is_available(at) for queue in agent.skills}
            assert skills == set(desk.queues)


def test_the_renamed_category_has_its_old_name_before_and_its_new_name_after(default_world, history):
    rename, at = default_world.desk.rename, default_world.desk.renamed_at
    old = [one for one in history if one.labels["category"] == rename["old"]]
    new = [one for one in history if one.labels["category"] == rename["new"]]
    assert min(len(old), len(new)) > 30
    assert all("renamed" in one.truth.flags and one.ticket.created_at < at for one in old)
    assert all(one.ticket.created_at >= at for one in new)


def test_a_burst_is_one_incident_within_minutes(default_world, history):
    burst = [one for one in history if "burst" in one.truth.flags]
    assert len(burst) == 30
    assert burst[-1].ticket.created_at - burst[0].ticket.created_at < timedelta(minutes=12)
    assert len({one.truth.labels["category"] for one in burst}) == 1
    assert len({one.ticket.requester for one in burst}) > 15
    window = default_world.burst_window(3000)
    assert window == (burst[0].ticket.created_at, burst[-1].ticket.created_at)


def test_a_near_copy_is_about_the_same_matter_as_its_original(history):
    by_id = {one.ticket.id: one for one in history}
    copies = [one for one in history if one.truth.near_copy_of]
    assert len(copies) > 60
    for copy in copies:
        original = by_id[copy.truth.near_copy_of]
        assert copy.truth.scenario == original.truth.scenario
        assert copy.ticket.organisation == original.ticket.organisation
        assert copy.ticket.created_at >= original.ticket.created_at


def test_work_is_finished_after_it_was_begun_and_what_is_open_has_no_end(default_world, history):
    for one in history:
        assert one.first_response_at is None or one.first_response_at > one.ticket.created_at
        assert one.resolved_at is None or one.resolved_at > one.first_response_at
        assert one.resolved_at is None or one.resolved_at < default_world.desk.end
    assert 0 < sum(one.resolved_at is None for one in history) < 100


def test_every_address_and_number_is_plainly_made_up(history):
    reported = " ".join(f"{one.ticket.body} {one.ticket.requester}" for one in history)
    assert len(re.findall(r"@([\w.]+\w)", reported)) > 100
    assert len(re.findall(r"\+\d[\d\- ]{8,}", reported)) > 10
    for one in history:
        text = one.ticket.body + " " + one.ticket.requester
        assert all(host in ("example.com", "example.org") for host in re.findall(r"@([\w.]+\w)", text))
        for number in re.findall(r"\+\d[\d\- ]{8,}", text):
            assert re.match(r"\+(7 900 000|1 555 010|49 000 000|34 000 000|380 00 000|55 00 000)", number), number


def test_synthetic_tickets_say_so(history):
    assert {one.ticket.source for one in history} == {"synthetic"}
    assert all(one.ticket.id.startswith("syn-") for one in history)


def test_a_stream_goes_on_where_its_beginning_ends_and_shares_no_id_with_the_history(default_world, history):
    stream = default_world.stream()
    first = [next(stream) for _ in range(3200)]
    assert first[:50] == list(default_world.stream(50))
    ids = {one.ticket.id for one in first}
    assert len(ids) == 3200
    assert not ids & {one.ticket.id for one in history}
    assert all(one.ticket.created_at >= default_world.desk.end for one in first)
    assert all(set(one.labels) == set(TARGETS) for one in first[:50])


def test_nothing_asked_nothing_made():
    assert list(SimulatedWorld().tickets(0)) == []
    assert list(SimulatedWorld().stream(0)) == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"typos": 1.2}, "--typos is a share between 0 and 1"),
        ({"label_noise": -0.1}, "--label-noise is a share between 0 and 1"),
        ({"russian": 0.9, "other_languages": 0.2}, "together are more than 1"),
        ({"days": 0}, "--days must be 1 or more"),
    ],
)
def test_an_impossible_setting_is_refused_with_its_name(change, says):
    with pytest.raises(BadInput, match=says):
        SimulatedWorld(**change)


def test_a_negative_number_of_tickets_is_refused():
    with pytest.raises(BadInput, match="can't be negative"):
        SimulatedWorld().tickets(-1)
