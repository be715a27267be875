"""Answers of the API: msgspec's bytes, and the schema of each struct told once, by the struct itself."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.responses import Response

from helios_nautilus.dashboard.shown import Refusal

_REF: Final = "#/components/schemas/{name}"
type Schema = dict[str, Any]


def answer(value: object, status: int = HTTPStatus.OK) -> Response:
    """A value of structs as JSON."""
    return Response(msgspec.json.encode(value), status, media_type="application/json")


def refuse(status: HTTPStatus, words: str, wait_secs: int = 0) -> Response:
    """Why a request is not served, and when to come again."""
    response = answer(Refusal(detail=words), status)
    if status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    if wait_secs:
        response.headers["Retry-After"] = str(wait_secs)
    return response


def told(kind: Any, *, refusals: Sequence[int] = (), also: Sequence[int] = ()) -> dict[int | str, dict[str, Any]]:
    """What a route answers, for its ``responses``: a struct, or a list of them, at 200 and at ``also``."""
    (schema,), _ = msgspec.json.schema_components([kind], ref_template=_REF)
    refused = {"$ref": _REF.format(name=Refusal.__name__)}
    schemas = dict.fromkeys((HTTPStatus.OK, *also), schema) | dict.fromkeys(refusals, refused)
    return {int(status): _response(status, schema) for status, schema in schemas.items()}


def describe(app: FastAPI, kinds: Sequence[Any]) -> None:
    """Let the app's OpenAPI hold the schemas of the structs that its routes tell of."""

    def openapi() -> Schema:
        if app.openapi_schema is None:
            schema = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
            _, components = msgspec.json.schema_components([*kinds, Refusal], ref_template=_REF)
            schema.setdefault("components", {}).setdefault("schemas", {}).update(components)
            schema["components"]["securitySchemes"] = {
                "bearer": {"type": "http", "scheme": "bearer", "description": "A token of 'helios dashboard token'."}
            }
            schema["security"] = [{"bearer": []}]
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _response(status: int, schema: Schema) -> dict[str, Any]:
    return {"description": HTTPStatus(status).phrase, "content": {"application/json": {"schema": schema}}}
