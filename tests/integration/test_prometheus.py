"""A real Prometheus scrapes us, and a rule that we ship fires into a real Alertmanager."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import uvicorn
import yaml
from fastapi import FastAPI, HTTPException, Request
from tests.support.alertmanager import a_port, alertmanager, alerts
from tests.support.database import until
from tests.support.pictures import DAEMON, a_daemon, a_picture, a_storage
from tests.support.programs import require_program
from tests.support.scraped import Scraped

from tidegauge.faces.api.metrics_route import router
from tidegauge.runtime.window.across import ShownStorage
from tidegauge.runtime.window.picture import Picture

SHIPPED = Path(__file__).parents[2] / "config" / "prometheus"


class Served:
    """What the API shows, to whom has the token."""

    def __init__(self) -> None:
        self.token = secrets.token_urlsafe(16)
        self.storage: ShownStorage = a_storage()
        self.refused = 0
        self.app = FastAPI()
        self.app.include_router(router)
        self.app.state.hub = SimpleNamespace(picture=self.picture)
        self.app.middleware("http")(self._gate)

    async def _gate(self, request: Request, call_next: Any) -> Any:
        if request.headers.get("authorization") != f"Bearer {self.token}":
            self.refused += 1
            raise HTTPException(401)
        return await call_next(request)

    def picture(self) -> Picture:
        now = datetime.now(UTC)
        daemon = replace(a_daemon(at=now), storage=self.storage)
        return replace(a_picture(), at=now, daemons={DAEMON: daemon})


@asynccontextmanager
async def serving(served: Served) -> AsyncIterator[str]:
    """Serve it meanwhile; returns host:port."""
    port = a_port()
    server = uvicorn.Server(
        uvicorn.Config(served.app, host="127.0.0.1", port=port, log_config=None, lifespan="off")
    )
    task = asyncio.create_task(server.serve())
    try:
        await until(lambda: server.started)
        yield f"127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task


@asynccontextmanager
async def prometheus(folder: Path, api: str, token: str, alertmanager: str) -> AsyncIterator[str]:
    """Run one with the configuration that we ship, in a hurry; returns its address."""
    program = require_program("prometheus")
    config = yaml.safe_load((SHIPPED / "prometheus.yml").read_text(encoding="utf-8"))
    config["global"] = dict.fromkeys(
        ("scrape_interval", "scrape_timeout", "evaluation_interval"), "200ms"
    )
    config["rule_files"] = [str(SHIPPED / name) for name in config["rule_files"]]
    (job,) = config["scrape_configs"]
    (folder / "token").write_text(token)
    job["authorization"]["credentials_file"] = str(folder / "token")
    job["static_configs"] = [{"targets": [api]}]
    (manager,) = config["alerting"]["alertmanagers"]
    manager["static_configs"] = [{"targets": [alertmanager.removeprefix("http://")]}]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    port = a_port()
    process = await asyncio.create_subprocess_exec(
        program,
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        await process.wait()


async def asked(url: str, expr: str) -> list[Any]:
    """Return what Prometheus answers to a question; nothing while it starts."""
    try:
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{url}/api/v1/query", params={"query": expr}) as answer,
        ):
            found: list[Any] = (await answer.json())["data"]["result"]
            return found
    except aiohttp.ClientError:
        return []


async def test_what_is_scraped_is_plain_text_that_can_be_read() -> None:
    """With the content type that scrapers look for."""
    served = Served()
    async with (
        serving(served) as api,
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {served.token}"}) as session,
        session.get(f"http://{api}/metrics") as answer,
    ):
        assert answer.status == 200
        assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert Scraped(await answer.read()).get("up", daemon="BTCUSDT") == 1


async def test_a_shipped_rule_fires_into_a_real_alertmanager(tmp_path: Path) -> None:
    """`TidegaugeReadingsThinned`, unchanged: it has no `for`. When the spool has room again, it ends."""
    served = Served()
    async with (
        alertmanager(tmp_path / "alertmanager", "http://127.0.0.1:9/nobody") as manager,
        serving(served) as api,
        prometheus(tmp_path, api, served.token, manager) as url,
    ):
        score = await first(lambda: asked(url, "tidegauge_symbol_score"))
        assert (score["metric"]["symbol"], score["value"][1]) == ("BTCUSDT", "12.5")
        assert not await asked(url, 'ALERTS{alertname="TidegaugeReadingsThinned"}')

        served.storage = replace(served.storage, thinned="one reading a book every 10 s")
        alert = await first(lambda: firing(manager))
        assert alert["labels"]["severity"] == "high"
        assert alert["labels"]["daemon"] == "BTCUSDT"
        assert alert["annotations"]["summary"] == "The spool of BTCUSDT is three quarters full"

        served.storage = a_storage()
        await until(lambda: over(manager))
        assert served.refused == 0


async def first(ask: Callable[[], Awaitable[list[Any]]]) -> Any:
    """Ask until there is an answer; return the first of it."""
    found: list[Any] = []

    async def answered() -> bool:
        found[:] = await ask()
        return bool(found)

    await until(answered)
    return found[0]


async def firing(manager: str) -> list[Any]:
    """Return the rule as the Alertmanager holds it."""
    try:
        found = await alerts(manager)
    except aiohttp.ClientError:
        return []
    return [each for each in found if each["labels"]["alertname"] == "TidegaugeReadingsThinned"]


async def over(manager: str) -> bool:
    return not await firing(manager)
