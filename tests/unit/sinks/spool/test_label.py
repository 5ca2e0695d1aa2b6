"""Which database a folder's rows are for, and which version can read them."""

import stat
from pathlib import Path

import msgspec
import pytest
from structlog.testing import capture_logs
from tests.support.spool import a_record, contents, drained, rows

from tidegauge.sinks.rows import Kind
from tidegauge.sinks.slips import CODES, FORMAT
from tidegauge.sinks.spool.label import (
    EMBEDDED,
    LABEL,
    Label,
    NotOursError,
    claim,
    identity_of,
    read_label,
    write_label,
)
from tidegauge.sinks.spool.spool import Spool


def opened(root: Path, name: str, database: str) -> Spool:
    spool = Spool(root, name, database=database)
    spool.open()
    return spool


def left(root: Path, name: str, database: str) -> list[tuple[int, int, bytes, bytes | None]]:
    """Leave rows of a daemon that is gone, and return them."""
    spool = opened(root, name, database)
    kept = [a_record(1), *rows(3)]
    spool.append(kept)
    spool.close()
    return contents(kept)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://h:5432/db",
        "postgres://me@H/db",
        "postgresql://me:s3cret@h/db?sslmode=require&password=s3cret",
        "postgresql://other:word@h:5432/db",
        "postgresql:///db?host=h&port=5432",
        "postgresql://db@h",
    ],
)
def test_a_database_is_its_server_and_its_name(url: str) -> None:
    """Who asks, and how, is not in it; nor is a secret."""
    assert identity_of(url) == "h:5432/db"


def test_other_databases_have_other_names() -> None:
    """Another server, another port, another database, none at all."""
    urls = (
        *("postgresql://h/a", "postgresql://h/b", "postgresql://g/a", "postgresql://h:1/a"),
        *("postgresql://[::1]/a", "postgresql:///a?host=/run/postgresql", "postgresql://g,h/a"),
        *(None, "postgresql://[::1]:1/a"),
    )
    assert len({identity_of(url) for url in urls}) == len(urls)
    assert identity_of(None) == identity_of("") == EMBEDDED
    assert identity_of("postgresql://h:5432,g/a") == identity_of("postgresql://g,h/a")


def test_what_was_left_for_another_database_stays(tmp_path: Path) -> None:
    """It is said once, by name; a daemon of that database gets all of it."""
    kept = left(tmp_path, "of-production", "production/db")
    staging = opened(tmp_path, "of-staging", "staging/db")
    with capture_logs() as logs:
        fresh = opened(tmp_path, "also-staging", "staging/db")
        assert [fresh.adopt() for _ in range(3)] == [0, 0, 0]
    said = [each for each in logs if each["event"] == "spool_of_another_database"]
    assert [(each["folder"], each["database"]) for each in said] == [
        ("of-production", "production/db")
    ]
    assert (staging.fetch(10), staging.waiting, staging.figures().recovered) == (None, 0, 0)
    production = opened(tmp_path, "again", "production/db")
    assert contents(drained(production)) == kept
    for spool in (staging, fresh, production):
        spool.close()


def test_what_gets_another_label_is_taken_at_the_next_look(tmp_path: Path) -> None:
    """The daemon need not be started again."""
    kept = left(tmp_path, "a", "one/db")
    spool = opened(tmp_path, "b", "two/db")
    write_label(tmp_path / "a", Label(database="two/db"))
    assert spool.adopt() == len(kept)
    assert contents(drained(spool)) == kept
    spool.close()


def test_a_folder_from_before_labels_is_taken_and_labelled(tmp_path: Path) -> None:
    """From then on it is ours."""
    left(tmp_path, "a", "")
    (tmp_path / "a" / LABEL).unlink()
    spool = opened(tmp_path, "b", "one/db")
    assert spool.waiting == 4
    spool.close()
    assert read_label(tmp_path / "a") == Label(database="one/db")
    other = opened(tmp_path, "c", "two/db")
    assert other.waiting == 0
    other.close()


def test_what_a_newer_version_kept_stays_whole(tmp_path: Path) -> None:
    """Also for our own database; what else it wrote on its label is no hindrance."""
    left(tmp_path, "a", "one/db")
    label = {"database": "one/db", "format": FORMAT + 1, "more": [1]}
    (tmp_path / "a" / LABEL).write_bytes(msgspec.json.encode(label))
    before = {path: path.read_bytes() for path in (tmp_path / "a").iterdir()}
    with capture_logs() as logs:
        spool = opened(tmp_path, "b", "one/db")
        assert (spool.adopt(), spool.fetch(10)) == (0, None)
        spool.close()
    said = [each for each in logs if each["event"] == "spool_of_a_newer_version"]
    assert [(each["folder"], each["format"]) for each in said] == [("a", FORMAT + 1)]
    assert {path: path.read_bytes() for path in (tmp_path / "a").iterdir()} == before


def test_a_label_that_says_nothing_is_nobodys(tmp_path: Path) -> None:
    """The folder is left, and it is said once."""
    left(tmp_path, "a", "one/db")
    for garbage in (b"", b"{}}", b"[]", b'{"format": "x"}'):
        (tmp_path / "a" / LABEL).write_bytes(garbage)
        with pytest.raises(OSError, match="does not say"):
            read_label(tmp_path / "a")
    with capture_logs() as logs:
        spool = opened(tmp_path, "b", "one/db")
        assert (spool.adopt(), spool.waiting) == (0, 0)
    assert [each["event"] for each in logs] == ["spool_folder_not_read"]
    spool.close()


def test_a_label_is_whole_and_only_the_owners(tmp_path: Path) -> None:
    """Nothing is left beside it."""
    for database in ("one/db", "two/db"):
        write_label(tmp_path, Label(database=database))
    assert read_label(tmp_path) == Label(database="two/db", format=FORMAT)
    [path] = tmp_path.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(NotOursError, match="two/db"):
        claim(tmp_path, "one/db")


def test_a_new_code_is_a_new_format() -> None:
    """Whoever adds one raises `FORMAT`, and writes a line here; a line is never changed."""
    first = {
        Kind.RUN: 1,
        Kind.INSTRUMENT: 2,
        Kind.ALERT: 3,
        Kind.FEED_EVENT: 4,
        Kind.MARKET: 5,
        Kind.READING: 6,
    }
    desk = {Kind.TRANSITION: 8, Kind.SILENCE: 9, Kind.OUTCOME: 10, Kind.NOTIFICATION: 11}
    known = {1: first, 2: first | desk}
    assert known[FORMAT] == CODES
    assert max(known) == FORMAT
