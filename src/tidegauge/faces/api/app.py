"""The application: routers, with the doors in front of all of them.

A route finds the hub, the archive and the documents in `request.app.state` (a stream in
`websocket.app.state`), and who asks in `request.state.principal`. It asks for no scope: the gate has.
"""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.middleware import Middleware

from tidegauge import __version__
from tidegauge.faces.web import page
from tidegauge.runtime.settings_serve import ServeSettings
from tidegauge.runtime.window.hub import Hub

from . import desk, docs_page, drills, health, history, login, market, metrics_route, stream
from .access import Access
from .archive import Archive
from .doors import PUBLIC, Dressed, Gate, Measured
from .problems import MEDIA_TYPE, SCHEMA, tell_problems

ROUTERS: tuple[APIRouter, ...] = (
    market.router,
    history.router,
    desk.router,
    drills.router,
    stream.router,
    metrics_route.router,
)
"""What is served beside what every API has."""

OWN = (health.router, login.router, docs_page.router, page.router)
SUMMARY = (
    "What the daemons of a data directory show, and the desk's orders. Exact numbers are strings; "
    "times are RFC 3339, UTC; unknown is null. What is wrong is told as application/problem+json."
)


def create_app(
    hub: Hub,
    access: Access,
    settings: ServeSettings,
    *,
    archive: Archive,
    rehearsals: drills.Drills | None = None,
    routers: Sequence[APIRouter] = ROUTERS,
) -> FastAPI:
    """Return the application. Everything but `/healthz` is refused to whom `access` does not know."""
    app = FastAPI(
        title="Tidegauge",
        version=__version__,
        description=SUMMARY,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        redirect_slashes=False,
        middleware=[
            Middleware(Dressed),
            Middleware(Gate, access=access, settings=settings),
            Middleware(Measured),
        ],
    )
    app.state.hub = hub
    app.state.archive = archive
    app.state.drills = rehearsals or drills.Drills()
    app.state.documents = stream.Documents(hub)
    app.state.access = access
    app.state.settings = settings
    tell_problems(app)
    for router in (*OWN, *routers):
        app.include_router(router)
    _describe_as_it_is(app)
    return app


def _describe_as_it_is(app: FastAPI) -> None:
    """Have the description say who may ask, and how problems are told."""
    plain = app.openapi

    def described() -> dict[str, Any]:
        fresh = app.openapi_schema is None
        schema = plain()
        if fresh:
            _complete(schema)
        return schema

    app.openapi = described  # type: ignore[method-assign]


def _complete(schema: dict[str, Any]) -> None:
    parts = schema.setdefault("components", {})
    for theirs in ("HTTPValidationError", "ValidationError"):
        parts.get("schemas", {}).pop(theirs, None)
    parts.setdefault("schemas", {})["Problem"] = SCHEMA
    parts["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    schema["security"] = [{"token": []}]
    problem = {
        "description": "What is wrong",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for path, operations in schema.get("paths", {}).items():
        for operation in operations.values():
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = problem
            if path in PUBLIC:
                operation["security"] = []
