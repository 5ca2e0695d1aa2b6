"""Judges of whether an update follows the last one. They hold ids only, never a book.

Every `judge` either returns a `Verdict` or raises `SequenceGap`, and has then changed nothing.
"""

from enum import StrEnum

from tidegauge.core.errors import SequenceGap

PATIENCE = 200
"""Old updates in a row, on one ordered stream, before the last id itself is disbelieved."""


class Verdict(StrEnum):
    APPLY = "apply"
    IGNORE = "ignore"
    REFETCH = "refetch"
    """The snapshot does not reach up to the stream: only a newer one can be bridged."""


class _Sequencer:
    """The last id applied, and how many older ones came in a row since.

    One connection delivers in order. A run of old ids therefore means that the last id was wrong
    (a snapshot from a server ahead of the stream, a damaged number), not that it is all old news.
    """

    __slots__ = ("bridged", "ignored", "last")

    def __init__(self, last: int) -> None:
        self.last = last
        self.bridged = False
        self.ignored = 0

    def _apply(self, last: int) -> Verdict:
        self.last = last
        self.bridged = True
        self.ignored = 0
        return Verdict.APPLY

    def _ignore(self, expected: int, received: int) -> Verdict:
        if self.ignored >= PATIENCE:
            raise SequenceGap(expected=expected, received=received)
        self.ignored += 1
        return Verdict.IGNORE


class RangeSequencer(_Sequencer):
    """Updates carry the range of ids they cover; the next one must reach down to last + 1.

    Binance spot, "How to manage a local order book correctly". The page asks of the first update
    that the snapshot's id L lie inside it; one that begins at L + 1 is just as whole.
    """

    __slots__ = ()

    def judge(self, first: int, last: int) -> Verdict:
        """Judge the update that covers the ids `first` to `last`."""
        expected = self.last + 1
        if last < expected:
            return self._ignore(expected, last)
        if first <= expected:
            return self._apply(last)
        if not self.bridged:
            return Verdict.REFETCH
        raise SequenceGap(expected=expected, received=first)


class PreviousIdSequencer(_Sequencer):
    """Updates name the last id of the update before them.

    Binance USD-M, "How to manage a local order book correctly": `pu` equals the previous `u`. The
    first must hold `U <= L <= u`; as `pu` is below `U`, that and the frequent `pu == L` are both
    covered by `pu <= L <= u`.
    """

    __slots__ = ()

    def judge(self, previous: int, last: int) -> Verdict:
        """Judge the update that ends in `last` and follows the update that ended in `previous`."""
        if self.bridged:
            if previous == self.last and last >= previous:
                return self._apply(last)
            if last <= self.last:
                return self._ignore(self.last, previous)
            raise SequenceGap(expected=self.last, received=previous)
        if last < self.last:
            return self._ignore(self.last, last)
        if previous > self.last:
            return Verdict.REFETCH
        return self._apply(last)


class StepSequencer(_Sequencer):
    """Updates are numbered one by one, from the snapshot on.

    Bybit v5, "Orderbook": a snapshot may come at any time and restarts the count; id 1 on an update
    that is no snapshot tells of a service restart, after which only a snapshot will do.
    """

    __slots__ = ()

    def judge(self, update: int) -> Verdict:
        """Judge the update numbered `update`."""
        if update == self.last + 1:
            return self._apply(update)
        if update == 1:
            return Verdict.REFETCH
        if update <= self.last:
            return self._ignore(self.last + 1, update)
        raise SequenceGap(expected=self.last + 1, received=update)


class ChainSequencer:
    """Updates name the update before them, and the first of them the snapshot.

    OKX v5, "Order book channel", and Deribit, "book.{instrument_name}.{interval}". Ids may go back,
    as OKX's do after maintenance: what counts is that the chain holds. Of an update that names
    another one nothing is known, however old its id is; only what was told before is no gap.
    """

    __slots__ = ("_told", "last")

    def __init__(self, last: int) -> None:
        self.last = last
        self._told: dict[tuple[int, int], None] = {}

    def judge(self, previous: int, last: int) -> Verdict:
        """Judge the update `last`, which names `previous` as the one before it."""
        if previous == self.last:
            self.last = last
            self._told[previous, last] = None
            if len(self._told) > PATIENCE:
                del self._told[next(iter(self._told))]
            return Verdict.APPLY
        if (previous, last) in self._told:
            return Verdict.IGNORE
        raise SequenceGap(expected=self.last, received=previous)


class Unnumbered:
    """Updates have no numbers: on one ordered connection each follows the one before.

    Whoever uses it finds what was lost by other means: a checksum, a number of the connection's.
    """

    __slots__ = ()

    def judge(self) -> Verdict:
        """Judge the next update."""
        return Verdict.APPLY


class LatestSequencer:
    """Every message is whole and only its time counts: an older one is ignored.

    After `patience` older ones in a row the clock is taken to have been set back.
    """

    __slots__ = ("ignored", "last", "patience")

    def __init__(self, patience: int = 3) -> None:
        self.last = -1
        self.ignored = 0
        self.patience = patience

    def judge(self, time: int) -> Verdict:
        """Judge the message of `time`; an equal time is applied."""
        if time < self.last and self.ignored < self.patience:
            self.ignored += 1
            return Verdict.IGNORE
        self.last = time
        self.ignored = 0
        return Verdict.APPLY
