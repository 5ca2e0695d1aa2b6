"""From a frame on a socket to a page at a receiver, an order in the database, and a restart: all real."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

import pytest
from structlog.testing import capture_logs
from tests.support.apps import settings_for
from tests.support.database import PATIENCE_S, until
from tests.support.fault_proxy import FaultProxy
from tests.support.receivers import Receiver, receiving

from tidegauge.core.alert import Severity
from tidegauge.core.desk import Order, OrderKind, Outcome
from tidegauge.core.incident import IncidentChange, Transition
from tidegauge.core.instrument import MILLISECOND, SECOND
from tidegauge.risk.ruleset import DeskRules, RuleSet
from tidegauge.risk.settings import CrunchSettings, UserFloors
from tidegauge.risk.signal_settings import HealthSettings
from tidegauge.runtime.app import App, Assignment
from tidegauge.runtime.local_venues import LocalVenues
from tidegauge.runtime.settings import Settings
from tidegauge.runtime.settings_notify import ChannelSettings, NotifySettings
from tidegauge.simulator.scenario import Episode, Scenario
from tidegauge.sinks.chain_check import verify
from tidegauge.sinks.connect import Database
from tidegauge.sinks.incident_log import paths_of, read
from tidegauge.sinks.orders import outcome_of, place

VENUES = ("binance", "bybit-linear")
QUICK = RuleSet(
    health=HealthSettings(
        degraded_after=SECOND // 10, down_after=SECOND // 5, clear_for=SECOND // 10
    ),
    desk=DeskRules(settle_for=SECOND // 2, reopen_within=5 * SECOND),
)
CAMPAIGN = os.environ.get("TIDEGAUGE_CAMPAIGN") == "1"


def settings_of(
    served: Any, folder: Path, database: Database | None, receiver: Receiver
) -> Settings:
    channel = ChannelSettings.model_validate({"url": f"{receiver.url}/hook"})
    notify = NotifySettings(channels={"hook": channel}, allow_hosts=("127.0.0.1",))
    return settings_for(served, folder, database, notify=notify)


@asynccontextmanager
async def running(
    settings: Settings,
    rules: RuleSet,
    venues: tuple[str, ...],
    *,
    books: int | None = None,
    listener: Callable[[object], None] = lambda _record: None,
) -> AsyncIterator[App]:
    """Run the program until the block ends; the block begins with so many books, by default all."""
    assignment = Assignment(symbols=("BTCUSDT",), venues=venues, store=True)
    app = App(settings, assignment, rules=rules, listener=listener)
    async with app.opened(), asyncio.TaskGroup() as tasks:
        work = tasks.create_task(app.run())
        await until(lambda: work.done() or app.monitor.watched == (books or len(venues)))
        yield app
        app.stop.set()
        async with asyncio.timeout(PATIENCE_S):
            await work


def kinds(receiver: Receiver) -> list[str]:
    """What was told, in order; what came twice with one key was told once."""
    told = dict(zip(receiver.keys, receiver.taken, strict=True))
    return [page["kind"] for page in told.values()]


async def in_rows(database: Database, question: str, *arguments: Any) -> Any:
    async with database.session() as connection:
        return await connection.fetchval(question, *arguments)


async def test_a_venue_that_goes_down_is_an_incident_that_is_paged_taken_and_over(
    database: Database, tmp_path: Path
) -> None:
    """And again after a restart in the middle of it, without a word told twice."""
    async with LocalVenues(venues=VENUES) as venues, receiving() as receiver:
        settings = settings_of(venues.endpoints, tmp_path, database, receiver)
        async with running(settings, QUICK, VENUES) as app:
            await until(lambda: all(b.reading for b in app.view().books))
            venues.dialects["binance"].refuse_with = 503
            venues.dialects["binance"].cut()
            await until(lambda: kinds(receiver) == ["opened"])
            (incident,) = app.monitor.desk.view(0).incidents
            known = "SELECT count(*) FROM tidegauge.incidents WHERE id = $1"
            await until(lambda: in_rows(database, known, incident.id))
            outcome = await ordered(database, incident.id, OrderKind.ACKNOWLEDGE)
            assert outcome.done, outcome.said
            await until(lambda: app.meters.notifications["hook/sent"] >= 1)
            await until(lambda: app.meters.notifications_waiting == 0)
            await until(lambda: app.meters.batches > 0)
            spans = (app.meters.feed_to_reading, app.meters.loop_lag)
            assert all(each.snapshot().count for each in spans)
        async with running(settings, QUICK, VENUES, books=1) as app:
            (going_on,) = app.monitor.desk.view(0).incidents
            assert (going_on.id, going_on.acknowledged_by) == (incident.id, "ann")
            refused = await ordered(database, "INC-none", OrderKind.ACKNOWLEDGE, placed=False)
            assert "there is no incident INC-none" in refused.said
            venues.dialects["binance"].refuse_with = None
            await until(lambda: "resolved" in kinds(receiver))
        assert [each for each in kinds(receiver) if each != "acknowledged"] == [
            "opened",
            "resolved",
        ]
    (path,) = paths_of(tmp_path)
    verdict = verify(path)
    assert verdict.whole, verdict.wrong
    state = await in_rows(
        database, "SELECT state FROM tidegauge.incidents WHERE id = $1", incident.id
    )
    assert state == "resolved"
    events = await in_rows(database, "SELECT count(*) FROM tidegauge.incident_events")
    assert events == verdict.lines
    assert await in_rows(database, "SELECT count(*) FROM tidegauge.v_deliveries") >= 2


async def ordered(
    database: Database, incident_id: str, kind: OrderKind, *, placed: bool = True
) -> Outcome:
    """Place an order as the command line does, and wait for what comes of it."""
    now = time.time_ns()
    name = f"00000000-0000-4000-8000-{now % 10**12:012}"
    order = Order(id=name, kind=kind, at=now, actor="ann", incident_id=incident_id)
    async with database.session() as connection:
        if not placed:
            with pytest.raises(Exception, match="no incident") as refused:
                await place(connection, order)
            return Outcome(order_id=name, at=now, done=False, said=str(refused.value))
        await place(connection, order)
        outcome = await outcome_of(connection, name, PATIENCE_S)
    assert outcome is not None
    return outcome


async def test_pages_leave_while_the_database_is_away(database: Database, tmp_path: Path) -> None:
    """Its outage is no reason to be silent: outbox and trail are on this machine's disk."""
    port = urlsplit(database.url).port
    assert port is not None
    async with LocalVenues(venues=VENUES) as venues, receiving() as receiver:
        async with AsyncExitStack() as outage:
            proxy = await outage.enter_async_context(FaultProxy(port))
            away = replace(database, url=database.url.replace(f":{port}", f":{proxy.port}"))
            settings = settings_of(venues.endpoints, tmp_path, away, receiver)
            async with running(settings, QUICK, VENUES) as app:
                await until(lambda: all(b.reading for b in app.view().books))
                await outage.aclose()
                venues.dialects["binance"].refuse_with = 503
                venues.dialects["binance"].cut()
                await until(lambda: kinds(receiver) == ["opened"])
                (incident,) = app.monitor.desk.view(0).incidents
        (path,) = paths_of(tmp_path)
        assert [each.transition.incident.id for each in read(path)][:1] == [incident.id]


