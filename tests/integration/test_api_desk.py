"""The desk over HTTP: an incident taken, told of, silenced and ended, in a real PostgreSQL."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.support.api_over import Api, api_over
from tests.support.apps import settings_for
from tests.support.database import PATIENCE_S, until
from tests.support.windowed import daemon, daemon_over_venues

from tidegauge.core.instrument import SECOND
from tidegauge.faces.api import archive as archives
from tidegauge.faces.api.archive import MOST_SESSIONS, Archive
from tidegauge.risk.ruleset import DeskRules, RuleSet
from tidegauge.risk.signal_settings import HealthSettings
from tidegauge.sinks.connect import Database, DatabaseAway

QUICK = RuleSet(
    health=HealthSettings(
        degraded_after=SECOND // 10, down_after=SECOND // 5, clear_for=SECOND // 10
    ),
    desk=DeskRules(settle_for=SECOND // 2, reopen_within=5 * SECOND),
)


async def opened(api: Api) -> dict[str, Any]:
    """Wait for the incident to be in the database, and return it."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            status, found = await api.get("/incidents?open=true")
            assert status == 200, found
            if found and found[0]["version"] > 0:
                incident: dict[str, Any] = found[0]
                return incident
            await api.hub.changed(api.hub.version, 1)


async def test_an_incident_is_handled_from_its_opening_to_its_end(
    database: Database, tmp_path: Path
) -> None:
    """Each order as the command line would give it; each refusal says why."""
    rules = QUICK
    async with (
        daemon_over_venues(tmp_path, database, rules=rules) as (app, venues),
        api_over(tmp_path, app.settings) as api,
    ):
        venues.dialects["binance"].refuse_with = 503
        venues.dialects["binance"].cut()
        incident = await opened(api)
        path = f"/incidents/{incident['id']}"
        assert (incident["family"], incident["state"]) == ("feed", "open")

        status, done = await api.post(f"{path}/acknowledge", {"comment": "looking", "by": "ann"})
        assert (status, done["done"]) == (200, True), done
        async with database.session() as connection:
            row = await connection.fetchrow(
                "SELECT state, acknowledged_by FROM tidegauge.incidents WHERE id = $1",
                incident["id"],
            )
        assert tuple(row) == ("acknowledged", "ann")

        # Decided on a version that is not the newest any more.
        status, problem = await api.post(f"{path}/resolve", {"version": 0})
        assert (status, problem["status"]) == (409, 409)
        status, done = await api.post(f"{path}/comment", {"comment": "<b>it is them</b>\u202e"})
        assert (status, done["done"]) == (200, True)
        status, problem = await api.post(f"{path}/comment", {"comment": "  "})
        assert (status, problem["errors"][0]["field"]) == (422, "comment")

        await until(lambda: any(i.acknowledged_by for i in api.hub.picture().incidents.values()))
        status, detail = await api.get(path)
        assert status == 200
        kinds = [each["kind"] for each in detail["timeline"]]
        assert kinds[0] == "opened"
        assert {"acknowledged", "commented"} <= set(kinds)
        said = next(each for each in detail["timeline"] if each["kind"] == "commented")
        assert (said["comment"], said["actor"]) == ("<b>it is them</b>\u202e", "api, operate")
        assert {each["signal"] for each in detail["alerts"]} <= {"venue_degraded", "venue_down"}

        silence = {"venues": ["binance"], "for_s": 60, "comment": "known"}
        status, done = await api.post("/silences", silence)
        assert (status, done["done"]) == (200, True)
        await until(lambda: len(api.hub.picture().silences) == 1)
        _, (silenced,) = await api.get("/silences")
        assert (silenced["venues"], silenced["author"]) == (["binance"], "api, operate")
        async with api.session.delete(f"{api.url}/silences/{silenced['id']}") as answer:
            assert answer.status == 200
        await until(lambda: not api.hub.picture().silences)

        status, done = await api.post(f"{path}/resolve", {"comment": "over"})
        assert (status, done["done"]) == (200, True)
        assert (await api.get(path))[1]["incident"]["state"] == "resolved"
        status, problem = await api.post(f"{path}/acknowledge", {})
        assert status == 409
        assert problem["detail"]


