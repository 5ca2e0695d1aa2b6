"""What is kept over a restart: written beside the daemon, never in its way."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from tidegauge.sinks.state_store import Kept, StateLimits, StateStore

EAGER = StateLimits(every_s=0.01, retry_s=0.05, close_s=10.0, read_s=10.0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "state.sqlite3"


@pytest.fixture
def store(path: Path) -> Iterator[StateStore]:
    opened = StateStore(path, EAGER)
    yield opened
    opened.close()


def keep(path: Path, **states: bytes) -> None:
    """Keep some states, and end."""
    store = StateStore(path, EAGER)
    for name, data in states.items():
        store.put(name, 7, data)
    store.close()
    assert store.broken is None


def kept(path: Path, name: str) -> Kept | None:
    """Read one state, as the next daemon does."""
    store = StateStore(path, EAGER)
    try:
        return store.get(name)
    finally:
        store.close()


def eventually(condition: threading.Event, store: StateStore, until: str | None) -> None:
    """Wait until the store says this of itself."""
    deadline = time.monotonic() + 20
    while (store.broken is None) != (until is None):
        assert time.monotonic() < deadline
        condition.wait(0.01)


def test_what_was_put_is_there_after_a_restart(path: Path) -> None:
    """Bytes and time, the newest of each name; a name that was never put has none."""
    store = StateStore(path, EAGER)
    store.put("a", 1, b"old")
    store.put("b", 2, b"\x00\xff" * 100_000)
    store.put("a", 3, b"new")
    store.close()
    assert kept(path, "a") == (3, b"new")
    assert kept(path, "b") == (2, b"\x00\xff" * 100_000)
    assert kept(path, "c") is None


def test_what_waits_to_be_written_can_be_read(path: Path) -> None:
    """A reader sees the newest, wherever it is."""
    store = StateStore(path, StateLimits(every_s=60.0))
    store.put("a", 1, b"x")
    assert store.get("a") == (1, b"x")
    store.drop("a")
    assert store.get("a") is None
    store.close()


def test_a_reader_does_not_wait_for_a_batch(path: Path) -> None:
    """Else every start would last as long."""
    keep(path, a=b"x")
    store = StateStore(path, StateLimits(every_s=60.0, read_s=30.0))
    store.put("b", 1, b"y")
    began = time.monotonic()
    assert store.get("a") == (7, b"x")
    store.close()
    assert time.monotonic() - began < 20


def test_what_was_dropped_is_gone(path: Path) -> None:
    """After the next start as well."""
    keep(path, a=b"x", b=b"y")
    store = StateStore(path, EAGER)
    store.drop("a")
    store.close()
    assert kept(path, "a") is None
    assert kept(path, "b") == (7, b"y")


@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from("abc"), st.integers(-(2**63), 2**63 - 1), st.none() | st.binary()
        ),
        max_size=30,
    )
)
def test_it_is_a_dictionary_that_lasts(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int, bytes | None]]
) -> None:
    """Whatever is put and dropped, in whatever batches."""
    path = tmp_path_factory.mktemp("state") / "state.sqlite3"
    store, model = StateStore(path, StateLimits(every_s=0.0)), dict[str, Kept]()
    for name, at, data in steps:
        if data is None:
            store.drop(name)
            model.pop(name, None)
        else:
            store.put(name, at, data)
            model[name] = Kept(at, data)
        assert store.get(name) == model.get(name)
    store.close()
    store = StateStore(path, EAGER)
    assert {name: store.get(name) for name in "abc"} == {name: model.get(name) for name in "abc"}
    store.close()


# -- what can be wrong with the file -----------------------------------------------------------


def _garbage(path: Path) -> None:
    path.write_bytes(b"not a database, but long enough to be read as one" * 500)


def _truncated(path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2 + 100])


def _no_table_of_ours(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE state (something INTEGER)")


@pytest.mark.parametrize("damage", [_garbage, _truncated, _no_table_of_ours])
def test_a_damaged_file_is_told_of_and_put_aside(path: Path, damage: object) -> None:
    """The start goes on without it, and a new file keeps what comes."""
    keep(path, a=b"x" * 50_000, b=b"y" * 50_000)
    assert callable(damage)
    damage(path)
    with capture_logs() as logs:
        store = StateStore(path, EAGER)
        assert store.get("b") is None
        store.put("c", 1, b"new")
        store.close()
    assert [each["event"] for each in logs] == ["kept_state_damaged"]
    assert len([*(path.parent / "damaged").iterdir()]) == 1
    assert kept(path, "c") == (1, b"new")


def test_bytes_that_are_not_those_that_were_written_are_not_returned(path: Path) -> None:
    """A flipped bit, which SQLite does not notice; the other states are still good."""
    keep(path, a=b"x" * 500, b=b"y")
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"x" * 500, b"x" * 499 + b"z"))
    with capture_logs() as logs:
        assert kept(path, "a") is None
        assert kept(path, "b") == (7, b"y")
    assert [(each["event"], each["name"]) for each in logs] == [("kept_state_damaged", "a")]


@pytest.mark.parametrize("what", ["the folder is a file", "the file is a folder"])
def test_a_place_that_takes_no_file_is_told_of_once(tmp_path: Path, what: str) -> None:
    """Nothing is kept, and nothing else is the matter."""
    path = tmp_path / "run" / "state.sqlite3"
    if what == "the folder is a file":
        path.parent.write_text("in the way")
    else:
        path.mkdir(parents=True)
    with capture_logs() as logs:
        store = StateStore(path, EAGER)
        assert store.get("a") is None
        store.put("a", 1, b"x")
        assert store.get("a") == (1, b"x")
        eventually(threading.Event(), store, "broken")
        store.close()
    assert [each["event"] for each in logs] == ["state_not_kept", "state_not_kept"]
    assert logs[1]["states"] == 1


def test_a_full_disk_is_tried_again_until_there_is_room(path: Path) -> None:
    """What waits is the newest of each name, however long it waits."""
    with capture_logs() as logs:
        small = StateStore(path, StateLimits(every_s=0.01, retry_s=0.05, most_bytes=200_000))
        small.put("a", 1, b"x" * 1_000_000)
        eventually(threading.Event(), small, "broken")
        small.put("a", 2, b"x" * 1_000)
        eventually(threading.Event(), small, None)
        small.close()
    assert [each["event"] for each in logs] == ["state_not_kept", "kept_state_recovered"]
    assert kept(path, "a") == (2, b"x" * 1_000)


def test_a_file_that_another_one_writes_to_is_waited_for(path: Path, store: StateStore) -> None:
    """Neither damaged nor lost."""
    keep(path, a=b"x")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        store.put("b", 1, b"y")
        eventually(threading.Event(), store, "broken")
        other.execute("COMMIT")
        eventually(threading.Event(), store, None)
    assert kept(path, "b") == (1, b"y")


def test_a_disk_that_does_not_answer_holds_up_one_reader_once(path: Path) -> None:
    """A start never waits for more than a moment."""
    path.parent.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as other, capture_logs() as logs:
        other.execute("CREATE TABLE other (name TEXT)")
        other.execute("BEGIN EXCLUSIVE")  # SQLite waits a second for it
        store = StateStore(path, StateLimits(read_s=0.05))
        assert store.get("a") is None
        assert store.get("a") is None
        other.execute("COMMIT")
    store.close()
    assert [each["event"] for each in logs].count("kept_state_slow") == 1


def test_after_its_end_it_answers_nothing_and_does_no_harm(path: Path) -> None:
    """Whoever is late is not held up."""
    store = StateStore(path, EAGER)
    store.put("a", 1, b"x")
    store.close()
    assert store.get("a") is None
    store.close()
