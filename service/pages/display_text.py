"""What pages call the values of tickets and decisions, and how they tell a refusal: sentences that can be translated.

In come the words that the core and the API use, out go those that people read.
"""

from typing import Final

from markupsafe import Markup

from deskyard.errors import DeskyardError, NotFound, StaleVersion, StoreConflict, StoreRefused
from deskyard.reports.i18n import N_, Translator

STATUSES: Final = {
    "new": N_("new"),
    "open": N_("open"),
    "waiting": N_("waits for an answer"),
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
ACTIONS: Final = {"route": N_("set"), "suggest": N_("suggested"), "leave": N_("left to people")}

REASONS: Final = {
    "contract": N_("The contract allows it: sure enough, and proved on past tickets."),
    "parent": N_("No narrower label is sure enough; this one is, by its contract."),
    "unfamiliar": N_("Nothing in this ticket occurs in the history that was learnt."),
    "no_contract": N_("The evidence does not prove the promised precision at any confidence."),
    "no_evidence": N_("There is too little evidence for this label yet."),
    "base_rate": N_("Its record is no better than luck."),
    "own_record": N_("Too few were right where this label was said."),
    "unsure": N_("It is less sure than its contract takes."),
    "unlike": N_("Nothing in the history is like it: no label may fit."),
    "urgent": N_("It may be urgent, so a person decides."),
    "empty": N_("The ticket has no text."),
    "not_placed": N_("The ticket has no queue yet."),
    "not_serving": N_("This person is not a present agent of the queue."),
    "off": N_("The policy has switched this off."),
    "halted": N_("The kill switch is on: nothing is routed."),
    "shadow": N_("The policy only records what it would do."),
    "suggest": N_("The policy asks to suggest, not to route."),
    "renamed": N_("The label has another name by now."),
    "merged": N_("Several labels are one by now; their probabilities are summed."),
    "outweighed": N_("By the names of today another label is likelier."),
    "split": N_("The label was split: a person chooses what it is now."),
    "retired": N_("The likeliest label is retired and written no more."),
    "no_model": N_("There was no model when it came."),
    "model_broken": N_("The model could not be used when it came."),
    "scoring_failed": N_("The model failed on this ticket."),
    "closed": N_("The queue it was meant for is not open."),
}
"""What a reason's code means; `closed` is our own word for a decision that had nowhere to go."""

DELIVERY_RESULTS: Final = {
    "applied": N_("written"),
    "already_applied": N_("it stood there already"),
    "conflict": N_("not written: a person there was quicker"),
    "rejected": N_("refused there"),
    "partial": N_("written in part"),
    "unsupported": N_("that help desk can't do it"),
    "retry_later": N_("to be tried again"),
}
"""What became of a delivery."""

REPLAY_FINDINGS: Final = {
    "same": N_("Computed again it is the same, byte for byte."),
    "different": N_("Computed again it is different."),
    "erased": N_("The ticket is erased, so nothing can be computed."),
    "unknown": N_("The model or the policy of then is not there any more."),
}

PROBLEM_HEADINGS: Final = {
    400: N_("That can't be understood"),
    401: N_("Sign in first"),
    403: N_("That is not for you"),
    404: N_("It is not there, or not for you to see"),
    405: N_("That can't be done here"),
    409: N_("That can't be done now"),
    412: N_("Somebody was quicker"),
    413: N_("That is too much at once"),
    422: N_("A value can't be used"),
    429: N_("Too often: wait a little, then try again"),
    500: N_("Something broke here"),
    503: N_("The database can't be reached: try again"),
}
"""What went wrong, by the status of the answer."""

NOT_UNDONE: Final = {
    "the ticket is erased": N_("The ticket is erased."),
    "a person changed the ticket": N_("A person has changed the ticket: it stays as it is."),
    "a person commented on the ticket": N_("A person has commented on the ticket: it stays as it is."),
    "the ticket is resolved": N_("The ticket is solved: it stays as it is."),
    "the ticket is closed": N_("The ticket is closed: it stays as it is."),
    "it was undone before": N_("It was undone before."),
    "it set nothing": N_("The decision has set nothing that could be undone."),
}
"""Why an undone decision stays (`deskyard.review.undo`)."""

_CHANGED_SINCE: Final = N_("What it had set was changed again since.")

_REFUSALS: Final = {
    "queue": N_("There is no such open queue."),
    "assignee": N_("The assignee must be a present agent of the ticket's queue."),
    "category": N_("A category holds 1 to 200 characters."),
    "priority": N_("There is no such priority."),
    "status": N_("There is no such status."),
}


def refusal_text(words: Translator, error: DeskyardError) -> Markup:
    """A refusal as a sentence for people."""
    if isinstance(error, NotFound):
        return words.gettext("It is not there, or not for you to see.")
    if isinstance(error, StaleVersion):
        return words.gettext("Somebody was quicker and changed it meanwhile: look at it again, then decide.")
    if isinstance(error, StoreRefused) and error.field in _REFUSALS:
        return words.gettext(_REFUSALS[error.field])
    if isinstance(error, StoreConflict):
        return words.gettext("It can't be changed here: it lives in another help desk, or what somebody said stands.")
    return words.gettext("It was refused: %(why)s", why=str(error))


def problem_heading(words: Translator, status: int) -> Markup:
    """What went wrong, as the heading of a page."""
    return words.gettext(PROBLEM_HEADINGS.get(status, PROBLEM_HEADINGS[500 if status >= 500 else 400]))


def not_undone_text(words: Translator, reason: str) -> Markup:
    """Why an undone decision stays as it is; empty where all of it went back."""
    return words.gettext(NOT_UNDONE.get(reason, _CHANGED_SINCE)) if reason else Markup("")
