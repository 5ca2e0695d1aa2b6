"""What the operations desk adds to an alert: from the record to the page, and five thousand at once."""

import time
from collections.abc import Callable
from dataclasses import replace

from tidegauge.core.alert import Action, Alert, AlertKey, AlertState, Severity, Signal
from tidegauge.core.desk import Matcher, Page
from tidegauge.risk.desk.desk import Desk, DeskRecord
from tidegauge.risk.ruleset import DeskRules, Route

from .parts import Outcome, Part, Scale
from .product import settle, unsettle
from .timing import percentile, progress

US, MS, SECOND = 1_000, 1_000_000, 1_000_000_000
START = 1_764_000_000 * SECOND
STORM = 5_000
CHANNELS = ("slack", "mail")


def run(scale: Scale) -> Outcome:
    """Time the desk with nothing open, and with a thousand incidents; then a storm."""
    count = 500 if scale.quick else STORM
    progress(f"  {count:,} alert records of each kind, with 0 and with 1,000 open incidents")
    return {
        "records": count,
        "beside": [_beside(opened, count) for opened in (0, 1_000)],
        "storm": _storm(count),
    }


def _beside(opened: int, count: int) -> Outcome:
    """Return the microseconds a record takes while so many incidents are open."""
    desk, _ = _desk()
    now = START
    for number in range(opened):
        desk.alert(_alert(f"OPEN{number}", now), now)
    alert = _alert("BTCUSDT", now)
    desk.alert(alert, now)
    lost = replace(alert, unobserved_since=now)
    others = [_alert("BTCUSDT", now, venue="okx", number=each) for each in range(count // 2)]
    come_and_go = [record for each in others for record in (each, _over(each))]
    fresh = [_alert(f"NEW{number}", now) for number in range(count)]
    timed = {
        "same_us": _timed(desk, [alert] * count, now),
        "changed_us": _timed(desk, [lost, alert] * (count // 2), now),
        "join_or_end_us": _timed(desk, come_and_go, now),
        "open_us": _timed(desk, fresh, now),
    }
    return {"open": opened, **timed, "tick_us": _median(lambda: desk.tick(now + SECOND))}


def _storm(count: int) -> Outcome:
    """Let so many incidents open in one second; count the pages until all is told."""
    desk, emitted = _desk()
    alerts = [_alert(f"S{number}", START) for number in range(count)]
    settle()
    spent, began = time.process_time_ns(), time.perf_counter_ns()
    desk.alert(alerts[0], START)
    first = time.perf_counter_ns() - began
    for number, alert in enumerate(alerts[1:]):
        desk.alert(alert, START + number * SECOND // count)
    spent = time.process_time_ns() - spent
    took = time.perf_counter_ns() - began
    unsettle()
    for second in range(1, 301):
        desk.tick(START + second * SECOND)
    pages = [record for record in emitted if isinstance(record, Page)]
    told = {
        channel: {each for page in pages if channel in page.channels for each in page.of}
        for channel in CHANNELS
    }
    if any(len(each) != count for each in told.values()):
        raise RuntimeError("an incident was told to nobody")
    return {
        "alerts": count,
        "took_ms": round(took / MS, 1),
        "cpu_ms": round(spent / MS, 1),
        "first_page_us": round(first / US, 1),
        "pages_a_channel": {
            channel: sum(channel in page.channels for page in pages) for channel in CHANNELS
        },
    }


def _desk() -> tuple[Desk, list[DeskRecord]]:
    emitted: list[DeskRecord] = []
    rules = DeskRules(routes=(Route(matcher=Matcher(), channels=CHANNELS),), remind_after=None)
    return Desk(rules, emitted.append), emitted


def _timed(desk: Desk, records: list[Alert], now: int) -> dict[str, float]:
    took = []
    for record in records:
        began = time.perf_counter_ns()
        desk.alert(record, now)
        took.append(time.perf_counter_ns() - began)
    took.sort()
    shares = (("p50", 0.5), ("p99", 0.99))
    return {name: round(percentile(took, share) / US, 1) for name, share in shares}


def _median(act: Callable[[], None]) -> float:
    took = []
    for _ in range(50):
        began = time.perf_counter_ns()
        act()
        took.append(time.perf_counter_ns() - began)
    return round(percentile(sorted(took), 0.5) / US, 1)


def _alert(symbol: str, at: int, *, venue: str = "binance", number: int = 0) -> Alert:
    return Alert(
        id=f"{symbol}-{venue}-{number}",
        key=AlertKey(signal=Signal.CRUNCH, symbol=symbol, venue=venue),
        severity=Severity.HIGH,
        worst_severity=Severity.HIGH,
        state=AlertState.FIRING,
        cause="depth",
        causes=("depth",),
        value=1.0,
        threshold=2.0,
        baseline=3.0,
        sentence="Depth within 10 bps is 1M, 60% below its usual 2.5M, on binance.",
        action=Action.PAUSE_ASSET,
        started_at=at,
        updated_at=at,
        ended_at=None,
        trace=f"{venue}/1/{number}",
    )


def _over(alert: Alert) -> Alert:
    return replace(alert, state=AlertState.RESOLVED, ended_at=alert.updated_at)


def tell(outcome: Outcome) -> list[str]:
    """Return the lines that show the figures."""
    lines = []
    for each in outcome["beside"]:
        figures = "; ".join(
            f"{says} {each[name]['p50']} (p99 {each[name]['p99']})"
            for name, says in (
                ("same_us", "the same again"),
                ("changed_us", "changed"),
                ("join_or_end_us", "joins or ends"),
                ("open_us", "opens"),
            )
        )
        lines.append(f"{each['open']:,} open, us a record: {figures}; a tick {each['tick_us']}")
    storm = outcome["storm"]
    pages = ", ".join(f"{count} to {name}" for name, count in storm["pages_a_channel"].items())
    lines.append(
        f"{storm['alerts']:,} incidents in one second: {storm['took_ms']} ms, {storm['cpu_ms']} of CPU;"
        f" the first page after {storm['first_page_us']} us; pages: {pages}"
    )
    return lines


PART = Part(
    name="desk",
    says="alerts through the operations desk, and five thousand at once",
    run=run,
    tell=tell,
)
