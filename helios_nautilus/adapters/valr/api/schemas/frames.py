"""The envelope both sockets share, and how a frame finds its struct."""

from typing import Any, Union, get_args

from msgspec import Struct

from helios_nautilus.adapters.valr.api.errors import WireError
from helios_nautilus.adapters.valr.api.wire import WireDecoder


class Frame(Struct, frozen=True, kw_only=True, rename="camel", tag_field="type"):
    """Base of every frame; ``type`` may stand anywhere in it, also last."""


class Authenticated(Frame, tag="AUTHENTICATED", frozen=True, kw_only=True):
    """First frame after a login by headers."""


class Pong(Frame, tag="PONG", frozen=True, kw_only=True):
    """Answer to our PING."""

    message: str | None = None


class Subscribed(Frame, tag="SUBSCRIBED", frozen=True, kw_only=True):
    """One event of one pair now flows: ``OB_L1_DIFF:BTCZAR``."""

    message: str


class Unsubscribed(Frame, tag="UNSUBSCRIBED", frozen=True, kw_only=True):
    """One event of one pair flows no more."""

    message: str


class SocketError(Frame, tag="ERROR", frozen=True, kw_only=True):
    """A request the socket did not take; the rest of that frame is served and the socket stays open."""

    message: str


class Unsupported(Frame, tag="UNSUPPORTED", frozen=True, kw_only=True):
    """A request of unknown type."""

    message: str | None = None


class UnknownFrame(Struct, frozen=True, kw_only=True):
    """A frame of a type we do not know: the venue adds them; whoever reads it says so and goes on."""

    type: str


type SessionFrame = Authenticated | Pong | Subscribed | Unsubscribed | SocketError | Unsupported


class FrameDecoder[T]:
    """Bytes to one of the frames of a union, to `UnknownFrame`, or `WireError`."""

    def __init__(self, *frames: Any) -> None:
        members = tuple(member for union in frames for member in get_args(union.__value__))
        self._known = frozenset(str(member.__struct_config__.tag) for member in members)
        self._frames: WireDecoder[T] = WireDecoder(Union[members], "known frame")  # noqa: UP007 the members are only known here
        self._envelope = WireDecoder[UnknownFrame](UnknownFrame)

    def decode(self, raw: bytes) -> T | UnknownFrame:
        """The frame in ``raw``."""
        try:
            return self._frames.decode(raw)
        except WireError as error:
            if error.is_malformed:
                raise
            # The slow path only: a known type with a wrong body stays an error.
            envelope = self._envelope.decode(raw)
            if envelope.type in self._known:
                raise
            return envelope
