"""The errors that deskyard raises on purpose: one tree, named by what to do next.

The message is written for the person who reads it: what is wrong, where, and what to do. The command line and the API
show it unchanged; anything that is not a `DeskyardError` is a bug and keeps its traceback.
"""


class DeskyardError(Exception):
    """Something a person can correct; the message says what and how."""


class BadInput(DeskyardError):
    """A file, a column, an option or a request can't be used as given."""


class NothingToLearn(BadInput):
    """No target of the history has two labels with enough tickets to train on."""


class BundleError(DeskyardError):
    """A model's folder can't be used."""


class BundleMissing(BundleError):
    """There is no bundle at the given place: train one, or name another."""


class BundleBroken(BundleError):
    """A file of a bundle is missing, changed or truncated: restore it or train again. Such a bundle is never used."""


class EncoderMissing(BundleError):
    """The encoder that a model was trained with is missing: install it, or name its folder in DESKYARD_ENCODER."""


class ExtraMissing(DeskyardError):
    """A command needs an optional part of deskyard that is not installed; the message names the extra."""


class StoreError(DeskyardError):
    """A ticket store did not do what it was asked to do."""


class StoreUnreachable(StoreError):
    """The store did not answer: try again after `retry_after` seconds."""

    def __init__(self, message: str, retry_after: float = 1.0) -> None:
        """`retry_after`: seconds to wait before the next attempt."""
        super().__init__(message)
        self.retry_after = retry_after


class AccessDenied(StoreError):
    """The store refuses access: correct the credentials, or the permissions of our account there."""


class NotFound(StoreError):
    """The store has no such ticket, queue or agent."""


class StoreRefused(StoreError):
    """The store does not accept the value of `field`: choose one that it has."""

    def __init__(self, field: str, reason: str) -> None:
        """The message is the field and the reason."""
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class StoreConflict(StoreError):
    """The change would overwrite somebody else's change: look at the ticket as it is now."""


class StaleVersion(StoreConflict):
    """The ticket was changed since it was read: read it again, then decide."""


class BadSignature(StoreError):
    """A webhook's signature is wrong: compare the secrets at both ends. Nothing of it was used."""


class StaleWebhook(StoreError):
    """A webhook is too old or was sent twice: compare the clocks at both ends."""
