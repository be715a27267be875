"""Which role a route needs: asked at every request, and told in the OpenAPI as ``x-role``."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from fastapi import Depends
from starlette.requests import Request

from helios_nautilus.dashboard.access import Caller, address_of
from helios_nautilus.dashboard.security_log import SecurityLog
from helios_nautilus.dashboard.tokens import Role
from helios_nautilus.errors import AccessError

PUBLIC: Final = "public"
"""In place of a role: needs no token."""


def needs(role: Role) -> dict[str, Any]:
    """Arguments of a route that callers of ``role`` and above may use."""
    return {"dependencies": [Depends(_asking_for(role))], "openapi_extra": {"x-role": role}}


def caller_of(request: Request) -> Caller:
    """Who is asking; `AccessError` if nobody we know, which `guard` never lets come so far."""
    caller = request.state.caller
    if not isinstance(caller, Caller):
        raise AccessError("a token is needed")
    return caller


def _asking_for(role: Role) -> Callable[[Request], Awaitable[None]]:
    async def ask(request: Request) -> None:
        caller = caller_of(request)
        if not caller.has(role):
            log: SecurityLog = request.app.state.security
            log.tell(f"needs role {role}", f"{caller.name} {request.url.path}", address_of(request))
            raise AccessError(f"this takes the role {role}; {caller.name} is a {caller.role}")

    return ask
