"""Trades that are numbered one by one for each instrument: which are new, and how many are missing."""

from collections.abc import Iterable

from tidegauge.core.events import Trade

from .protocol import Note, Output

PATIENCE = 1_000
"""Old trades in a row, more than any venue repeats on subscribing, before the last number itself is
disbelieved: a damaged one would hide all trades after it."""


class TradeNumbers:
    """The last trade of each instrument. It outlives the connection, as the numbers do.

    Venues tell old trades on subscribing: those tell nothing new the first time, and after a
    reconnection they are what was missed.
    """

    def __init__(self) -> None:
        self._last: dict[str, int] = {}
        self._old: dict[str, int] = {}

    def begin(self, instrument: str, number: int) -> None:
        """Everything up to `number` is old news, unless something was told before."""
        self._last.setdefault(instrument, number)

    def told(self, trades: Iterable[tuple[int, Trade]]) -> list[Output]:
        """Return the new ones of these numbered trades, oldest first, and note what is missing."""
        outputs: list[Output] = []
        for number, trade in sorted(trades, key=lambda each: each[0]):
            last = self._last.get(trade.instrument)
            if last is not None and number <= last and self._old_news(trade.instrument):
                continue
            self._old.pop(trade.instrument, None)
            outputs += self.reached(trade.instrument, number - 1)
            self._last[trade.instrument] = number
            outputs.append(trade)
        return outputs

    def _old_news(self, instrument: str) -> bool:
        """Whether a number that is not beyond the last one is that of an old trade."""
        self._old[instrument] = self._old.get(instrument, 0) + 1
        return self._old[instrument] <= PATIENCE

    def reached(self, instrument: str, number: int) -> list[Output]:
        """The venue has come to trade `number`: note how many of those before were not told."""
        last = self._last.get(instrument)
        if last is None or number <= last:
            return []
        self._last[instrument] = number
        return [Note(kind="trades_missed", instrument=instrument, detail=str(number - last))]
