"""The API over real daemons, on a real socket."""

import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from fastapi import FastAPI
from tests.support.windowed import hub_of

from tidegauge.faces.api.access import Access
from tidegauge.faces.api.app import create_app
from tidegauge.faces.api.archive import Archive
from tidegauge.faces.api.binding import bound, url_of
from tidegauge.faces.api.serving import serving
from tidegauge.faces.api.tokens import Tokens, tokens_made
from tidegauge.runtime.settings import Settings
from tidegauge.runtime.settings_serve import ServeSettings
from tidegauge.runtime.window.hub import Hub


@dataclass(frozen=True, slots=True)
class Api:
    """An API that answers, and whoever asks it with the token that operates."""

    url: str
    hub: Hub
    app: FastAPI
    tokens: Tokens
    session: aiohttp.ClientSession

    async def get(self, path: str) -> tuple[int, Any]:
        """Return the status and the body of an answer."""
        async with self.session.get(f"{self.url}{path}") as answer:
            return answer.status, await answer.json(content_type=None)

    async def post(self, path: str, body: Any) -> tuple[int, Any]:
        """Send a body; return the status and the answer."""
        async with self.session.post(f"{self.url}{path}", json=body) as answer:
            return answer.status, await answer.json(content_type=None)


@asynccontextmanager
async def api_over(folder: Path, settings: Settings) -> AsyncIterator[Api]:
    """Serve the API of a data directory until the block ends."""
    tokens = tokens_made(folder)
    serve = ServeSettings(port=0, requests_per_s=100_000)
    async with (
        hub_of(folder) as hub,
        Archive(settings).opened() as archive,
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {tokens.operate}"}) as session,
    ):
        app = create_app(hub, Access(folder), serve, archive=archive)
        with contextlib.closing(bound(serve)) as at:
            async with serving(app, at, serve):
                yield Api(url_of(at, serve).rstrip("/"), hub, app, tokens, session)
