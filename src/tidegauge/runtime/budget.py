"""One budget a host, for every process of this machine: connections, REST weight, bans.

It is kept in a SQLite file, so that daemons share it and a restart forgets nothing: a venue that
banned our address does not care which process asks. A file that is sick or locked never stops the
monitor: what is taken is then counted in memory.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import msgspec
import structlog

from tidegauge.core.instrument import SECOND, Nanos
from tidegauge.wire.allowance import Account, banned_until
from tidegauge.wire.protocol import Fetch, Rate, Response, VenueLimits

from .world import Clock, Http

log = structlog.get_logger(__name__)

FILE = "budget.sqlite3"
LOCK_WAIT_S = 0.25
"""How long another process may hold the file before we count in memory."""

TRY_AGAIN_AFTER: Nanos = 60 * SECOND
OURS = 429
SCHEMA = "CREATE TABLE IF NOT EXISTS hosts (host TEXT PRIMARY KEY, account TEXT NOT NULL)"


class Ledger(Protocol):
    """Keeps an account for each host."""

    def account(self, host: str, now: Nanos) -> AbstractContextManager[Account]:
        """Open a host's account: what is changed inside the block is kept."""
        ...

    def close(self) -> None:
        """Let go of what it holds."""
        ...


class MemoryLedger:
    """Accounts of this process alone."""

    def __init__(self) -> None:
        self._accounts: dict[str, Account] = {}

    @contextmanager
    def account(self, host: str, now: Nanos) -> Iterator[Account]:
        """Open a host's account."""
        yield self._accounts.setdefault(host, Account())

    def close(self) -> None:
        """There is nothing to let go."""


class SharedLedger:
    """Accounts in a file that all processes share."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._memory = MemoryLedger()
        self._file: sqlite3.Connection | None = None
        self._sick_until: Nanos = 0
        self._told = False

    @contextmanager
    def account(self, host: str, now: Nanos) -> Iterator[Account]:
        """Open a host's account, locked against every other process."""
        account = self._begin(host, now)
        if account is None:
            with self._memory.account(host, now) as own:
                yield own
            return
        try:
            yield account
        except BaseException:
            self.close()  # it rolls back: an open transaction would lock every other process out
            raise
        self._commit(host, account, now)

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _begin(self, host: str, now: Nanos) -> Account | None:
        if now < self._sick_until:
            return None
        try:
            if self._file is None:
                self._file = self._open()
            self._file.execute("BEGIN IMMEDIATE")
            row = self._file.execute("SELECT account FROM hosts WHERE host = ?", (host,)).fetchone()
        except (sqlite3.Error, OSError) as error:
            self._fail(error, now)
            return None
        try:
            return Account() if row is None else msgspec.json.decode(row[0], type=Account)
        except (msgspec.MsgspecError, TypeError, UnicodeError):
            return Account()

    def _commit(self, host: str, account: Account, now: Nanos) -> None:
        if self._file is None:
            return
        try:
            self._file.execute(
                "INSERT INTO hosts VALUES (?, ?) ON CONFLICT DO UPDATE SET account = excluded.account",
                (host, msgspec.json.encode(account).decode()),
            )
            self._file.execute("COMMIT")
        except sqlite3.Error as error:
            self._fail(error, now)

    def _open(self) -> sqlite3.Connection:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = sqlite3.connect(self._path, timeout=LOCK_WAIT_S, isolation_level=None)
        try:
            self._path.chmod(0o600)
            file.execute("PRAGMA journal_mode = WAL")
            file.execute("PRAGMA synchronous = NORMAL")
            file.execute(SCHEMA)
        except (sqlite3.Error, OSError):
            file.close()
            raise
        return file

    def _fail(self, error: Exception, now: Nanos) -> None:
        """Go on in memory, and try the file again in a while. Said once."""
        self._sick_until = now + TRY_AGAIN_AFTER
        self.close()
        if not self._told:
            self._told = True
            log.warning("budget_file_unusable", path=str(self._path), reason=str(error))


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetView:
    """What is used of what is allowed. None: the venue names no limit."""

    connects: int
    connects_allowed: int
    weight: int
    weight_allowed: int | None
    banned_until: Nanos | None


