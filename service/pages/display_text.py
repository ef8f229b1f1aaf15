"""The words that pages show for values of the core: statuses, fields, reasons of decisions, results and errors.

All are English sentences that the catalogues translate.
"""

from typing import Final

from markupsafe import Markup

from deskyard.errors import DeskyardError, NotFound, StaleVersion, StoreConflict, StoreRefused
from deskyard.reports.i18n import N_, Translator

STATUSES: Final = {
    "new": N_("new"),
    "open": N_("open"),
    "waiting": N_("waiting for the requester"),
    "resolved": N_("solved"),
    "closed": N_("closed"),
}
PRIORITIES: Final = {"low": N_("low"), "medium": N_("medium"), "high": N_("high"), "critical": N_("critical")}
FIELDS: Final = {
    "queue": N_("queue"),
    "category": N_("category"),
    "priority": N_("priority"),
    "assignee": N_("assignee"),
    "status": N_("status"),
}
SORTS: Final = {"oldest": N_("oldest first"), "newest": N_("newest first"), "urgent": N_("most urgent first")}
ACTIONS: Final = {"route": N_("routed"), "suggest": N_("suggested"), "leave": N_("for manual triage")}

REASONS: Final = {
    "contract": N_("The contract allows it: the confidence is high enough, as proved on past tickets."),
    "parent": N_("No specific label is confident enough; the contract of this parent label is met."),
    "unfamiliar": N_("Nothing in this ticket occurs in the training history."),
    "no_contract": N_("The required precision is not proved at any confidence."),
    "no_evidence": N_("Not enough evidence for this label yet."),
    "base_rate": N_("For this label the model is no better than always guessing it."),
    "own_record": N_("Predictions of this label were wrong too often."),
    "unsure": N_("The confidence is below the contract's threshold."),
    "unlike": N_("Out of scope: the ticket is unlike anything in the history."),
    "urgent": N_("It may be urgent, so a person has to decide."),
    "empty": N_("The ticket has no text."),
    "not_placed": N_("The ticket has no queue yet."),
    "not_serving": N_("This agent is absent or does not serve the queue."),
    "off": N_("Switched off by the policy."),
    "halted": N_("The kill switch is on: no tickets are routed."),
    "shadow": N_("Shadow mode: the decision is only recorded."),
    "suggest": N_("The policy allows suggestions only."),
    "renamed": N_("The label has been renamed."),
    "merged": N_("Several labels have been merged; their probabilities are summed."),
    "outweighed": N_("With the current labels another one is more likely."),
    "split": N_("The label has been split: a person has to choose."),
    "retired": N_("The most likely label has been retired."),
    "no_model": N_("There was no model when the ticket was received."),
    "model_broken": N_("The model could not be used when the ticket was received."),
    "scoring_failed": N_("The model failed on this ticket."),
    "closed": N_("The predicted queue is closed."),
}
"""Code of a reason → its sentence; `closed` is a code of the pages, for a decision whose queue was closed."""

DELIVERY_RESULTS: Final = {
    "applied": N_("written"),
    "already_applied": N_("already set"),
    "conflict": N_("not written: a person changed it first"),
    "rejected": N_("rejected by the help desk"),
    "partial": N_("partly written"),
    "unsupported": N_("not supported by that help desk"),
    "retry_later": N_("will be retried"),
}
"""Result of a delivery → its name."""

REPLAY_FINDINGS: Final = {
    "same": N_("Replayed: the result is identical, byte for byte."),
    "different": N_("Replayed: the result is different."),
    "erased": N_("The ticket has been erased and can't be replayed."),
    "unknown": N_("The model or policy of that time is no longer available."),
}

PROBLEM_HEADINGS: Final = {
    400: N_("Bad request"),
    401: N_("Please sign in"),
    403: N_("Access denied"),
    404: N_("Page not found"),
    405: N_("Action not supported"),
    409: N_("Conflict"),
    412: N_("Changed by somebody else"),
    413: N_("Request too large"),
    422: N_("Invalid value"),
    429: N_("Too many requests: try again in a moment"),
    500: N_("Internal error"),
    503: N_("The database is not available: try again"),
}
"""HTTP status → the heading of its error page."""

NOT_UNDONE: Final = {
    "the ticket is erased": N_("The ticket has been erased."),
    "a person changed the ticket": N_("Not undone: a person has changed the ticket."),
    "a person commented on the ticket": N_("Not undone: a person has commented on the ticket."),
    "the ticket is resolved": N_("Not undone: the ticket is solved."),
    "the ticket is closed": N_("Not undone: the ticket is closed."),
    "it was undone before": N_("Already undone."),
    "it set nothing": N_("The decision did not change anything."),
}
"""Reason for which a decision can't be undone (`deskyard.review.undo`) → its sentence."""

_CHANGED_SINCE: Final = N_("Not undone: the values have been changed since.")

_REFUSALS: Final = {
    "queue": N_("There is no such open queue."),
    "assignee": N_("The assignee must be present and serve the ticket's queue."),
    "category": N_("A category must have 1 to 200 characters."),
    "priority": N_("Unknown priority."),
    "status": N_("Unknown status."),
}


def refusal_text(words: Translator, error: DeskyardError) -> Markup:
    """An error as a sentence for the reader."""
    if isinstance(error, NotFound):
        return words.gettext("Not found, or you have no access.")
    if isinstance(error, StaleVersion):
        return words.gettext("Somebody else changed it in the meantime: review it and try again.")
    if isinstance(error, StoreRefused) and error.field in _REFUSALS:
        return words.gettext(_REFUSALS[error.field])
    if isinstance(error, StoreConflict):
        return words.gettext(
            "It can't be changed here: the ticket belongs to another help desk, or a person's choice takes precedence."
        )
    return words.gettext("Refused: %(why)s", why=str(error))


def problem_heading(words: Translator, status: int) -> Markup:
    """The heading of the error page for an HTTP status."""
    return words.gettext(PROBLEM_HEADINGS.get(status, PROBLEM_HEADINGS[500 if status >= 500 else 400]))


def not_undone_text(words: Translator, reason: str) -> Markup:
    """Why a decision could not be undone; empty for no reason."""
    return words.gettext(NOT_UNDONE.get(reason, _CHANGED_SINCE)) if reason else Markup("")
