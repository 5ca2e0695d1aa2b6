"""Spans reach a collector: all of one frame in one trace, or none at all."""

import sys

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs
from tests.support.collector import collecting, require_opentelemetry
from tests.support.database import until

from tidegauge.core.errors import OperatorError
from tidegauge.core.instrument import MILLISECOND, SECOND
from tidegauge.runtime.settings_tree import TracingSettings
from tidegauge.runtime.tracing import MOST_FRAMES, Spans, trace_id_of

NOW = 1_764_000_000 * SECOND
FRAME = "binance/1/7"


def spans(url: str | None) -> Spans:
    to = None if url is None else SecretStr(url)
    return Spans(TracingSettings(otlp_endpoint=to), "run", lambda: NOW)


async def test_what_a_frame_caused_is_one_trace_below_the_frame() -> None:
    """Its id is a digest of the frame's name, so that who has a line of the log finds it."""
    async with collecting() as collector:
        told = spans(collector.url)
        told.caused("alert_firing", FRAME, NOW - 3 * MILLISECOND, {"alert": "a1", "symbol": "BTC"})
        told.caused("page_sent", FRAME, NOW - MILLISECOND, {"channels": ["slack"]})
        told.caused("alert_firing", "kraken/2/9", NOW, {})
        told.caused("incident_acknowledged", None, NOW, {"by": "ann"})
        await told.close()
    trace = f"{trace_id_of(FRAME):032x}"
    assert collector.names(trace) == ["frame", "alert_firing", "page_sent"]
    assert collector.names() == ["frame", "alert_firing", "page_sent", "frame", "alert_firing"]
    frame, alert, page, *_ = collector.spans
    assert {alert.parent_span_id, page.parent_span_id} == {frame.span_id}
    assert not frame.parent_span_id
    assert alert.end_time_unix_nano - alert.start_time_unix_nano == 3 * MILLISECOND
    assert {each.key: each.value.string_value for each in alert.attributes} == {
        "tidegauge.alert": "a1",
        "tidegauge.symbol": "BTC",
    }
    assert frame.attributes[0].value.string_value == FRAME
    assert len({each.span_id for each in collector.spans}) == 5
    assert collector.resources[0]["service.instance.id"] == "run"


async def test_a_batch_of_the_database_is_a_trace_of_its_own() -> None:
    """With how many records it had, and how long they took."""
    async with collecting() as collector:
        told = spans(collector.url)
        told.stored(250, 4 * MILLISECOND)
        told.stored(1, MILLISECOND)
        await told.close()
    first, second = collector.spans
    assert first.trace_id != second.trace_id
    assert (first.name, first.attributes[0].value.int_value) == ("database_batch", 250)
    assert first.end_time_unix_nano - first.start_time_unix_nano == 4 * MILLISECOND


async def test_off_it_needs_no_package_and_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """As it is unless somebody asks for it."""
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    told = spans(None)
    told.caused("alert_firing", FRAME, NOW, {})
    told.stored(1, 1)
    await told.close()


def test_without_the_packages_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is monitored."""
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(OperatorError, match="is not installed") as refused:
        spans("http://127.0.0.1:1/v1/traces")
    assert "tidegauge[otel]" in str(refused.value.fix)


async def test_a_collector_that_is_away_holds_up_no_end() -> None:
    """The monitor stops as it always does; what could not be sent is lost."""
    require_opentelemetry()
    told = spans("http://user:hunter2@127.0.0.1:1/v1/traces")
    with capture_logs() as lines:
        for number in range(MOST_FRAMES + 5):
            told.caused("alert_firing", f"binance/1/{number}", NOW, {})
        assert len(told._frames) == MOST_FRAMES
        await told.close()
        await until(lambda: bool(lines))
    assert [each["event"] for each in lines] == ["traces_not_sent"]
    assert "hunter2" not in str(lines)
