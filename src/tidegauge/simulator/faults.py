"""What can be made to go wrong between a venue and its clients: knobs over any dialect."""

from collections.abc import Mapping

from tidegauge.core.instrument import Nanos

from .dialect import Answer, Close, ConnectionId, Dialect, Reply, Request, Say, json_answer


class Troubled:
    """A dialect that does as `inner` does, except for what it was told to do wrong.

    `refuse_with` answers every handshake and request with that status (403, 451: a region is
    refused). `limit_requests` answers the next requests with 429 and a `Retry-After`. `drop_next`
    loses book updates. `silent` says nothing at all, on open sockets. `cut` ends every socket.
    """

    def __init__(self, inner: Dialect) -> None:
        self.inner = inner
        self.refuse_with: int | None = None
        self.silent = False
        self._limited: list[float] = []
        self._drops: dict[str, int] = {}
        self._open: set[ConnectionId] = set()
        self._cut = False
        self.dropped = 0
        self.requests: list[Request] = []

    # -- the knobs -------------------------------------------------------------------------------

    def drop_next(self, marker: str, count: int = 1) -> None:
        """Lose the next `count` book updates whose text holds `marker` (a stream, a symbol)."""
        self._drops[marker] = self._drops.get(marker, 0) + count

    def limit_requests(self, count: int, *, retry_after: float) -> None:
        """Answer the next `count` requests with 429."""
        self._limited = [retry_after] * count

    def cut(self) -> None:
        """End every open socket abruptly at the next advance."""
        self._cut = True

    # -- the dialect -----------------------------------------------------------------------------

    @property
    def eager(self) -> bool:
        return self.inner.eager

    @property
    def ping_seconds(self) -> float | None:
        return self.inner.ping_seconds

    def admit(self, path: str, now: Nanos) -> Answer | None:
        if self.refuse_with is not None:
            return _refusal(self.refuse_with)
        return self.inner.admit(path, now)

    def connected(
        self, connection: ConnectionId, path: str, query: Mapping[str, str], now: Nanos
    ) -> list[Reply]:
        self._open.add(connection)
        return self._filter(self.inner.connected(connection, path, query, now))

    def received(self, connection: ConnectionId, text: str, now: Nanos) -> list[Reply]:
        return self._filter(self.inner.received(connection, text, now))

    def disconnected(self, connection: ConnectionId) -> None:
        self._open.discard(connection)
        self.inner.disconnected(connection)

    def rest(self, request: Request, now: Nanos) -> Answer:
        self.requests = [*self.requests[-99:], request]
        if self.refuse_with is not None:
            return _refusal(self.refuse_with)
        if self._limited:
            retry_after = self._limited.pop()
            return json_answer(
                {"code": -1003, "msg": "Too many requests."},
                status=429,
                headers={"Retry-After": f"{retry_after:g}"},
            )
        return self.inner.rest(request, now)

    def advance(self, now: Nanos) -> list[Reply]:
        replies = self._filter(self.inner.advance(now))
        if self._cut:
            self._cut = False
            replies = [Close(connection=each, abrupt=True) for each in sorted(self._open)]
        return replies

    def _filter(self, replies: list[Reply]) -> list[Reply]:
        if not self.silent and not self._drops:
            return replies
        return [reply for reply in replies if not self._lost(reply)]

    def _lost(self, reply: Reply) -> bool:
        if not isinstance(reply, Say):
            return False
        if self.silent:
            return True
        if reply.book:
            for marker, left in self._drops.items():
                if marker in reply.text:
                    if left > 1:
                        self._drops[marker] = left - 1
                    else:
                        del self._drops[marker]
                    self.dropped += 1
                    return True
        return False


def _refusal(status: int) -> Answer:
    return json_answer(
        {
            "code": 0,
            "msg": "Service unavailable from a restricted location according to our terms.",
        },
        status=status,
    )
