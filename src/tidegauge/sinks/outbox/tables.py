"""How the outbox's file is made and opened."""

import sqlite3

BUSY_S = 5.0

SETTINGS = ("journal_mode=WAL", "synchronous=FULL", "fullfsync=ON")

TABLES = (
    """CREATE TABLE IF NOT EXISTS deliveries (
        id       INTEGER PRIMARY KEY AUTOINCREMENT,
        key      TEXT NOT NULL,
        channel  TEXT NOT NULL,
        owner    TEXT NOT NULL,
        put_at   INTEGER NOT NULL,
        arrival  TEXT NOT NULL DEFAULT 'retrying',
        attempts INTEGER NOT NULL DEFAULT 0,
        first_at INTEGER,
        next_at  INTEGER NOT NULL DEFAULT 0,
        sent_at  INTEGER,
        refused  INTEGER NOT NULL DEFAULT 0,
        passed   INTEGER NOT NULL DEFAULT 0,
        said     TEXT NOT NULL DEFAULT '',
        incident TEXT,
        crc      INTEGER NOT NULL,
        body     BLOB NOT NULL,
        UNIQUE (key, channel))""",
    """CREATE INDEX IF NOT EXISTS waiting ON deliveries
        (channel, owner, id, next_at, put_at, passed, refused) WHERE arrival = 'retrying'""",
    """CREATE INDEX IF NOT EXISTS done ON deliveries (put_at) WHERE arrival != 'retrying'""",
    """CREATE TABLE IF NOT EXISTS channels (
        name       TEXT PRIMARY KEY,
        not_before INTEGER NOT NULL DEFAULT 0,
        failures   INTEGER NOT NULL DEFAULT 0,
        sent_at    INTEGER,
        failed_at  INTEGER,
        said       TEXT NOT NULL DEFAULT '')""",
    """CREATE TABLE IF NOT EXISTS standing (
        channel  TEXT NOT NULL,
        incident TEXT NOT NULL,
        owner    TEXT NOT NULL,
        at       INTEGER NOT NULL,
        crc      INTEGER NOT NULL,
        body     BLOB NOT NULL,
        PRIMARY KEY (channel, incident))""",
)
"""`deliveries` has one row a page and channel: `passed` is set when its fallback has it too, `incident`
is that whose course the page tells.
`channels` is what is known of each; no address, no secret. `standing` is what a channel that is to be
reminded of what lasts was told last."""


OF_INCIDENT = """CREATE INDEX IF NOT EXISTS of_incident ON deliveries (incident, channel)
    WHERE incident IS NOT NULL"""


def connect(address: str) -> sqlite3.Connection:
    """Open the file, or `:memory:`, and make what it lacks. Raises `sqlite3.Error`."""
    connection = sqlite3.connect(
        address, timeout=BUSY_S, isolation_level=None, check_same_thread=False
    )
    try:
        for setting in SETTINGS:
            connection.execute(f"PRAGMA {setting}").fetchall()
        for table in TABLES:
            connection.execute(table)
        _add_incident(connection)
        connection.execute(OF_INCIDENT)
    except BaseException:
        connection.close()
        raise
    return connection


def _add_incident(connection: sqlite3.Connection) -> None:
    """Add what a file of an earlier version lacks. What it holds counts as of no incident."""
    columns = "SELECT 1 FROM pragma_table_info('deliveries') WHERE name = 'incident'"
    if connection.execute(columns).fetchone() is not None:
        return
    connection.execute("BEGIN IMMEDIATE")  # another process may be about to
    if connection.execute(columns).fetchone() is None:
        connection.execute("ALTER TABLE deliveries ADD COLUMN incident TEXT")
    connection.execute("COMMIT")
