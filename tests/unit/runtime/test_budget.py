"""What a venue allows is kept to by every process of this machine, across restarts."""

import sqlite3
from pathlib import Path

import pytest
from tests.support.plain_venue import SNAPSHOT

from tidegauge.core.instrument import SECOND, Nanos
from tidegauge.runtime.budget import (
    FILE,
    TRY_AGAIN_AFTER,
    Ledger,
    MemoryLedger,
    SharedLedger,
    VenueBudget,
    VenueHttp,
    host_of,
)
from tidegauge.wire.protocol import Fetch, Purpose, Rate, Response, VenueLimits

LIMITS = VenueLimits(
    connects=Rate(3, 60 * SECOND), weight=Rate(100, 60 * SECOND), weight_used="X-Used"
)
URLS = "wss://ws.plain.test/stream", "https://rest.plain.test"


class HandClock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.at: Nanos = 1_800_000_000 * SECOND

    def now(self) -> Nanos:
        return self.at

    def steady(self) -> Nanos:
        return self.at


class Bench:
    """A budget on a ledger, and a REST host that answers as it is told."""

    def __init__(self, ledger: Ledger, clock: HandClock) -> None:
        self.limited: list[str] = []
        self.budget = VenueBudget(
            LIMITS, URLS, ledger=ledger, clock=clock, share=0.5, limited=self.limited.append
        )
        self.http = VenueHttp(self, self.budget)
        self.asked = 0
        self.answer = Response(status=200, body=SNAPSHOT.encode())

    async def fetch(self, _fetch: Fetch) -> Response:
        self.asked += 1
        return self.answer


