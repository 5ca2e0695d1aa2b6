"""Traces of a whole run: a venue goes down, and what came of that is told to a collector."""

from pathlib import Path

from pydantic import SecretStr
from tests.support.collector import collecting
from tests.support.database import until
from tests.support.receivers import receiving
from tests.support.windowed import daemon_over_venues

from tidegauge.core.instrument import SECOND
from tidegauge.risk.ruleset import DeskRules, RuleSet
from tidegauge.risk.signal_settings import HealthSettings
from tidegauge.runtime.settings_notify import ChannelSettings, NotifySettings
from tidegauge.runtime.settings_tree import TracingSettings
from tidegauge.runtime.tracing import trace_id_of
from tidegauge.sinks.connect import Database

QUICK = RuleSet(
    health=HealthSettings(degraded_after=SECOND // 10, down_after=SECOND // 5),
    desk=DeskRules(settle_for=SECOND // 2),
)


async def test_from_a_frame_to_the_page_and_the_database(
    database: Database, tmp_path: Path
) -> None:
    """The alert's own trace names the spans of all that it caused."""
    async with collecting() as collector, receiving() as receiver:
        channel = ChannelSettings.model_validate({"url": f"{receiver.url}/hook"})
        more = {
            "notify": NotifySettings(channels={"hook": channel}, allow_hosts=("127.0.0.1",)),
            "tracing": TracingSettings(otlp_endpoint=SecretStr(collector.url)),
        }
        running = daemon_over_venues(tmp_path, database, rules=QUICK, **more)
        async with running as (app, venues):
            await until(lambda: all(book.reading for book in app.view().books))
            venues.dialects["binance"].refuse_with = 503
            venues.dialects["binance"].cut()
            await until(lambda: bool(receiver.taken))
            await until(lambda: app.meters.notifications.get("hook/sent", 0) > 0)
            traces = {alert.trace for alert in app.monitor.alerts.values()}
    assert "database_batch" in collector.names()
    paged = [
        trace
        for trace in traces
        if {"frame", "alert_firing", "incident_opened", "page_submitted", "page_sent"}
        <= {*collector.names(f"{trace_id_of(trace):032x}")}
    ]
    assert paged, collector.names()
