"""A shift at the operations desk: real commands against a real PostgreSQL, and something to handle."""

import asyncio
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.support.cli import Told, tidegauge
from tests.support.database import an_alert, until
from tests.support.desk_clerk import Clerk
from tests.support.incidents import happens

from tidegauge.core.alert import Severity
from tidegauge.core.desk import Arrival, Delivery, PageKind
from tidegauge.core.incident import IncidentChange, Transition
from tidegauge.core.instrument import SECOND
from tidegauge.sinks.connect import Database

NAME = "INC-19b8f1c2a3b-a3f9c01d22"


@dataclass
class Shift:
    """Runs commands against one database and data directory, as somebody."""

    database: Database
    folder: Path

    async def run(self, *arguments: str, user: str = "mira", **env: str) -> Told:
        said = {
            "TIDEGAUGE_DATABASE_URL": self.database.url,
            "TIDEGAUGE_DATABASE_PASSWORD": self.database.password or "",
            "USER": user,
            "COLUMNS": "200",
        } | env
        where = ("--data-dir", str(self.folder))
        return await asyncio.to_thread(
            lambda: tidegauge(*arguments, *where, cwd=self.folder, env=said)
        )


def opened_lately(name: str = NAME, **changes: Any) -> Transition:
    """Return an incident that was opened ten minutes ago."""
    at = time.time_ns() - 600 * SECOND
    told = happens(None, IncidentChange.OPENED, name=name, opened_at=at, updated_at=at, **changes)
    return replace(told, event=replace(told.event, at=at, detail={"alert": "19b8-aa"}))


async def open_it(clerk: Clerk, database: Database, name: str = NAME, **changes: Any) -> None:
    clerk.happen(opened_lately(name, **changes))
    for at, channel, arrival in ((1, "slack", Arrival.SENT), (2, "pagerduty", Arrival.FAILED)):
        clerk.tell(
            Delivery(
                page_key=f"{name}/1",
                channel=channel,
                kind=PageKind.OPENED,
                severity=Severity.HIGH,
                title="depth is gone",
                incidents=(name,),
                attempts=at,
                arrival=arrival,
                at=time.time_ns(),
                first_at=time.time_ns(),
                sent_at=time.time_ns() if arrival is Arrival.SENT else None,
                said="" if arrival is Arrival.SENT else "401: who are you?",
            )
        )
    clerk.tell(replace(an_alert(updated_at=time.time_ns()), sentence="Depth is gone. Pause it."))

    async def is_there() -> bool:
        async with database.session() as connection:
            return bool(
                await connection.fetchval(
                    "SELECT (SELECT count(*) FROM tidegauge.v_deliveries WHERE incident_id = $1) = 2"
                    "   AND EXISTS (SELECT FROM tidegauge.incidents WHERE id = $1)",
                    name,
                )
            )

    await until(is_there)


def lines(told: Told) -> list[list[str]]:
    """Return the words of each line, those of a cell together."""
    return [
        [cell.strip() for cell in line.split("  ") if cell.strip()]
        for line in told.out.splitlines()
    ]
