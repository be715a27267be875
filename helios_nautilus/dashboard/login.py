"""Sessions of the pages: a form takes a token and gives a cookie. Plain HTML, so that nothing runs before a login."""

from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from helios_nautilus.dashboard.access import COOKIE, Access, WrongTokenError, address_of
from helios_nautilus.dashboard.guard import LOGIN
from helios_nautilus.dashboard.sessions import LASTS_SECS
from helios_nautilus.dashboard.settings import DashboardSettings


def login_routes(access: Access, settings: DashboardSettings) -> APIRouter:
    """``POST /session`` with the form field ``token`` begins a session, ``POST /session/end`` ends it.

    Both lead on: to ``/``, or with a wrong token to ``/login?again=1``.
    """
    routes = APIRouter(include_in_schema=False)

    @routes.post("/session")
    async def begin(request: Request) -> Response:
        form = parse_qs((await request.body()).decode(errors="replace"), max_num_fields=10)
        try:
            value = access.start_session(form.get("token", [""])[0].strip(), address_of(request))
        except WrongTokenError:
            return RedirectResponse(f"{LOGIN}?again=1", 303)
        response = RedirectResponse("/", 303)
        response.set_cookie(
            COOKIE, value, max_age=LASTS_SECS, httponly=True, samesite="strict", secure=settings.scheme == "https"
        )
        return response

    @routes.post("/session/end")
    async def end(request: Request) -> Response:
        access.end_session(request)
        response = RedirectResponse(LOGIN, 303)
        response.delete_cookie(COOKIE, httponly=True, samesite="strict", secure=settings.scheme == "https")
        return response

    return routes
