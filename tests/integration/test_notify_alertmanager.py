"""A real Alertmanager (Debian's package) sees our incidents begin, change, group and end."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.support.alertmanager import alertmanager, alerts
from tests.support.database import until
from tests.support.pages import a_page
from tests.support.receivers import receiving
from tests.support.telling import working

from tidegauge.core.alert import Severity
from tidegauge.core.desk import PageKind
from tidegauge.sinks.notify.guard import Guard
from tidegauge.sinks.notify.http import HttpChannel
from tidegauge.sinks.notify.notifier import Notifier, Wired
from tidegauge.sinks.notify.spelling import spelled


async def groups(url: str) -> list[Any]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{url}/api/v2/alerts/groups") as answer,
    ):
        found: list[Any] = await answer.json()
        return found


@asynccontextmanager
async def telling(
    data_dir: Path, url: str, *, every_s: float = 60.0, owner: str = "run"
) -> AsyncIterator[Notifier]:
    channel = HttpChannel(
        spelled(f"alertmanager+{url}"), Guard(["127.0.0.1"]), remind_every_s=every_s
    )
    wired = Wired(channel=channel, timeout_s=2)
    async with working(data_dir, {"am": wired}, owner=owner) as notifier:
        yield notifier


def hear(taken: list[Any]) -> Callable[[str], list[str]]:
    """Return what the receiver behind it was told: the incidents of a status."""

    def told(status: str) -> list[str]:
        return [
            alert["labels"]["incident"]
            for message in taken
            for alert in message["alerts"]
            if alert["status"] == status
        ]

    return told


@pytest.fixture
def now_page() -> Callable[..., Any]:
    """Pages of this moment: an Alertmanager judges by its own clock."""
    begun = time.time_ns() - 30_000_000_000

    def page(number: int, **more: Any) -> Any:
        return a_page(number, "am", at=begun, **more)

    return page


async def test_incidents_begin_group_worsen_and_end_in_a_real_alertmanager(
    tmp_path: Path, now_page: Callable[..., Any]
) -> None:
    """Firing and resolved as it tells its own receiver; two of one symbol are one message of it. It
    is not up yet when the first page goes out: that waits."""
    async with receiving() as hook, alertmanager(tmp_path / "am", hook.url) as url:
        told = hear(hook.taken)
        async with telling(tmp_path, url) as notifier:
            await notifier.put(now_page(1), now_page(2))
            await until(lambda: {"INC-1", "INC-2"} <= set(told("firing")))
            (group,) = await groups(url)
            assert group["labels"] == {"symbol": "BTCUSDT"}
            assert {each["labels"]["incident"] for each in group["alerts"]} == {"INC-1", "INC-2"}
            worse = now_page(
                3, incident="INC-1", kind=PageKind.ESCALATED, severity=Severity.CRITICAL
            )
            await notifier.put(worse)

            async def only_the_worse() -> bool:
                found = await alerts(url)
                severities = {
                    (each["labels"]["incident"], each["labels"]["severity"]) for each in found
                }
                return severities == {("INC-1", "critical"), ("INC-2", "high")}

            await until(only_the_worse)
            for number in (1, 2):
                severity = Severity.CRITICAL if number == 1 else Severity.HIGH
                over = now_page(
                    number + 3,
                    incident=f"INC-{number}",
                    kind=PageKind.RESOLVED,
                    severity=severity,
                )
                await notifier.put(over)
            await until(lambda: {"INC-1", "INC-2"} <= set(told("resolved")))
            assert await alerts(url) == []


async def test_what_lasts_is_told_again_also_after_a_restart_of_either(
    tmp_path: Path, now_page: Callable[..., Any]
) -> None:
    """An Alertmanager that lost everything learns it anew; and our next run goes on telling."""
    async with receiving() as hook:
        async with (
            alertmanager(tmp_path / "one", hook.url) as url,
            telling(tmp_path, url) as notifier,
        ):
            await notifier.put(now_page(1))
            await until(lambda: bool(hook.taken))
        hook.taken.clear()
        async with (
            alertmanager(tmp_path / "two", hook.url) as url,
            telling(tmp_path, url, every_s=0.2, owner="next"),
        ):
            await until(lambda: bool(hook.taken))
            (alert,) = await alerts(url)
            first = alert["endsAt"]

            async def is_prolonged() -> bool:
                found = await alerts(url)
                return bool(found) and bool(found[0]["endsAt"] > first)

            await until(is_prolonged)
    assert hear(hook.taken)("firing") == ["INC-1"]
