"""A real Prometheus scrapes us, and a rule that we ship fires into a real Alertmanager."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from tests.support.alertmanager import alertmanager, alerts, listening
from tests.support.api_over import api_over
from tests.support.database import until
from tests.support.pictures import DAEMON, a_daemon, a_picture, a_storage
from tests.support.programs import require_program
from tests.support.scraped import Scraped
from tests.support.windowed import VENUES, daemon

from tidegauge.faces.api.access import Access
from tidegauge.faces.api.app import create_app
from tidegauge.faces.api.archive import Archive
from tidegauge.faces.api.binding import bound, url_of
from tidegauge.faces.api.serving import serving
from tidegauge.faces.api.tokens import Tokens, tokens_made
from tidegauge.runtime.settings import Settings
from tidegauge.runtime.settings_serve import ServeSettings
from tidegauge.runtime.window.across import ShownStorage
from tidegauge.runtime.window.hub import Hub
from tidegauge.runtime.window.picture import Picture

SHIPPED = Path(__file__).parents[2] / "config" / "prometheus"


class Shown(Hub):
    """A hub that shows one daemon, whose storage fares as it is told."""

    storage: ShownStorage = a_storage()

    def picture(self) -> Picture:
        now = datetime.now(UTC)
        shown = replace(a_daemon(at=now), storage=self.storage)
        return replace(a_picture(), at=now, daemons={DAEMON: shown})


@asynccontextmanager
async def serving_api(folder: Path, hub: Hub) -> AsyncIterator[tuple[str, Tokens]]:
    """Serve the whole API over a hub; returns its address and what opens it."""
    tokens, serve = tokens_made(folder), ServeSettings(port=0)
    archive = Archive(Settings(data_dir=folder))
    app = create_app(hub, Access(folder), serve, archive=archive)
    with contextlib.closing(bound(serve)) as at:
        async with serving(app, at, serve):
            yield url_of(at, serve).rstrip("/"), tokens


@asynccontextmanager
async def prometheus(folder: Path, api: str, token: str, alertmanager: str) -> AsyncIterator[str]:
    """Run one with the configuration that we ship, in a hurry; returns its address."""
    program = require_program("prometheus")
    config = yaml.safe_load((SHIPPED / "prometheus.yml").read_text(encoding="utf-8"))
    config["global"] = dict.fromkeys(
        ("scrape_interval", "scrape_timeout", "evaluation_interval"), "500ms"
    )
    config["rule_files"] = [str(SHIPPED / name) for name in config["rule_files"]]
    (job,) = config["scrape_configs"]
    (folder / "token").write_text(token)
    job["authorization"]["credentials_file"] = str(folder / "token")
    job["static_configs"] = [{"targets": [api.removeprefix("http://")]}]
    (manager,) = config["alerting"]["alertmanagers"]
    manager["static_configs"] = [{"targets": [alertmanager.removeprefix("http://")]}]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    options = (
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
    )
    async with listening(program, *options) as url:
        yield url


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


async def test_a_real_daemon_is_scraped_by_whom_has_a_token(tmp_path: Path) -> None:
    """What it counts is what is told, with the content type that scrapers look for."""
    async with (
        daemon(tmp_path) as app,
        api_over(tmp_path, app.settings) as api,
        api.session.get(f"{api.url}/metrics") as answer,
        aiohttp.ClientSession() as stranger,
        stranger.get(f"{api.url}/metrics") as refusal,
    ):
        assert refusal.status == 401
        assert b"tidegauge_" not in await refusal.read()
        assert answer.status == 200
        assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        found = Scraped(await answer.read())
        assert found.get("up", daemon="BTCUSDT") == 1
        assert found.get("database_away", daemon="BTCUSDT") is None, "it stores nothing"
        for venue in VENUES:
            book = {"venue": venue, "symbol": "BTCUSDT"}
            assert found.get("book_trust", **book, trust="live") == 1
            assert (found.get("book_levels", **book, side="bid") or 0) > 0
            frames = found.get("venue_frames_total", venue=venue, daemon="BTCUSDT")
            assert 0 < (frames or 0) <= app.view().venues[VENUES.index(venue)].frames
        counted = found.get("feed_to_reading_seconds_count", daemon="BTCUSDT")
        assert 0 < (counted or 0) <= app.meters.feed_to_reading.snapshot().count


async def test_a_shipped_rule_fires_into_a_real_alertmanager(tmp_path: Path) -> None:
    """`TidegaugeReadingsThinned`, unchanged: it has no `for`. When the spool has room again, it ends."""
    hub = Shown(tmp_path)
    async with (
        alertmanager(tmp_path / "alertmanager", "http://127.0.0.1:9/nobody") as manager,
        serving_api(tmp_path, hub) as (api, tokens),
        prometheus(tmp_path, api, tokens.read, manager) as url,
    ):
        score = await first(lambda: asked(url, "tidegauge_symbol_score"))
        assert (score["metric"]["symbol"], score["value"][1]) == ("BTCUSDT", "12.5")
        assert not await asked(url, 'ALERTS{alertname="TidegaugeReadingsThinned"}')

        hub.storage = replace(hub.storage, thinned="one reading a book every 10 s")
        alert = await first(lambda: firing(manager))
        assert alert["labels"]["severity"] == "high"
        assert alert["labels"]["daemon"] == "BTCUSDT"
        assert alert["annotations"]["summary"] == "The spool of BTCUSDT is three quarters full"

        hub.storage = a_storage()
        await until(lambda: over(manager), 60)


async def first(ask: Callable[[], Awaitable[list[Any]]]) -> Any:
    """Ask until there is an answer; return the first of it."""
    found: list[Any] = []

    async def answered() -> bool:
        found[:] = await ask()
        return bool(found)

    await until(answered, 60)
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