async def test_a_frame_on_the_socket_is_a_page_at_the_receiver(
    database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a hold, the spread passing a limit of the user's: how long from the frame to the page."""
    wanted = 100 if CAMPAIGN else 3
    opening = Episode(
        begins_at=SECOND, lasts=SECOND, spread_bps=1.5, onset=SECOND // 10, recovery=SECOND // 10
    )
    # Long enough apart that one is over, by the second, before the next begins.
    scenario = Scenario(name="opens and closes", episodes=(opening,), every=5 * SECOND)
    floors = UserFloors(max_spread_bps=1.0)
    rules = RuleSet(
        crunch=CrunchSettings(floors=floors, floor_hold=0, clear_for=0, clear_samples=1),
        desk=DeskRules(
            opens_from=Severity.WARNING,
            settle_for=0,
            reopen_within=0,
            burst=10_000,
            told_of=("opened",),
        ),
    )
    async with (
        LocalVenues(venues=("binance",), scenario=scenario) as venues,
        receiving() as receiver,
    ):
        settings = settings_of(venues.endpoints, tmp_path, database, receiver)
        fired: list[int] = []

        def heard(record: object) -> None:
            if isinstance(record, Transition) and record.event.kind is IncidentChange.OPENED:
                fired.append(record.event.at)

        with capture_logs() as lines:
            async with running(settings, rules, ("binance",), listener=heard):
                arrived: list[float] = []
                while len(arrived) < wanted:
                    await until(lambda: len(receiver.taken) > len(arrived))
                    arrived.append(time.time_ns())
    took = sorted((at - sent) / MILLISECOND for sent, at in zip(fired, arrived, strict=False))
    with capsys.disabled():
        print(f"\nframe to page: p50 {median(took):.0f} ms, worst {took[-1]:.0f} ms of {len(took)}")
    assert len(took) == wanted
    assert all(each["kind"] == "opened" for each in receiver.taken)
    told = [each["trace"] for each in lines if each["event"] == "alert_firing"]
    for trace in told[: wanted - 1]:
        of_the_frame = {each["event"] for each in lines if each.get("trace") == trace}
        assert {"incident_opened", "page_submitted", "page_sent"} <= of_the_frame, trace
        assert trace.startswith("binance/")
