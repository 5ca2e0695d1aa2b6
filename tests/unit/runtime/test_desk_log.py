"""The lines of one frame's path carry its trace: alert, incident, page and mute."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from structlog.testing import capture_logs
from tests.support.desk import START, TOLD, ended, firing, key_of

from tidegauge.core.alert import Alert, AlertState, Severity
from tidegauge.core.desk import Arrival, Delivery, Order, OrderKind, Page
from tidegauge.core.instrument import SECOND
from tidegauge.risk.ruleset import RuleSet
from tidegauge.runtime.desk_log import DeskLog
from tidegauge.runtime.monitor import Monitor, MonitorPlan, Record

KEY = key_of()


class Bench:
    """A monitor whose records go into the log, and what was logged."""

    def __init__(self) -> None:
        self.pages: list[Page] = []
        self.monitor = Monitor(MonitorPlan(rules=RuleSet(desk=TOLD)), self.emit)
        self.log = DeskLog(self.monitor)

    def emit(self, record: Record) -> None:
        self.log.told(record)
        if isinstance(record, Page) and record.channels:
            self.pages.append(record)

    @contextmanager
    def lines(self) -> Iterator[list[Any]]:
        with capture_logs() as lines:
            yield lines

    def judge(self, alert: Alert, trace: str) -> None:
        """Have an alert come from a frame."""
        self.monitor._alert(replace(alert, trace=trace))

    def delivered(self, page: Page) -> None:
        self.log.told(
            Delivery(
                page_key=page.key,
                channel="slack",
                kind=page.kind,
                severity=page.severity,
                title=page.title,
                incidents=page.of,
                attempts=1,
                first_at=START,
                sent_at=START,
                at=START,
                arrival=Arrival.SENT,
            )
        )


def events(lines: list[Any], trace: str | None) -> list[str]:
    return [each["event"] for each in lines if each.get("trace") == trace]


def test_all_that_a_frame_causes_carries_its_trace() -> None:
    """Also the page, however late it arrives and whatever the alert came to meanwhile."""
    bench = Bench()
    alert = firing(KEY, START)
    with bench.lines() as lines:
        bench.judge(alert, "binance/1/7")
        bench.judge(replace(alert, cause="spread", updated_at=START + SECOND), "binance/1/9")
        (page,) = bench.pages
        bench.delivered(page)
        bench.judge(ended(alert, START + 2 * SECOND), "binance/1/12")
    assert events(lines, "binance/1/7") == [
        *("alert_firing", "incident_opened", "page_submitted", "page_sent")
    ]
    assert events(lines, "binance/1/12") == ["alert_resolved", "incident_mitigated"]
    assert not events(lines, None)
    first = lines[0]
    assert (first["log_level"], first["alert"]) == ("warning", alert.id)
    assert (first["severity"], first["sentence"]) == ("high", alert.sentence)


def test_an_alert_that_is_on_its_way_is_for_who_debugs() -> None:
    """It may come to nothing."""
    bench = Bench()
    with bench.lines() as lines:
        bench.judge(replace(firing(KEY, START), state=AlertState.PENDING), "binance/1/7")
    assert [(each["event"], each["log_level"]) for each in lines] == [("alert_pending", "debug")]


def test_what_went_no_further_says_why_and_of_which_frame() -> None:
    """Too mild to open an incident."""
    bench = Bench()
    with bench.lines() as lines:
        bench.judge(firing(KEY, START, Severity.INFO), "binance/1/7")
    assert events(lines, "binance/1/7") == ["alert_firing", "muted"]
    assert lines[1]["stage"] == "nothing_open"


def test_what_a_person_does_is_caused_by_no_frame() -> None:
    """It says who did it instead."""
    bench = Bench()
    bench.judge(firing(KEY, START), "binance/1/7")
    (incident,) = bench.monitor.desk.view(START).incidents
    order = Order(
        id="o", kind=OrderKind.ACKNOWLEDGE, at=START, actor="ann", incident_id=incident.id
    )
    with bench.lines() as lines:
        bench.monitor.order(order, START + SECOND)
    line = lines[0]
    assert (line["event"], line["by"]) == ("incident_acknowledged", "ann")
    assert "trace" not in line


def test_what_ends_by_itself_carries_the_last_frame_of_its_alerts() -> None:
    """Nothing came that second, but it is that story's end."""
    bench = Bench()
    alert = firing(KEY, START)
    bench.judge(alert, "binance/1/7")
    bench.judge(ended(alert, START + SECOND), "binance/1/12")
    with bench.lines() as lines:
        for second in range(2, 3600):
            bench.monitor.desk.tick(START + second * SECOND)
    assert "incident_resolved" in events(lines, "binance/1/12")


def test_a_page_of_before_a_restart_is_told_without_what_is_not_known() -> None:
    """Its frame was another run's."""
    bench = Bench()
    bench.judge(firing(KEY, START), "binance/1/7")
    (page,) = bench.pages
    fresh = Bench()
    with fresh.lines() as lines:
        fresh.delivered(page)
    assert [(each["event"], each.get("trace")) for each in lines] == [("page_sent", None)]
