"""Detects drift: compares the newest tickets of a history with those before."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from deskyard.domain.ticket import TARGETS, Target, Ticket
from deskyard.errors import BadInput
from deskyard.text.cleaning import clean, clean_subject, detect_language, latin_stemmer, stem, words
from training.data.discontinued_labels import DiscontinuedLabel, find_discontinued
from training.data.history import History
from training.drift.new_topics import find_new_topics
from training.drift.share_changes import ShareChange, find_share_changes

MAX_BEFORE: Final = 5_000
"""The most earlier tickets that the newest are compared with."""

MIN_TICKETS: Final = 50
"""The fewest newest tickets, and tickets before them, that can be compared."""

MIN_WORD_LENGTH: Final = 3
"""Letters of the shortest word that is compared."""


@dataclass(frozen=True, slots=True)
class CategoryProposal:
    """A new topic, proposed as a category.

    Its `words` in their most frequent spelling, its `tickets` (the most typical first), their share (0..1) of all
    tickets `before` and `now`, and their most frequent current categories with counts.
    """

    words: tuple[str, ...]
    tickets: tuple[Ticket, ...]
    before: float
    now: float
    current_labels: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class DriftReport:
    """The changes: how many tickets were compared, `before` and `now`, and since when.

    `changed`: changed values by kind ("words" in their most frequent spelling, "channel", "language" or a target);
    `discontinued`: labels by target; `topics`: new topics.
    """

    before: int
    now: int
    since: datetime | None
    changed: dict[str, list[ShareChange]] = field(default_factory=dict)
    discontinued: dict[Target, list[DiscontinuedLabel]] = field(default_factory=dict)
    topics: list[CategoryProposal] = field(default_factory=list)

    @property
    def needs_retraining(self) -> bool:
        """Whether anything has changed, so that retraining makes sense."""
        return bool(self.changed or self.discontinued or self.topics)


def detect_drift(history: History, newest: int) -> DriftReport:
    """Compare the `newest` tickets with up to `MAX_BEFORE` before them; raises BadInput where either are too few."""
    start = max(len(history) - newest - MAX_BEFORE, 0)
    cut = len(history) - newest
    if min(newest, cut) < MIN_TICKETS:
        raise BadInput(
            f"{newest} newest tickets and {max(cut, 0)} before them are too few to compare: "
            f"at least {MIN_TICKETS} of both are needed."
        )
    before, now = history.tickets[start:cut], history.tickets[cut:]
    texts = [f"{clean_subject(one.subject)}\n{clean(one.body, one.subject)}" for one in [*before, *now]]
    latin = latin_stemmer(texts)
    written = [[word for word in words(text) if len(word) >= MIN_WORD_LENGTH] for text in texts]
    stems = [[stem(word, latin) for word in tokens] for tokens in written]
    kinds: dict[str, list[Sequence[str]]] = {
        "words": list(stems),
        "channel": [[ticket.channel] if ticket.channel else [] for ticket in [*before, *now]],
        "language": [
            [code] if (code := ticket.language or detect_language(text)) else []
            for ticket, text in zip([*before, *now], texts, strict=True)
        ],
    }
    kinds |= {target: [[label] if label else [] for label in history.labels[target][start:]] for target in TARGETS}
    forms = Counter((stem(word, latin), word) for tokens in written for word in tokens)
    spelling = {base: word for (base, word), _ in reversed(forms.most_common())}
    changed = {kind: find_share_changes(all_[: len(before)], all_[len(before) :]) for kind, all_ in kinds.items()}
    changed["words"] = [replace(one, value=spelling[one.value]) for one in changed["words"]]
    return DriftReport(
        before=len(before),
        now=len(now),
        since=now[0].created_at,
        changed={kind: found for kind, found in changed.items() if found},
        discontinued={target: labels for target in TARGETS if (labels := find_discontinued(history.labels[target]))},
        topics=[
            CategoryProposal(
                words=tuple(spelling[base] for base in topic.words),
                tickets=tuple(now[n] for n in topic.tickets),
                before=topic.before,
                now=topic.now,
                current_labels=_count_labels([history.labels["category"][cut + n] for n in topic.tickets]),
            )
            for topic in find_new_topics(stems[: len(before)], stems[len(before) :])
        ],
    )


def _count_labels(labels: Sequence[str | None]) -> tuple[tuple[str, int], ...]:
    """The three most frequent labels, those without one as ""."""
    return tuple(Counter(label or "" for label in labels).most_common(3))
