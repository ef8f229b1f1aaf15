"""Generates the tickets of one period of the simulated desk: number 0 is the history, 1 and up are the stream.

Each purpose (story, requester, labels, typos, ...) has its own stream of random numbers, so that a setting changes what
it names and little else.
"""

from collections import deque
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from deskyard.domain.ticket import Target, Ticket
from deskyard.simulate import text_noise
from deskyard.simulate.arrivals import draw_arrivals, draw_burst
from deskyard.simulate.grammar import VAGUE, Grammar, Story
from deskyard.simulate.journey import Move, simulate_moves, simulate_times
from deskyard.simulate.labels import LabelNoise, priority_distribution
from deskyard.simulate.oracle import Oracle
from deskyard.simulate.people import Requester
from deskyard.simulate.phrases import load_phrases
from deskyard.simulate.rng import Distribution, Rng
from deskyard.simulate.scenario import SimulatedDesk
from deskyard.simulate.settings import SimulationSettings
from deskyard.simulate.simulated_ticket import GroundTruth, SimulatedTicket

SOURCE: Final = "synthetic"
STREAM_SIZE: Final = 3000
"""Tickets of a stream in each further period of `days` days."""

_MINORITY_LANGUAGES: Final = Distribution(("de", "es", "uk", "pt"), (6.0, 4.0, 3.0, 2.0))
_CHANNELS: Final = Distribution(("email", "form", "chat", "phone"), (55.0, 25.0, 14.0, 6.0))
_STREAMS: Final = ("time", "story", "who", "labels", "noise", "owner", "journey", "copies", "mail", "typo")