def request(weight: int, purpose: Purpose = Purpose.SNAPSHOT) -> Fetch:
    return Fetch(purpose=purpose, path="/book", weight=weight)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture(params=["memory", "file"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Ledger:
    return MemoryLedger() if request.param == "memory" else SharedLedger(tmp_path / FILE)


def test_connections_beyond_the_rate_wait(ledger: Ledger, clock: HandClock) -> None:
    """The fourth in a minute is told how long."""
    bench = Bench(ledger, clock)
    assert [bench.budget.connect_wait() for _ in range(3)] == [0, 0, 0]
    clock.at += 20 * SECOND
    assert bench.budget.connect_wait() == 40 * SECOND
    clock.at += 40 * SECOND
    assert bench.budget.connect_wait() == 0
    assert bench.budget.view().connects == 1
    ledger.close()


async def test_weight_beyond_our_share_is_answered_by_ourselves(
    ledger: Ledger, clock: HandClock
) -> None:
    """At once, with the time to come again; the venue is not asked. Audits leave a reserve."""
    bench = Bench(ledger, clock)
    assert (await bench.http.fetch(request(25, Purpose.AUDIT))).status == 200
    assert (await bench.http.fetch(request(1, Purpose.AUDIT))).status == 429
    assert (await bench.http.fetch(request(25))).status == 200
    answer = await bench.http.fetch(request(1))
    assert (answer.status, answer.retry_after, bench.asked) == (429, 60.0, 2)
    assert answer.body.startswith(b"our own budget")
    assert bench.limited == [], "the venue has said nothing"
    clock.at += 60 * SECOND
    assert (await bench.http.fetch(request(1))).status == 200
    ledger.close()


async def test_the_venue_knows_better_what_is_used(ledger: Ledger, clock: HandClock) -> None:
    """Others may share our address: its header counts, in its minute."""
    bench = Bench(ledger, clock)
    bench.answer = Response(status=200, body=b"", headers={"x-used": "50"})
    assert (await bench.http.fetch(request(1))).status == 200
    assert bench.budget.view().weight == 50
    assert (await bench.http.fetch(request(1))).status == 429
    clock.at += 60 * SECOND
    assert (await bench.http.fetch(request(1))).status == 200
    bench.answer = Response(status=200, body=b"", headers={"x-used": "a lot"})
    clock.at += 60 * SECOND
    assert (await bench.http.fetch(request(1))).status == 200
    assert bench.budget.view().weight == 1
    ledger.close()


async def test_a_ban_stops_everything_to_that_host_until_told(
    ledger: Ledger, clock: HandClock
) -> None:
    """It is told of once; the sockets' host is another one."""
    bench = Bench(ledger, clock)
    bench.answer = Response(status=418, body=b"", retry_after=30.0)
    await bench.http.fetch(request(1))
    assert [(await bench.http.fetch(request(1))).status for _ in range(3)] == [429, 429, 429]
    assert (bench.asked, len(bench.limited)) == (1, 1)
    assert "30 s" in bench.limited[0]
    assert bench.budget.connect_wait() == 0
    bench.budget.refused(429, None)
    assert bench.budget.connect_wait() == 60 * SECOND
    assert bench.budget.view().banned_until == clock.at + 60 * SECOND
    clock.at += 30 * SECOND
    bench.answer = Response(status=200, body=b"")
    assert (await bench.http.fetch(request(1))).status == 200
    ledger.close()


def test_daemons_share_it_and_a_restart_forgets_nothing(tmp_path: Path, clock: HandClock) -> None:
    """Two of them at once, and a third after both are gone."""
    one, two = SharedLedger(tmp_path / FILE), SharedLedger(tmp_path / FILE)
    assert Bench(one, clock).budget.connect_wait() == 0
    assert Bench(two, clock).budget.connect_wait() == 0
    one.close()
    two.close()
    three = SharedLedger(tmp_path / FILE)
    assert Bench(three, clock).budget.connect_wait() == 0
    assert Bench(three, clock).budget.connect_wait() > 0
    three.close()
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


def test_a_file_that_is_no_database_is_not_waited_for(tmp_path: Path, clock: HandClock) -> None:
    """What is taken is counted in memory; once it is mended, it is used again."""
    path = tmp_path / FILE
    path.write_bytes(b"this is no database at all" * 100)
    ledger = SharedLedger(path)
    bench = Bench(ledger, clock)
    assert [bench.budget.connect_wait() > 0 for _ in range(4)] == [False, False, False, True]
    path.unlink()
    clock.at += TRY_AGAIN_AFTER
    assert bench.budget.connect_wait() == 0
    ledger.close()
    assert sqlite3.connect(path).execute("SELECT count(*) FROM hosts").fetchone() == (1,)


def test_a_locked_file_or_folder_does_not_stop_us(tmp_path: Path, clock: HandClock) -> None:
    """Another process that hangs while it holds the file holds up nobody for long."""
    ledger = SharedLedger(tmp_path / FILE)
    bench = Bench(ledger, clock)
    assert bench.budget.connect_wait() == 0
    holder = sqlite3.connect(tmp_path / FILE, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    assert bench.budget.connect_wait() == 0
    holder.close()
    ledger.close()
    (tmp_path / "file").write_text("")
    nowhere = SharedLedger(tmp_path / "file" / FILE)
    assert Bench(nowhere, clock).budget.connect_wait() == 0


def test_an_error_while_the_account_is_open_locks_nobody_out(tmp_path: Path) -> None:
    """What was changed until then is not kept."""
    one, other = (SharedLedger(tmp_path / FILE) for _ in range(2))
    with pytest.raises(ZeroDivisionError), one.account("venue.test", 0) as account:
        account.ban(account.banned_until // 0, 0)
    with other.account("venue.test", 0) as account:
        account.ban(SECOND, 0)
    with one.account("venue.test", 0) as account:
        assert account.ban_left(0) == SECOND


def test_an_account_that_cannot_be_read_begins_anew(tmp_path: Path, clock: HandClock) -> None:
    """Somebody wrote into it by hand."""
    ledger = SharedLedger(tmp_path / FILE)
    bench = Bench(ledger, clock)
    bench.budget.connect_wait()
    with sqlite3.connect(tmp_path / FILE) as file:
        file.execute("UPDATE hosts SET account = '{\"connects\": 7}'")
    file.close()
    assert bench.budget.connect_wait() == 0
    ledger.close()


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("wss://stream.binance.com:9443/stream?x", "stream.binance.com:9443"),
        ("https://user:secret@API.test/", "api.test"),
    ],
)
def test_a_host_is_what_a_venue_counts_by(url: str, host: str) -> None:
    """Path, case and credentials do not matter."""
    assert host_of(url) == host
