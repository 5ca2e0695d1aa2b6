"""`tidegauge db adopt`, and what `db status` and `db check` say before and after."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.support.cli import tidegauge
from tests.support.database import an_alert
from tests.support.spooling import count, spooling, waiting

from tidegauge.sinks.connect import Database
from tidegauge.sinks.health import machine
from tidegauge.sinks.health.finding import Verdict
from tidegauge.sinks.slips import slip_of
from tidegauge.sinks.spool import ROOT, Spool, survey
from tidegauge.sinks.spool.label import EMBEDDED, Label, write_label

PRODUCTION = "db.example.com:5432/production"


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A data directory in which two daemons of another database left rows, and one of ours."""
    place = tmp_path / "data"
    for name, database in (("a", PRODUCTION), ("b", PRODUCTION), ("c", EMBEDDED)):
        spool = Spool(place / ROOT, name, database=database)
        spool.open()
        spool.append([slip_of(an_alert(name=f"of-{name}"), name)])
        spool.close()
    return place


def labels(data_dir: Path) -> dict[str, str | None]:
    return {each.folder.name: each.database for each in survey(data_dir).folders}


def test_rows_change_their_database_when_somebody_says_so(data_dir: Path, tmp_path: Path) -> None:
    """Folder by folder or all at once; nobody who could be asked is asked, and nothing is done."""

    def told(*more: str) -> Any:
        return tidegauge("db", *more, "--data-dir", str(data_dir), cwd=tmp_path)

    asked = told("adopt")
    assert (asked.code, "--yes" in asked.complaints[0]) == (1, True)
    assert f"a      {PRODUCTION}        1         0" in asked.out
    assert labels(data_dir) == {"a": PRODUCTION, "b": PRODUCTION, "c": EMBEDDED}
    strange = told("adopt", "c", "--yes")
    assert "no folder of that name waits for another database: c" in strange.complaints[0]
    one = told("adopt", "b", "--yes")
    assert (one.code, "1 rows of 1 daemons go to embedded now" in one.out) == (0, True), one.err
    assert labels(data_dir) == {"a": PRODUCTION, "b": EMBEDDED, "c": EMBEDDED}
    (rest,) = json.loads(told("adopt", "--yes", "--json").out)
    assert rest == {
        "spool": "a",
        "was_for": PRODUCTION,
        "now_for": EMBEDDED,
        "adopted": True,
        "records": 1,
        "readings": 0,
    }
    assert set(labels(data_dir).values()) == {EMBEDDED}
    assert json.loads(told("adopt", "--json").out) == []
    assert "nothing waits for another database than embedded" in told("adopt").out


def test_status_and_check_say_what_waits_for_another_database(
    data_dir: Path, tmp_path: Path
) -> None:
    """By name, and what to do; also of what a newer version kept."""
    where = ("--data-dir", str(data_dir))
    status = tidegauge("db", "status", *where, cwd=tmp_path)
    assert f"a is not for this database: {PRODUCTION}\n" in status.out
    assert "c is not for" not in status.out
    seen = json.loads(tidegauge("db", "status", "--json", *where, cwd=tmp_path).out)
    assert seen["identity"] == EMBEDDED
    assert [each["database"] for each in seen["spool"]["folders"]] == [
        *(PRODUCTION, PRODUCTION, EMBEDDED)
    ]
    check = json.loads(tidegauge("db", "check", "--json", *where, cwd=tmp_path).out)
    [found] = [each for each in check if each["name"] == "spool"]
    assert found["verdict"] == "warn"
    assert (
        f"2 rows of 2 daemons that are gone wait for another database: {PRODUCTION}"
        in (found["said"])
    )
    assert "tidegauge db adopt" in found["fix"]
    for name in "ab":
        write_label(data_dir / ROOT / name, Label(database=EMBEDDED, format=99))
    newer = machine.spool(survey(data_dir), EMBEDDED)
    assert (newer.verdict, "newer" in newer.said) == (Verdict.WARN, True)


async def test_what_was_left_for_another_database_is_not_stored_into_this(
    database: Database, data_dir: Path
) -> None:
    """Through a whole life of a writer; what nobody named a database for goes in."""
    write_label(data_dir / ROOT / "c", Label())
    async with spooling(database, data_dir) as writer:
        assert await writer.drain(60.0)
    assert await count(database, "alerts") == 1
    assert waiting(data_dir) == 2
    assert labels(data_dir) == {"a": PRODUCTION, "b": PRODUCTION}