class TicketGenerator:
    """The tickets of one period, with its own streams of random numbers."""

    def __init__(self, settings: SimulationSettings, grammar: Grammar, oracle: Oracle, number: int, count: int) -> None:
        """Draw the `count` filing times of period `number`; the tickets are made by `generate`."""
        self.settings, self.grammar, self.oracle = settings, grammar, oracle
        self.desk: SimulatedDesk = grammar.desk
        self.noise: LabelNoise = oracle.noise
        self.rngs = {name: Rng(f"{name}/{settings.world_seed}/{settings.seed}/{number}") for name in _STREAMS}
        self.first = number * STREAM_SIZE - STREAM_SIZE if number else 0
        self.prefix = f"{'new' if number else 'syn'}-{settings.seed}"
        self.start = self.desk.start + timedelta(days=settings.days * number)
        self.horizon = self.start + timedelta(days=settings.days)
        size = min(60, max(6, count // 100)) if settings.burst and count >= 50 else 0
        time = self.rngs["time"]
        self.burst = draw_burst(size, self.start, settings.days, self.desk.zone, time)
        self.burst_scenario = time.pick(self.desk.burst_scenarios)
        usual = draw_arrivals(count - size, self.start, settings.days, self.desk.zone, time)
        self.moments = sorted([(at, False) for at in usual] + [(at, True) for at in self.burst])
        self.recent: deque[tuple[str, Story, Requester]] = deque(maxlen=80)
        self.last_owner: dict[str, str] = {}

    def generate(self) -> Iterator[SimulatedTicket]:
        """The tickets in the order of filing."""
        for number, (at, burst) in enumerate(self.moments, start=self.first + 1):
            yield self._make_ticket(f"{self.prefix}-{number:06d}", at, burst)

    def _make_ticket(self, name: str, at: datetime, burst: bool) -> SimulatedTicket:
        """One ticket: its story, requester, text, labels and moves."""
        flags: set[str] = set()
        story, requester, copied = self._draw_story(burst, flags)
        if burst:
            flags.add("burst")
        if story.kind == VAGUE:
            flags.add("vague")
        elif story.kind in self.desk.groups and not story.detail:
            flags.add("ambiguous")
        channel = self.rngs["mail"].draw(_CHANNELS)
        subject, body = self._write_text(story, requester, channel, at, flags)
        ticket = Ticket(
            id=name,
            source=SOURCE,
            subject=subject,
            body=body,
            channel=channel,
            language=story.language,
            requester=requester.mail,
            organisation=requester.organisation,
            created_at=at,
            fields={"product": story.product} if story.product else {},
        )
        self.recent.append((name, story, requester))
        return self._label_ticket(ticket, story, copied, flags)

    def _draw_story(self, burst: bool, flags: set[str]) -> tuple[Story, Requester, str]:
        """The story, the requester, and the id of the ticket that it nearly copies (or "")."""
        settings, who, copies = self.settings, self.rngs["who"], self.rngs["copies"]
        if self.recent and not burst and copies.chance(settings.near_copies):
            flags.add("near_copy")
            name, story, requester = copies.pick(self.recent)
            same = copies.chance(0.5)
            if not same:
                colleagues = [
                    other
                    for other in self.desk.requesters[requester.language]
                    if other.organisation == requester.organisation
                ]
                requester = copies.pick(colleagues)
            return self.grammar.compose_near_copy(story, same, copies), requester, name
        u = who.uniform()
        minority = who.draw(_MINORITY_LANGUAGES)
        edge = settings.russian + settings.other_languages
        language = "ru" if u < settings.russian else minority if u < edge else "en"
        people = self.desk.requesters[language]
        requester = people[int(len(people) * who.uniform() ** 2)]
        grammar, rng = self.grammar, self.rngs["story"]
        if burst:
            return grammar.compose_about(self.burst_scenario, language, rng), requester, ""
        return grammar.compose(language, rng), requester, ""

    def _write_text(
        self, story: Story, requester: Requester, channel: str, at: datetime, flags: set[str]
    ) -> tuple[str, str]:
        """Subject and body with noise; quoted replies, signatures and HTML are in mail only."""
        settings, mail, typo = self.settings, self.rngs["mail"], self.rngs["typo"]
        phrases = load_phrases(story.language)
        subject = "" if mail.chance(0.05) else story.subject
        text = story.text
        if typo.chance(settings.typos):
            flags.add("typo")
            text = text_noise.add_misspellings(text, typo)
            if typo.chance(0.4):
                subject = text_noise.add_misspellings(subject, typo)
            if story.language == "ru" and typo.chance(0.1):
                flags.add("wrong_layout")
                subject = text_noise.to_wrong_layout(subject)
        if channel == "chat":
            return subject, text.rstrip(".") if mail.chance(0.5) else text
        text = "\n\n".join(part for part in (story.greeting, text, story.closing) if part)
        if channel != "email":
            return subject, text
        if mail.chance(settings.signatures):
            flags.add("signature")
            text += "\n\n--\n" + text_noise.make_signature(phrases, requester, mail)
        if mail.chance(settings.quoted):
            flags.add("quoted")
            old = self.grammar.compose_about(mail.draw(self.desk.prior), story.language, mail).text
            text += "\n\n" + text_noise.make_quoted_reply(
                phrases, old, at - timedelta(days=1 + mail.integer(60)), requester, mail
            )
            subject = f"Re: {subject}" if subject else subject
        if mail.chance(settings.html):
            flags.add("html")
            text = text_noise.to_html(text, mail)
        return subject, text

    def _label_ticket(self, ticket: Ticket, story: Story, copied: str, flags: set[str]) -> SimulatedTicket:
        """The finished ticket: true labels, recorded labels, the oracle's predictions, moves and times."""
        at, scenario = ticket.created_at or self.start, self.desk.scenarios[story.scenario]
        vip = ticket.organisation in self.desk.vip
        last = self.last_owner.get(ticket.requester, "")
        priority = self.rngs["labels"].draw(priority_distribution(scenario.severity, story.urgency, vip))
        owners = self.desk.assignee_probabilities(scenario.queue, at, last)
        owner = self.rngs["owner"].draw(Distribution(list(owners), list(owners.values())))
        self.last_owner[ticket.requester] = owner
        wrong = self._draw_wrong_labels(scenario.key, scenario.queue, priority, flags)
        category = self.desk.category_name(wrong.get("category", scenario.key), at)
        if category == self.desk.rename["old"]:
            flags.add("renamed")
        true: dict[Target, str] = {
            "category": self.desk.category_name(scenario.key, at),
            "priority": priority,
            "queue": scenario.queue,
            "assignee": owner,
        }
        labels = {**true, **wrong, "category": category}
        answers = self.oracle.best_labels(self.grammar.posterior(story), story.urgency, vip, at, last)
        rng = self.rngs["journey"]
        moves: tuple[Move, ...] = ()
        if rng.chance(self.settings.misroutes):
            flags.add("misrouted")
            moves = simulate_moves(self.desk, ticket.id, at, scenario, labels["queue"], rng)
        response, resolved = simulate_times(self.desk, at, labels["priority"], moves, rng)
        truth = GroundTruth(
            scenario=scenario.key,
            labels=true,
            flags=frozenset(flags),
            near_copy_of=copied,
            oracle={target: label for target, (label, _) in answers.items()},
            oracle_confidence={target: share for target, (_, share) in answers.items()},
        )
        return SimulatedTicket(
            ticket=ticket,
            labels=labels,
            truth=truth,
            moves=moves,
            first_response_at=response if response < self.horizon else None,
            resolved_at=resolved if resolved < self.horizon else None,
        )

    def _draw_wrong_labels(self, scenario: str, queue: str, priority: str, flags: set[str]) -> dict[Target, str]:
        """The labels that are recorded wrongly; for the category, the other scenario's key."""
        noise, rng, wrong = self.noise, self.rngs["noise"], dict[Target, str]()
        channels: tuple[tuple[Target, Distribution[str]], ...] = (
            ("category", noise.category[scenario]),
            ("queue", noise.queue[queue]),
            ("priority", noise.priority[priority]),
        )
        for target, distribution in channels:
            if rng.chance(self.settings.label_noise):
                wrong[target] = rng.draw(distribution)
                flags.update(("noisy_label", f"noisy_{target}"))
        return wrong
