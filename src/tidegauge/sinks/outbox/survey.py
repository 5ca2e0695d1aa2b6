"""What is in an outbox, seen from outside: nothing is changed, nobody waits."""

from pathlib import Path

import msgspec
from msgspec import Struct

from tidegauge.core.instrument import Nanos

from ..spool.looking import ask

QUERY = """
WITH known AS (SELECT name FROM channels UNION SELECT DISTINCT channel FROM deliveries),
     told AS (SELECT channel, count(*) FILTER (WHERE arrival = 'retrying') AS waiting,
                     min(put_at) FILTER (WHERE arrival = 'retrying') AS oldest_at,
                     count(*) FILTER (WHERE arrival = 'sent') AS sent,
                     count(*) FILTER (WHERE arrival = 'failed') AS failed
                FROM deliveries GROUP BY channel)
SELECT json_group_array(json_object(
           'channel', name, 'waiting', coalesce(waiting, 0), 'oldest_at', oldest_at,
           'sent', coalesce(sent, 0), 'failed', coalesce(failed, 0), 'sent_at', sent_at,
           'failures', coalesce(failures, 0), 'failed_at', failed_at, 'said', coalesce(said, '')))
  FROM (SELECT name, waiting, oldest_at, sent, failed, sent_at, failures, failed_at, said
          FROM known LEFT JOIN told ON told.channel = name LEFT JOIN channels USING (name)
         ORDER BY name)
"""


class ChannelState(Struct, frozen=True, kw_only=True):
    """One channel: what waits for it, since when, and what of it is known.

    `sent` and `failed` count what is still kept. `failures`: how often it failed in a row; `said` is
    why it last did, at `failed_at`.
    """

    channel: str
    waiting: int = 0
    oldest_at: Nanos | None = None
    sent: int = 0
    failed: int = 0
    sent_at: Nanos | None = None
    failures: int = 0
    failed_at: Nanos | None = None
    said: str = ""


def survey(path: Path) -> list[ChannelState]:
    """Look into an outbox; none there is as good as an empty one. Raises `sqlite3.Error`."""
    if not path.exists():
        return []
    (found,) = ask(path, QUERY)
    return msgspec.json.decode(found, type=list[ChannelState])
