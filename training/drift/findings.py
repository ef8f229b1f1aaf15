"""Findings: all that has changed on a desk, from a history in order of time.

In comes a history, out goes what its newest tickets have that those before had not, and the other way round. Decides
nothing: whether it is time to learn anew is for people, or for the loop, to say.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from deskyard.domain.ticket import TARGETS, Target, Ticket
from deskyard.errors import BadInput
from deskyard.text.cleaning import clean, detect_language, latin_stemmer, stem, words
from training.data.discontinued_labels import DiscontinuedLabel, find_discontinued
from training.data.history import History
from training.drift.new_topics import find_new_topics
from training.drift.share_changes import ShareChange, find_share_changes

MAX_BEFORE: Final = 5_000
"""Tickets before the newest that these are compared with, at most."""

MIN_TICKETS: Final = 50
"""Fewer newest tickets, or fewer before them, tell nothing."""

MIN_WORD_LENGTH: Final = 3
"""Letters of a word that may tell something."""


@dataclass(frozen=True, slots=True)
class CategoryProposal:
    """A new topic as a category: its words as they are written most often, its tickets (the most typical first), their
    share (0..1) of all before and now, and what they are filed as today, with how many of them are."""

    words: tuple[str, ...]
    tickets: tuple[Ticket, ...]
    before: float
    now: float
    filed: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class DriftReport:
    """What has changed: how many tickets were compared, since when; the values that changed by kind ("words", as they
    are written most often, "channel", "language" or a target), silent labels by target, and new topics."""

    before: int
    now: int
    since: datetime | None
    changed: dict[str, list[ShareChange]] = field(default_factory=dict)
    discontinued: dict[Target, list[DiscontinuedLabel]] = field(default_factory=dict)
    topics: list[CategoryProposal] = field(default_factory=list)

    @property
    def needs_retraining(self) -> bool:
        """Whether there is reason to learn anew: what is learnt or what is written has changed."""
        return bool(self.changed or self.discontinued or self.topics)


def detect_drift(history: History, newest: int) -> DriftReport:
    """Compare the `newest` tickets with up to `MAX_BEFORE` before them; raises BadInput where either are too few."""
    start = max(len(history) - newest - MAX_BEFORE, 0)
    cut = len(history) - newest
    if min(newest, cut) < MIN_TICKETS:
        raise BadInput(
            f"{newest} newest tickets and {max(cut, 0)} before them are too few to compare: it takes {MIN_TICKETS} of both."
        )
    was, came = history.tickets[start:cut], history.tickets[cut:]
    texts = [clean(f"{ticket.subject}\n{ticket.body}") for ticket in [*was, *came]]
    latin = latin_stemmer(texts)
    written = [[word for word in words(text) if len(word) >= MIN_WORD_LENGTH] for text in texts]
    stems = [[stem(word, latin) for word in said] for said in written]
    kinds: dict[str, list[Sequence[str]]] = {
        "words": list(stems),
        "channel": [[ticket.channel] if ticket.channel else [] for ticket in [*was, *came]],
        "language": [
            [said] if (said := ticket.language or detect_language(text)) else []
            for ticket, text in zip([*was, *came], texts, strict=True)
        ],
    }
    kinds |= {target: [[label] if label else [] for label in history.labels[target][start:]] for target in TARGETS}
    forms = Counter((stem(word, latin), word) for said in written for word in said)
    usual = {base: word for (base, word), _ in reversed(forms.most_common())}
    changed = {kind: find_share_changes(all_[: len(was)], all_[len(was) :]) for kind, all_ in kinds.items()}
    changed["words"] = [replace(one, value=usual[one.value]) for one in changed["words"]]
    return DriftReport(
        before=len(was),
        now=len(came),
        since=came[0].created_at,
        changed={kind: found for kind, found in changed.items() if found},
        discontinued={target: gone for target in TARGETS if (gone := find_discontinued(history.labels[target]))},
        topics=[
            CategoryProposal(
                words=tuple(usual[base] for base in topic.words),
                tickets=tuple(came[n] for n in topic.tickets),
                before=topic.before,
                now=topic.now,
                filed=_count_labels([history.labels["category"][cut + n] for n in topic.tickets]),
            )
            for topic in find_new_topics(stems[: len(was)], stems[len(was) :])
        ],
    )


def _count_labels(labels: Sequence[str | None]) -> tuple[tuple[str, int], ...]:
    """The three most frequent labels, those without one as ""."""
    return tuple(Counter(label or "" for label in labels).most_common(3))
