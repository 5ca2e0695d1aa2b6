"""Minutes are rolled up for those who look at the latest of them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tidegauge.faces.api import archive
from tidegauge.faces.api.archive import RECENT, Archive
from tidegauge.runtime.settings import Settings


async def test_who_looks_at_what_is_long_past_takes_nobodys_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The next who looks at the latest hours finds them counted, up to now."""
    done: list[tuple[datetime, datetime]] = []

    async def catch_up(_connection: Any, since: datetime, until: datetime) -> None:
        done.append((since, until))

    monkeypatch.setattr(archive, "catch_up", catch_up)
    now = datetime.now(UTC)
    asked = Archive(Settings())
    for until in (now - timedelta(days=400), now - RECENT):
        await asked.roll_up(None, until)
    assert done == []
    for until in (now + timedelta(days=400), now):
        await asked.roll_up(None, until)
    ((since, rolled_to),) = done
    assert now <= rolled_to <= now + timedelta(minutes=5)
    assert rolled_to - since == RECENT
