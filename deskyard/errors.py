"""Every error that deskyard raises on purpose: one tree, named by what to do next.

The message is written for the person who reads it: what is wrong, where, and what to do. Doors (CLI, API) print it as
it stands; anything that is not a `DeskyardError` is a bug and keeps its traceback.
"""


class DeskyardError(Exception):
    """Something a person can put right; the message says what and how."""


class BadInput(DeskyardError):
    """A file, a column, an option or a request is not usable as given."""


class NothingToLearn(BadInput):
    """A history was read, and no target in it has two labels with enough tickets."""


class BundleError(DeskyardError):
    """A model's folder can't be used."""


class BundleMissing(BundleError):
    """There is no bundle at that place: train one, or name another."""


class BundleBroken(BundleError):
    """A bundle's file is missing, changed or truncated: fetch it again or train anew. It is never half used."""


class EncoderMissing(BundleError):
    """A model was learnt with an encoder that is not here: install it, or name its folder in DESKYARD_ENCODER."""


class ExtraMissing(DeskyardError):
    """A command needs an optional part of deskyard that is not installed; the message names the extra."""


class StoreError(DeskyardError):
    """A ticket store did not do what was asked."""


class StoreUnreachable(StoreError):
    """The store did not answer: try again after `retry_after` seconds."""

    def __init__(self, message: str, retry_after: float = 1.0) -> None:
        """Keep the seconds to wait beside the message."""
        super().__init__(message)
        self.retry_after = retry_after


class AccessDenied(StoreError):
    """The store does not let us in, or not do this: mend the credentials or the rights of our account there."""


class NotFound(StoreError):
    """The store has no such ticket, queue or agent."""


class StoreRefused(StoreError):
    """The store does not take the value of `field`: choose one that it has."""

    def __init__(self, field: str, reason: str) -> None:
        """Name the field before the reason."""
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class StoreConflict(StoreError):
    """Somebody else's word stands against the change: look at the ticket as it is now."""


class StaleVersion(StoreConflict):
    """The ticket is no longer as it was when the change was thought out: read it again, then decide."""


class BadSignature(StoreError):
    """A webhook does not prove that the store sent it: compare the secrets at both ends. Nothing in it was used."""


class StaleWebhook(StoreError):
    """A webhook is too old to be news, or was sent again by somebody: compare the clocks at both ends."""
