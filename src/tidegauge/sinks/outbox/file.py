"""The outbox as one SQLite database. Blocking; one thread at a time; several processes may share it.

Each process delivers what it put in itself, and what those left behind that are gone.
"""

import sqlite3
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import structlog

from tidegauge.core.desk import Arrival, Page
from tidegauge.core.instrument import HOUR, Nanos

from .parcel import Parcel, incident_of, packed, unpacked
from .tables import connect

DAY = 24 * HOUR
KEPT_FOR = 7 * DAY
MOST_KEPT = 20_000
"""What was delivered is kept so long, and so many of it: to know a page again, and to look it up."""

LONGEST_WAIT = HOUR
"""A time to try again that is farther off is from before somebody set the clock back."""

COLUMNS = "id, channel, put_at, attempts, first_at, refused, crc, body"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What came of an attempt at a parcel, made from `began` to `at`.

    `not_before`: when the channel, or of a refused page that page, is to be tried again. `standing`:
    what the channel is to be reminded of from now on, and of nothing when its page is None.
    """

    parcel: Parcel
    began: Nanos
    at: Nanos
    arrival: Arrival
    said: str = ""
    refused: bool = False
    not_before: Nanos = 0
    standing: Mapping[str, Page | None] | None = None


class OutboxFile:
    """What one process does with the file. Every method raises `sqlite3.Error`."""

    def __init__(self, address: str, owner: str) -> None:
        self.owner = owner
        self._connection = connect(address)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def put(
        self, pages: Sequence[Page], now: Nanos, known: Container[str] = ()
    ) -> list[tuple[str, str]]:
        """Keep pages for each of their channels. Returns (key, channel) of those that are new.

        That an incident is over is told to every `known` channel that was given a page of it, by a
        fallback or by a route of before: else it would last there for ever.
        """
        new = []
        with self._transaction():
            for page in pages:
                body, crc = packed(page)
                incident = incident_of(page)
                given = self._given(incident) if page.over else []
                others = [each for each in given if each in known]
                for channel in dict.fromkeys((*page.channels, *others)):
                    row = (page.key, channel, incident, self.owner, now, crc, body)
                    if self._insert(row):
                        new.append((page.key, channel))
        return new

    def _insert(self, row: tuple[Any, ...]) -> bool:
        *texts, owner, put_at, crc, body = row
        done = self._connection.execute(
            "INSERT OR IGNORE INTO deliveries (key, channel, incident, owner, put_at, crc, body)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (*(each and _readable_text(each) for each in texts), owner, put_at, crc, body),
        )
        return done.rowcount > 0

    def _given(self, incident: str | None) -> list[str]:
        """Return the channels that were given a page of an incident."""
        rows = self._connection.execute(
            "SELECT channel FROM deliveries WHERE incident = ? GROUP BY channel ORDER BY min(id)",
            (incident and _readable_text(incident),),
        )
        return [row[0] for row in rows]

    def next(self, channel: str, now: Nanos) -> tuple[Parcel | None, int, Nanos | None]:
        """Return what is to be sent now, how often the channel failed in a row, and otherwise when
        there will be something; None: not before something is put in."""
        state = self._connection.execute(
            "SELECT not_before, failures FROM channels WHERE name = ?", (channel,)
        ).fetchone()
        not_before, failures = state or (0, 0)
        if now < not_before <= now + LONGEST_WAIT:
            return None, failures, not_before
        waiting = "FROM deliveries WHERE channel = ? AND owner = ? AND arrival = 'retrying'"
        while True:
            row = self._connection.execute(
                f"SELECT {COLUMNS} {waiting} AND (next_at <= ? OR next_at > ?) ORDER BY id LIMIT 1",
                (channel, self.owner, now, now + LONGEST_WAIT),
            ).fetchone()
            if row is None:
                break
            parcel = self._parcel(row)
            if parcel is not None:
                return parcel, failures, None
        (due,) = self._connection.execute(
            f"SELECT min(next_at) {waiting}",
            (channel, self.owner),
        ).fetchone()
        return None, failures, due

    def _parcel(self, row: tuple[Any, ...]) -> Parcel | None:
        """Return what a row holds; one that is damaged is put out of the way."""
        number, channel, put_at, attempts, first_at, refused, crc, body = row
        page = unpacked(body, crc)
        if page is None:
            log.error("page_damaged", channel=channel, number=number)
            self._connection.execute(
                "UPDATE deliveries SET arrival = 'failed', said = 'damaged on the disk' WHERE id = ?",
                (number,),
            )
            return None
        return Parcel(
            id=number,
            page=page,
            channel=channel,
            put_at=put_at,
            attempts=attempts,
            first_at=first_at,
            refused=bool(refused),
        )

    def settle(self, made: Settled) -> list[tuple[Parcel, str]]:
        """Note what came of an attempt. Returns what is not to be sent any more, and why."""
        sent = made.arrival is Arrival.SENT
        with self._transaction():
            self._connection.execute(
                "UPDATE deliveries SET arrival = ?, attempts = attempts + 1, said = ?, refused = ?,"
                " first_at = coalesce(first_at, ?), next_at = ?, sent_at = ?"
                " WHERE key = ? AND channel = ? AND (arrival = 'retrying' OR ?)",
                (
                    *(made.arrival, made.said, made.refused, made.began),
                    made.not_before if made.refused else 0,
                    made.at if sent else None,
                    *(made.parcel.page.key, made.parcel.channel, sent),
                ),
            )
            self._note_channel(made)
            for incident, page in (made.standing or {}).items():
                self._stand(made.parcel.channel, incident, page)
            return self._supersede(made.parcel) if sent else []

    def _supersede(self, taken: Parcel) -> list[tuple[Parcel, str]]:
        """Put away what would contradict what a channel took: a page that was refused waits aside
        while later ones pass it, and the channel must not hear the beginning after the end, nor the
        end after it began again."""
        said = f"superseded: it is {'over' if taken.page.over else 'open again'}"
        rows = self._connection.execute(
            f"SELECT {COLUMNS} FROM deliveries WHERE incident = ? AND channel = ?"  # noqa: S608
            " AND arrival = 'retrying' AND id < (SELECT id FROM deliveries WHERE key = ? AND channel = ?)",
            (incident_of(taken.page), taken.channel, taken.page.key, taken.channel),
        ).fetchall()
        older = [parcel for row in rows if (parcel := self._parcel(row)) is not None]
        gone = [each for each in older if taken.page.over or each.page.over]
        self._connection.executemany(
            "UPDATE deliveries SET arrival = 'failed', said = ? WHERE id = ?",
            [(said, each.id) for each in gone],
        )
        return [(each, said) for each in gone]

    def _note_channel(self, made: Settled) -> None:
        """A channel that sent, or that refuses one page, works; of the others, count the failures."""
        works = made.arrival is Arrival.SENT or made.refused
        self._connection.execute(
            "INSERT INTO channels (name, not_before, failures, sent_at, failed_at, said)"
            " VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (name) DO UPDATE SET"
            " not_before = ?2, failures = CASE WHEN ?3 THEN failures + 1 ELSE 0 END,"
            " sent_at = coalesce(?4, sent_at), failed_at = coalesce(?5, failed_at),"
            " said = CASE WHEN ?5 IS NULL THEN said ELSE ?6 END",
            (
                *(made.parcel.channel, 0 if works else made.not_before, int(not works)),
                made.at if made.arrival is Arrival.SENT else None,
                None if made.arrival is Arrival.SENT else made.at,
                made.said,
            ),
        )

    def waiting(self) -> int:
        """Return how many pages of ours wait, each channel's counted by itself."""
        (count,) = self._connection.execute(
            "SELECT count(*) FROM deliveries WHERE owner = ? AND arrival = 'retrying'",
            (self.owner,),
        ).fetchone()
        return int(count)

    # -- what is still to be done about a page that nobody took --------------------------------------

    def pass_on(self, channel: str, fallback: str, before: Nanos, now: Nanos) -> list[str]:
        """Give to its fallback what a channel refuses, or was put in by `before` and still waits.

        With it goes what else of its incident waits: the channel may yet take its end, and then the
        fallback would never hear of that. Returns the keys of what was passed on.
        """
        waiting = "FROM deliveries WHERE channel = ?1 AND owner = ?2 AND arrival = 'retrying'"
        late = "(put_at <= ?3 OR refused)"
        passed = []
        with self._transaction():
            rows = self._connection.execute(
                f"SELECT id, key, incident, crc, body {waiting} AND NOT passed AND ({late}"
                f" OR incident IN (SELECT incident {waiting} AND (passed OR {late}))) ORDER BY id",
                (channel, self.owner, before),
            ).fetchall()
            for number, key, incident, crc, body in rows:
                self._connection.execute("UPDATE deliveries SET passed = 1 WHERE id = ?", (number,))
                page = unpacked(body, crc)
                if page is not None and self._knows_the_end(fallback, incident, page.at):
                    continue
                if self._insert((key, fallback, incident, self.owner, now, crc, body)):
                    passed.append(key)
        return passed

    def _knows_the_end(self, channel: str, incident: str | None, since: Nanos) -> bool:
        """Whether a channel was given the end of an incident that came after `since`."""
        rows = self._connection.execute(
            "SELECT body, crc FROM deliveries WHERE incident = ? AND channel = ?",
            (incident, channel),
        )
        pages = [page for row in rows if (page := unpacked(*row)) is not None]
        return any(page.over and page.at > since for page in pages)

    def give_up(self, before: Nanos) -> list[tuple[Parcel, str]]:
        """Try no more what was put in by `before`. Returns it, and what was said last."""
        with self._transaction():
            rows = self._connection.execute(
                f"SELECT said, {COLUMNS} FROM deliveries INDEXED BY waiting"  # noqa: S608
                " WHERE owner = ? AND arrival = 'retrying' AND put_at <= ? ORDER BY id",
                (self.owner, before),
            ).fetchall()
            found = [(self._parcel(row), said) for said, *row in rows]
            self._connection.executemany(
                "UPDATE deliveries SET arrival = 'failed' WHERE id = ?",
                [(parcel.id,) for parcel, _said in found if parcel is not None],
            )
        return [(parcel, said) for parcel, said in found if parcel is not None]

    def forget(self, now: Nanos) -> None:
        """Delete what was done with long ago, and what is more than is kept."""
        done = "DELETE FROM deliveries WHERE arrival != 'retrying' AND"
        with self._transaction():
            self._connection.execute(f"{done} put_at < ?", (now - KEPT_FOR,))
            (newest,) = self._connection.execute("SELECT max(id) FROM deliveries").fetchone()
            self._connection.execute(f"{done} id <= ?", ((newest or 0) - MOST_KEPT,))
            self._connection.execute("DELETE FROM standing WHERE at < ?", (now - KEPT_FOR,))

    # -- what others left ----------------------------------------------------------------------------

    def owners(self) -> list[str]:
        """Return who else has something in it that waits or stands."""
        rows = self._connection.execute(
            "SELECT owner FROM deliveries WHERE arrival = 'retrying' AND owner != ?1"
            " UNION SELECT owner FROM standing WHERE owner != ?1",
            (self.owner,),
        )
        return [row[0] for row in rows]

    def take_over(self, owner: str) -> int:
        """Make ours what one who is gone left. Returns how many pages wait."""
        with self._transaction():
            self._connection.execute(
                "UPDATE standing SET owner = ? WHERE owner = ?", (self.owner, owner)
            )
            done = self._connection.execute(
                "UPDATE deliveries SET owner = ? WHERE owner = ? AND arrival = 'retrying'",
                (self.owner, owner),
            )
        return done.rowcount

    def copy_from(self, other: "OutboxFile", *, of_ours: bool) -> None:
        """Take over the rows of another file, as far as they can be read; `of_ours` leaves others'.

        They are numbered anew, in their order.
        """
        with self._transaction():
            for table in ("deliveries", "standing", "channels"):
                for row in _readable(other._connection, table):  # noqa: SLF001 - of our own kind
                    if of_ours and row.get("owner", self.owner) != self.owner:
                        continue
                    row.pop("id", None)
                    self._connection.execute(
                        f"INSERT OR REPLACE INTO {table} ({', '.join(row)})"  # noqa: S608
                        f" VALUES ({', '.join('?' * len(row))})",
                        tuple(row.values()),
                    )

    # -- what lasts ----------------------------------------------------------------------------------

    def standing(self, channel: str) -> list[Page]:
        """Return what a channel is to be reminded of."""
        rows = self._connection.execute(
            "SELECT body, crc FROM standing WHERE channel = ? AND owner = ?", (channel, self.owner)
        )
        return [page for row in rows if (page := unpacked(*row)) is not None]

    def stands(self, channel: str, incident: str) -> Page | None:
        """Return what a channel was told last of an incident that lasts."""
        row = self._connection.execute(
            "SELECT body, crc FROM standing WHERE channel = ? AND incident = ?", (channel, incident)
        ).fetchone()
        return None if row is None else unpacked(*row)

    def _stand(self, channel: str, incident: str, page: Page | None) -> None:
        if page is None:
            self._connection.execute(
                "DELETE FROM standing WHERE channel = ? AND incident = ?", (channel, incident)
            )
            return
        body, crc = packed(page)
        self._connection.execute(
            "INSERT OR REPLACE INTO standing (channel, incident, owner, at, crc, body)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (channel, incident, self.owner, page.at, crc, body),
        )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")


def _readable_text(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _readable(connection: sqlite3.Connection, table: str) -> Iterator[dict[str, Any]]:
    """Iterate over the rows of a table in order, without those that cannot be read.

    From its beginning up to the first of these, and then what can be read from its end.
    """
    first, error = _read(connection, table, "ASC")
    yield from first
    if error is not None:
        log.warning("outbox_not_read_whole", table=table, error=str(error))
        known = {tuple(row.values()) for row in first}
        last, _error = _read(connection, table, "DESC")
        yield from (row for row in reversed(last) if tuple(row.values()) not in known)


def _read(
    connection: sqlite3.Connection, table: str, order: str
) -> tuple[list[dict[str, Any]], sqlite3.Error | None]:
    rows: list[dict[str, Any]] = []
    try:
        cursor = connection.execute(f"SELECT * FROM {table} ORDER BY rowid {order}")  # noqa: S608
        names = [column[0] for column in cursor.description]
        rows.extend(dict(zip(names, row, strict=True)) for row in cursor)
    except sqlite3.Error as error:
        return rows, error
    return rows, None