async def test_nobody_who_looks_waits_for_those_who_order(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many wait for a daemon; who orders then is told to try again."""
    monkeypatch.setattr(archives, "PATIENCE_S", 0.2)
    settings = settings_for({}, tmp_path, database)
    async with Archive(settings).opened() as archive, AsyncExitStack() as held:
        for _ in range(MOST_SESSIONS):
            await held.enter_async_context(archive.session(order=True))
        async with archive.session() as connection:
            assert await connection.fetchval("SELECT 1") == 1
        with pytest.raises(DatabaseAway, match="too many ask"):
            await held.enter_async_context(archive.session(order=True))


async def test_orders_that_make_no_sense_are_told_what_is_wrong(
    database: Database, tmp_path: Path
) -> None:
    """The status and a reason each, and not one order is placed."""
    async with daemon(tmp_path, database) as app, api_over(tmp_path, app.settings) as api:
        bad: list[tuple[str, Any, int]] = [
            ("/incidents/INC-nothing/acknowledge", {}, 404),
            ("/incidents/x/acknowledge", {}, 404),
            ("/incidents/INC-nothing/acknowledge", {"until_s": -1}, 422),
            ("/incidents/INC-nothing/acknowledge", {"else": 1}, 422),
            ("/incidents/INC-nothing/comment", {"comment": "x" * 5000}, 422),
            ("/incidents/INC-nothing/comment", {"comment": "\0"}, 422),
            ("/incidents/INC-nothing/resolve", [], 422),
            ("/silences", {"for_s": 60, "comment": "all of it"}, 422),
            ("/silences", {"venues": ["nowhere"], "for_s": 60, "comment": "x"}, 422),
            ("/silences", {"symbols": ["*"], "for_s": 1e12, "comment": "x"}, 422),
            ("/silences", {"symbols": ["*"], "for_s": 9.9, "comment": "x"}, 422),
            ("/silences", {"symbols": ["*"], "for_s": 6e-195, "comment": "x"}, 422),
            ("/silences", {"symbols": ["*"] * 101, "for_s": 60, "comment": "x"}, 422),
        ]
        for path, body, wanted in bad:
            status, problem = await api.post(path, body)
            assert (status, problem["status"]) == (wanted, wanted), (path, body, problem)
            assert problem["detail"]
            if path == "/silences":  # who asks here has no flags
                assert problem["errors"][0]["field"] in body.keys() | {"symbols"}
                assert "--" not in f"{problem['detail']}{problem['errors'][0]['message']}"
        async with api.session.delete(f"{api.url}/silences/none") as answer:
            assert answer.status == 404
        async with database.session() as connection:
            assert await connection.fetchval("SELECT count(*) FROM tidegauge.desk_orders") == 0


async def test_the_past_of_a_book_is_there_while_it_is_written(
    database: Database, tmp_path: Path
) -> None:
    """History and heat come from what the daemon has just stored."""
    async with daemon(tmp_path, database) as app, api_over(tmp_path, app.settings) as api:
        past: dict[str, Any] = {"points": []}
        async with asyncio.timeout(PATIENCE_S):
            while not past["points"]:
                status, past = await api.get("/history/binance/BTCUSDT")
                assert status == 200, past
        point = past["points"][-1]
        assert past["source"] == "readings"
        assert isinstance(point["mid"], str)
        assert point["bands"]
        status, heat = await api.get("/heat/binance/BTCUSDT")
        assert status == 200
        assert heat["bands"] == sorted(heat["bands"])
        assert len(heat["columns"][-1]["bids"]) == len(heat["bands"])
