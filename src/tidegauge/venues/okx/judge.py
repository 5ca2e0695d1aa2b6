"""By what an OKX book is known to be whole: the chain of ids and, until 2026, a checksum."""

from itertools import chain, zip_longest
from zlib import crc32

from tidegauge.core.errors import MalformedFrame
from tidegauge.core.events import BookDelta
from tidegauge.core.side import Side
from tidegauge.wire.sequencer import ChainSequencer, Verdict
from tidegauge.wire.spelled import Changes, SpelledBook, read_changes

LEVELS = 25


class OkxJudge:
    """Judges by ids; a recording of before 2023 has none, and only checksums prove it.

    `spelled` is the book in the venue's own spelling, while checksums are told: since 2026-06-23
    they are all 0 ("Order book channel").
    """

    def __init__(self, last: int | None, spelled: SpelledBook | None = None) -> None:
        self._numbered = last is not None
        self._chain = ChainSequencer(last or 0)
        self._spelled = spelled

    def read(self, delta: BookDelta, told: int | None) -> Changes | None:
        """Read the levels that `told` is a checksum of. Raises `MalformedFrame`."""
        if not self._numbered and not told:
            raise MalformedFrame("an update with neither an id nor a checksum")
        return None if self._spelled is None else read_changes(delta.bids, delta.asks)

    def judge(self, previous: int | None, last: int | None) -> Verdict:
        """Judge an update by `prevSeqId` and `seqId`. Raises `SequenceGap` and `MalformedFrame`."""
        if not self._numbered:
            return Verdict.APPLY
        if previous is None or last is None:
            raise MalformedFrame("an update of a numbered book has no id")
        return self._chain.judge(previous, last)

    def reckon(self, changes: Changes | None) -> int | None:
        """Apply what was read, and return the checksum of the book; None: it has none."""
        if self._spelled is None or changes is None:
            return None
        self._spelled.apply(changes)
        return checksum(self._spelled)


def checksum(book: SpelledBook) -> int:
    """Return the signed CRC-32 of the best levels: bid, ask, bid, ask, in the venue's own spelling.

    Where one side has fewer levels, the other goes on alone.
    """
    bids, asks = (book.top(side, LEVELS) for side in (Side.BID, Side.ASK))
    ranks = zip_longest(bids, asks, fillvalue=())
    words = chain.from_iterable(chain.from_iterable(ranks))
    unsigned = crc32(":".join(words).encode())
    return unsigned - 2**32 if unsigned >= 2**31 else unsigned
