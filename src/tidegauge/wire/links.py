"""Which of a feed's links still say anything, and what helps a book that is told of no more.

A heartbeat proves its socket and no book: books have their own silences (`wire.silence`).
"""

from tidegauge.core.instrument import SECOND, Nanos

from .protocol import BOOK_LINK, Drop

DEAD_AFTER: Nanos = 60 * SECOND
"""A link on which nothing at all came for so long is closed and opened again.

One that carries no book is left to the pings of its socket: nobody need trade.
"""

REVIVED_WITHIN: Nanos = 20 * SECOND
"""A resubscription is answered sooner; else, if no other book is told of either, the link is dead."""


class LinkWatch:
    """When each link said something, and something of a book."""

    def __init__(self) -> None:
        self._heard_at: dict[str, Nanos] = {}
        self._told_at: dict[str, Nanos] = {}
        self._confirmed_at: dict[str, Nanos] = {}
        self._carrier: dict[str, str] = {}
        self._begun_again: dict[str, Nanos] = {}

    def opened(self, link: str, now: Nanos) -> None:
        self._heard_at[link] = self._told_at[link] = now
        self._forget_cures(link)

    def closed(self, link: str) -> None:
        self._heard_at.pop(link, None)
        self._told_at.pop(link, None)
        self._forget_cures(link)

    def heard(self, link: str, now: Nanos) -> None:
        """A frame came, whatever it said."""
        self._heard_at[link] = now

    def told(self, name: str, link: str, now: Nanos) -> None:
        """A frame of `link` told of the book of `name`."""
        self._told_at[link] = now
        self._carrier[name] = link
        self._begun_again.pop(name, None)

    def confirmed(self, name: str, now: Nanos) -> None:
        """REST found the silent book of `name` as it is: its link has had nothing to say."""
        if link := self._carrier.get(name):
            self._confirmed_at[link] = now

    def begun_again(self, name: str) -> Nanos | None:
        """Return when this silent book was last begun afresh; None: it has been told of since."""
        return self._begun_again.get(name)

    def begin_again(self, name: str, silent_since: Nanos, now: Nanos) -> Drop | None:
        """A silent book is to be begun afresh. Return what helps if its whole link says nothing."""
        self._begun_again[name] = now
        link = self._carrier.get(name)
        if link not in self._heard_at or self._heard_at[link] > silent_since:
            return None
        return self._drop(link, now, now - silent_since)

    def silent(self, now: Nanos) -> list[Drop]:
        """Return the links that are not worth keeping."""
        drops = []
        for link, heard_at in list(self._heard_at.items()):
            in_vain = [
                at
                for name, at in self._begun_again.items()
                if self._carrier.get(name) == link and at > self._told_at[link]
            ]
            carries = link == BOOK_LINK or link in self._carrier.values()
            quiet = not carries or self._confirmed_at.get(link, 0) > heard_at
            if now - heard_at > DEAD_AFTER and not quiet:
                drops.append(self._drop(link, now, DEAD_AFTER))
            elif in_vain and now - min(in_vain) > REVIVED_WITHIN:
                drops.append(self._drop(link, now, now - self._told_at[link], " of any book"))
        return drops

    def _drop(self, link: str, now: Nanos, silent: Nanos, of_what: str = "") -> Drop:
        self._heard_at[link] = now
        self._forget_cures(link)
        return Drop(link=link, reason=f"no frame{of_what} for {silent // SECOND} s")

    def _forget_cures(self, link: str) -> None:
        for name in [name for name in self._begun_again if self._carrier.get(name) == link]:
            del self._begun_again[name]