class VenueBudget:
    """What one venue allows us, on its socket's host and on its REST host.

    `share` is how much of the venue's REST weight we allow ourselves. `limited` is told when the
    venue has put us off.
    """

    def __init__(
        self,
        limits: VenueLimits,
        hosts: tuple[str, str],
        *,
        ledger: Ledger,
        clock: Clock,
        share: float,
        limited: Callable[[str], None],
    ) -> None:
        self._limits = limits
        self._ws_host, self._rest_host = (host_of(url) for url in hosts)
        self._ledger = ledger
        self._clock = clock
        self._limited = limited
        self._seen: dict[str, Account] = {}
        weight = limits.weight
        self._allowed = (
            None if weight is None else Rate(max(1, int(weight.count * share)), weight.per)
        )

    @contextmanager
    def _account(self, host: str, now: Nanos) -> Iterator[Account]:
        with self._ledger.account(host, now) as account:
            self._seen[host] = account
            yield account

    def connect_wait(self) -> Nanos:
        """Take a slot to connect, and return 0; or return how long to wait."""
        now = self._clock.now()
        with self._account(self._ws_host, now) as account:
            return account.connect(self._limits.connects, now)

    def refused(self, status: int, retry_after: float | None) -> None:
        """A handshake was answered with this status."""
        self._judge(self._ws_host, status, retry_after)

    def fetch_wait(self, fetch: Fetch) -> Nanos:
        """Take the weight of a request, and return 0; or return how long to wait."""
        now = self._clock.now()
        with self._account(self._rest_host, now) as account:
            return account.spend(fetch.weight, fetch.purpose, self._allowed, now)

    def answered(self, response: Response) -> None:
        """A request was answered: correct what we believe by what the venue says."""
        self._judge(self._rest_host, response.status, response.retry_after)
        header = self._limits.weight_used
        told = "" if header is None else response.headers.get(header.lower(), "")
        if told.isascii() and told.isdigit() and len(told) < 10:  # noqa: PLR2004 - a sane number
            now = self._clock.now()
            with self._account(self._rest_host, now) as account:
                account.report(int(told), now)

    def view(self) -> BudgetView:
        """Return how much is used, as far as we have last seen."""
        now = self._clock.now()
        sockets, rest = (
            self._seen.get(host, Account()) for host in (self._ws_host, self._rest_host)
        )
        within = self._limits.connects.per
        connects = sum(0 <= now - at < within for at in sockets.connects)
        weight = 0 if self._allowed is None else rest.used(self._allowed, now)
        ban = max(sockets.ban_left(now), rest.ban_left(now))
        return BudgetView(
            connects=connects,
            connects_allowed=self._limits.connects.count,
            weight=weight,
            weight_allowed=None if self._allowed is None else self._allowed.count,
            banned_until=now + ban if ban else None,
        )

    def _judge(self, host: str, status: int, retry_after: float | None) -> None:
        now = self._clock.now()
        until = banned_until(status, retry_after, now)
        if until is None:
            return
        with self._account(host, now) as account:
            known = account.ban_left(now) > 0
            account.ban(until, now)
        if not known:
            seconds = (until - now) / SECOND
            self._limited(f"{host} answered HTTP {status}: left alone for {seconds:.0f} s")


class VenueHttp:
    """One venue's REST host, asked within its budget. What does not fit is answered by ourselves."""

    def __init__(self, host: Http, budget: VenueBudget) -> None:
        self._host = host
        self._budget = budget

    async def fetch(self, fetch: Fetch) -> Response:
        """Make one request, if there is weight left for it."""
        if wait := self._budget.fetch_wait(fetch):
            seconds = wait / SECOND
            body = f"our own budget: none left for {seconds:.0f} s".encode()
            return Response(status=OURS, body=body, retry_after=seconds)
        response = await self._host.fetch(fetch)
        self._budget.answered(response)
        return response


def host_of(url: str) -> str:
    """Return the host (and port) that a venue counts us by."""
    return urlsplit(url).netloc.rpartition("@")[2].lower() or url
