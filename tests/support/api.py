"""An API of no daemon, with routes of every kind, and the tokens to ask it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fastapi import APIRouter, FastAPI, WebSocket
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel, Field

from tidegauge.core.errors import OperatorError
from tidegauge.faces.api.access import Access
from tidegauge.faces.api.app import create_app
from tidegauge.faces.api.archive import Archive
from tidegauge.faces.api.tokens import Tokens, tokens_made
from tidegauge.runtime.settings import Settings
from tidegauge.runtime.settings_serve import ServeSettings
from tidegauge.runtime.window.hub import Hub


class Remark(BaseModel):
    """What one may send."""

    comment: str = Field(max_length=100)
    times: int = 1


def routes_of_every_kind() -> APIRouter:
    """Return routes that read, change, crash, and stream."""
    router = APIRouter()

    @router.get("/things/{number}")
    async def thing(number: int, share: float = 0.5) -> dict[str, float]:
        return {"number": number, "share": share}

    @router.post("/things")
    async def make(remark: Remark) -> Remark:
        return remark

    @router.delete("/things/{number}")
    async def end(number: int) -> int:
        return number

    @router.get("/unset", include_in_schema=False)
    async def unset() -> None:
        raise OperatorError("The database is away", fix="Start it")

    @router.get("/crash", include_in_schema=False)
    async def crash() -> None:
        raise RuntimeError("a detail that nobody else may read")

    @router.websocket("/stream")
    async def stream(socket: WebSocket) -> None:
        await socket.accept()
        async for text in socket.iter_text():
            await socket.send_text(text)

    return router


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """An application and the tokens that open it."""

    app: FastAPI
    tokens: Tokens

    @property
    def reader(self) -> dict[str, str]:
        """The header of one who reads."""
        return {"authorization": f"Bearer {self.tokens.read}"}

    @property
    def operator(self) -> dict[str, str]:
        """The header of one who operates."""
        return {"authorization": f"Bearer {self.tokens.operate}"}


def an_api(
    data_dir: Path,
    settings: ServeSettings | None = None,
    *,
    routers: Sequence[APIRouter] | None = None,
) -> Served:
    """Return an API that keeps its tokens in `data_dir`."""
    tokens = tokens_made(data_dir)
    app = create_app(
        Hub(data_dir),
        Access(data_dir),
        settings or ServeSettings(),
        archive=Archive(Settings(data_dir=data_dir)),
        routers=(routes_of_every_kind(),) if routers is None else routers,
    )
    return Served(app=app, tokens=tokens)


def every_route(app: FastAPI, filled: str = "x") -> list[tuple[str, str]]:
    """Return (method, path) of everything an application serves, with `filled` for each parameter; a
    stream's method is WS."""
    found: list[tuple[str, str]] = []
    for route in iter_route_contexts(app.routes):
        methods = getattr(route, "methods", None) or {"WS"}
        path = re.sub(r"\{[^}]*\}", filled, str(route.path))
        found += [(method, path) for method in sorted(methods)]
    return found
