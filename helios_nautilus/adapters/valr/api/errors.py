"""What can go wrong with the venue, sorted by what the caller may conclude from it.

::

    VenueError
    ├── RefusedError                definite: the venue said no, and nothing changed
    │   ├── AuthError               key, signature, address or permission
    │   ├── InvalidRequestError     malformed, or a pair that is unknown or not active
    │   ├── UnknownOrderError       no such order; perhaps already closed: ask for its state
    │   ├── DuplicateOrderIdError   an open order already has this customerOrderId
    │   ├── InsufficientBalanceError
    │   ├── NothingToModifyError    the modify equals the order
    │   ├── NotFoundError           404 on a read
    │   └── RateLimitedError        may be asked again after a pause
    ├── NotSentError                definite: it never left this machine
    ├── UnknownOutcomeError         a write that may or may not have taken effect: reconcile, never guess
    ├── UnavailableError            a read or a login without an answer: nothing changed, may be asked again
    └── WireError                   bytes that are not what the venue documents

Meaning comes from the venue's code and the HTTP status, never from the text (it carries odd spaces and changes).
No text here holds a key, a signature or a request body.
"""

from helios_nautilus.errors import HeliosError


class VenueError(HeliosError):
    """Base of everything that goes wrong between us and the venue."""


class RefusedError(VenueError):
    """The venue's definite no: the request had no effect.

    ``code`` is the venue's (negative), None where only the HTTP status speaks; ``order_id`` is set where the order
    reached the engine and failed there (v2).
    """

    def __init__(self, text: str, *, status: int, code: int | None = None, order_id: str | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.code = code
        self.order_id = order_id


class AuthError(RefusedError):
    """Key, signature, IP address or permission was not accepted."""


class InvalidRequestError(RefusedError):
    """The request is malformed, or names a pair that is unknown or not active."""


class UnknownOrderError(RefusedError):
    """The venue knows no such order for that pair, or no longer."""


class DuplicateOrderIdError(RefusedError):
    """An open order already carries this customerOrderId: perhaps an earlier copy of this very request."""


class InsufficientBalanceError(RefusedError):
    """Not enough free balance."""


class NothingToModifyError(RefusedError):
    """The modify would change nothing; the order stands as it was."""


class NotFoundError(RefusedError):
    """There is no such thing: an inactive pair's summary, a leverage never set."""


class RateLimitedError(RefusedError):
    """Refused for its frequency alone, before anything looked at it."""

    def __init__(self, text: str, *, status: int, retry_after_secs: float | None = None) -> None:
        super().__init__(text, status=status)
        self.retry_after_secs = retry_after_secs


class NotSentError(VenueError):
    """No connection was there to send on: the venue has not seen it."""


class UnknownOutcomeError(VenueError):
    """A write was sent and no proof of its outcome came back."""


class UnavailableError(VenueError):
    """The venue gave no usable answer in time; nothing was changed by asking."""


class WireError(VenueError):
    """Bytes that are not what the venue documents; ``is_malformed`` if they are not even JSON."""

    def __init__(self, text: str, *, is_malformed: bool) -> None:
        super().__init__(text)
        self.is_malformed = is_malformed
