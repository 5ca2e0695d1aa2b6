"""One Hyperliquid socket, and the search for the coin that closes it.

A refused coin closes the socket it was asked for on, without a word ("Subscriptions").
"""

from collections.abc import Iterable

from tidegauge.core.instrument import SECOND, Nanos
from tidegauge.wire.rollcall import RollCall

KILLED_WITHIN = 2 * SECOND
STRIKES = 2


class Link:
    """`waiting` coins are asked for one by one once the venue has proved touchy."""

    def __init__(self, names: Iterable[str], *, patience: Nanos) -> None:
        self.coins = RollCall(names, patience=patience)
        self.open = False
        self.heard_at: Nanos = 0
        self.pinged_at: Nanos = 0
        self.waiting: list[str] = []
        self._sent_at: Nanos = 0
        self._careful = False
        self._unproved: dict[str, None] = {}
        self._strikes: dict[str, int] = {}
        self._proved = False

    def opened(self, now: Nanos) -> list[str]:
        """Return the coins to ask for now."""
        self.open = True
        self.heard_at = self.pinged_at = self._sent_at = now
        self.coins.expect_all(now)
        self._unproved, self._proved = {}, False
        names = sorted(self.coins.names, key=lambda name: self._strikes.get(name, 0))
        self.waiting = names[1:] if self._careful else []
        return names[:1] if self._careful else names

    def asked(self, names: Iterable[str], now: Nanos) -> None:
        """These coins were asked for."""
        self._sent_at = now
        self._unproved.update(dict.fromkeys(names))

    def proved(self, coin: str) -> list[str]:
        """The venue took this coin; return whom to ask for next in careful mode."""
        if coin not in self._unproved:
            return []
        del self._unproved[coin]
        self._strikes.pop(coin, None)
        self._proved = True
        if not self.waiting:
            self._careful = self._careful and bool(self._unproved)
            return []
        return [self.waiting.pop(0)]

    def closed(self, now: Nanos) -> str | None:
        """Return the coin that is to blame, once that is certain."""
        culprit = None
        if self.open and self._unproved and now - self._sent_at <= KILLED_WITHIN:
            suspect = next(reversed(self._unproved))
            if self._careful and self._struck(suspect):
                culprit = suspect
            self._careful = True
        self.open = False
        return culprit

    def _struck(self, coin: str) -> bool:
        self._strikes[coin] = self._strikes.get(coin, 0) + 1
        # Only its own fault if another coin was taken: a venue in trouble closes on every coin.
        alone = len(self.coins.names) == 1
        return self._strikes[coin] >= STRIKES and (self._proved or alone)
