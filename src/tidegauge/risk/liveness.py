"""Which of some books are LIVE, and since when not. No clock is read."""

from collections.abc import Iterator
from dataclasses import dataclass

from ..core.instrument import Nanos
from ..core.trust import TrustReason

MOST_DETAIL = 200


@dataclass(slots=True)
class KnownBook:
    """One book. `since`: when it became what it is; `reason` and `detail` are the latest."""

    name: str
    live: bool
    reason: TrustReason
    detail: str
    since: Nanos
    was_live: bool
    """At any time since the start."""


class Liveness:
    """Books by a name: of one venue their symbols, of one symbol their venues."""

    def __init__(self) -> None:
        self._books: dict[str, KnownBook] = {}
        self.dark_since: Nanos | None = None
        """Since when none is LIVE; None while one is."""
        self.was_live = False
        """Whether any was at any time since the start."""
        self.disturbed = False
        """Whether any was found not to be LIVE since `settled`."""

    def __len__(self) -> int:
        return len(self._books)

    def __iter__(self) -> Iterator[KnownBook]:
        return iter(self._books.values())

    @property
    def live(self) -> int:
        return sum(book.live for book in self)

    @property
    def steady(self) -> bool:
        """Whether all are LIVE, and were since `settled`."""
        return not self.disturbed and self.live == len(self)

    def seen(self, name: str, live: bool, reason: TrustReason, at: Nanos, detail: str) -> None:
        """Say what a book is. That it is not LIVE for another reason does not begin it anew, but that
        a venue is asked again which refused us does."""
        book = self._books.get(name)
        if book is None:
            book = self._books[name] = KnownBook(name, live, reason, "", at, live)
        elif book.live is not live:
            book.live, book.since = live, at
        elif book.reason is TrustReason.REFUSED is not reason:
            book.since, self.dark_since = at, None
        book.reason, book.detail = reason, detail[:MOST_DETAIL]
        book.was_live = book.was_live or live
        self.was_live = self.was_live or live
        self.disturbed = self.disturbed or not live
        self._count(at)

    def left(self, name: str, at: Nanos) -> None:
        """A book is not watched any more."""
        if self._books.pop(name, None) is not None:
            self._count(at)

    def onwards(self, at: Nanos) -> None:
        """Count from now what has no time yet (0, as of a book nothing happened to), or one to come:
        a clock was set back, and it would take as long to be noticed."""
        for book in self:
            book.since = min(book.since or at, at)
        if self.dark_since is not None:
            self.dark_since = min(self.dark_since or at, at)

    def settled(self) -> None:
        """All that was disturbed so far was taken note of."""
        self.disturbed = False

    def _count(self, at: Nanos) -> None:
        if self.live or not self._books:
            self.dark_since = None
        elif self.dark_since is None:
            self.dark_since = at
