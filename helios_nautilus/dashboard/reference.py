"""The API's reference: its OpenAPI, and the same as a page that needs no script and no other host."""

from functools import cache
from importlib.resources import files

from fastapi import APIRouter, Request
from jinja2 import Environment, Template
from starlette.responses import HTMLResponse, JSONResponse, Response

from helios_nautilus.dashboard.roles import needs


def reference_routes() -> APIRouter:
    """``/openapi.json`` and ``/docs``."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/openapi.json", **needs("viewer"))
    async def openapi(request: Request) -> Response:
        return JSONResponse(request.app.openapi())

    @routes.get("/docs", **needs("viewer"))
    async def docs(request: Request) -> Response:
        return HTMLResponse(_template().render(api=request.app.openapi()))

    return routes


@cache
def _template() -> Template:
    page = files("helios_nautilus.dashboard").joinpath("reference.html").read_text(encoding="utf-8")
    return Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(page)
