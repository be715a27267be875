"""POST routes: an operator's commands. Each says why; the emergency stop names the mode as well."""

from http import HTTPStatus
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, StringConstraints
from starlette.responses import Response

from helios_nautilus.dashboard.access import NEEDED
from helios_nautilus.dashboard.answers import answer, told
from helios_nautilus.dashboard.roles import caller_of, needs
from helios_nautilus.dashboard.shown import Ordered
from helios_nautilus.dashboard.steering import Order, Steering
from helios_nautilus.errors import AccessError
from helios_nautilus.journal.commands import Tier, Verb
from helios_nautilus.journal.records import Mode

COMMAND_STRUCTS: Final = (Ordered,)
"""What these routes answer."""

# One line of words: what goes into the journal, a log or a terminal moves no cursor there, and turns no text around.
_PRINTED: Final = r"^[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*$"

type _Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500, pattern=_PRINTED)]


class Reason(BaseModel):
    """Why a command is given; it is journalled."""

    model_config = ConfigDict(extra="forbid", strict=True)
    why: _Line


class Stop(Reason):
    """An emergency stop, confirmed."""

    confirm: Mode
    """The mode that is stopped, so that nobody stops another one than they mean."""


class Clearing(Reason):
    """The kill switch is cleared."""

    rebase: bool = False
    """Peak and day's start of equity are set to now, so that a figure past its limit is forgiven."""


def command_routes(steering: Steering) -> APIRouter:
    """The routes that steer one mode.

    They answer 200 when the node did it, 409 when it refused, and 202 when it has not answered yet: the command is
    written then, and ``GET /api/v1/commands`` has the answer later.
    """
    routes = APIRouter(tags=["command"])

    async def give(request: Request, order: Order) -> Response:
        ordered = await steering.order(caller_of(request), order, "api")
        if ordered.answer is None:
            return answer(ordered, HTTPStatus.ACCEPTED)
        return answer(ordered, HTTPStatus.OK if ordered.answer.outcome == "done" else HTTPStatus.CONFLICT)

    @routes.post("/enable", **_post("entries_on"))
    async def enable(request: Request, reason: Reason) -> Response:
        """Let the node enter again; what else forbids entries goes on forbidding them."""
        return await give(request, Order(verb="entries_on", why=reason.why))

    @routes.post("/disable", **_post("entries_off"))
    async def disable(request: Request, reason: Reason) -> Response:
        """No new entries; stops, targets and time-outs go on."""
        return await give(request, Order(verb="entries_off", why=reason.why))

    @routes.post("/reduce-only", **_post("reduce_only"))
    async def reduce_only(request: Request, reason: Reason) -> Response:
        """Latch the kill switch at REDUCE_ONLY: no entries until it is cleared."""
        return await give(request, Order(verb="reduce_only", why=reason.why))

    @routes.post("/emergency-stop", **_post("halt"))
    async def emergency_stop(request: Request, stop: Stop) -> Response:
        """Latch the kill switch at HALT: cancel working entries, close every position, enter nothing."""
        if stop.confirm != steering.mode:
            raise AccessError(f"this steers mode {steering.mode}: confirm with that word")
        return await give(request, Order(verb="halt", why=stop.why))

    @routes.post("/clear", **_post("resume"))
    async def clear(request: Request, clearing: Clearing) -> Response:
        """Clear the kill switch."""
        return await give(request, Order(verb="resume", why=clearing.why, rebase=clearing.rebase))

    @routes.post("/tiers/{tier}/{switch}", **_post("tier_on"))
    async def switch_tier(request: Request, tier: Tier, switch: Literal["on", "off"], reason: Reason) -> Response:
        """Switch a tier; Guardian cannot be switched off, and without prediction or Aether nothing is entered."""
        verb: Verb = "tier_on" if switch == "on" else "tier_off"
        return await give(request, Order(verb=verb, tier=tier, why=reason.why))

    return routes


def _post(verb: Verb) -> dict[str, Any]:
    refusals = (400, 401, 403, 408, 413, 429, 503)
    return {**needs(NEEDED[verb]), "responses": told(Ordered, also=(202, 409), refusals=refusals)}
