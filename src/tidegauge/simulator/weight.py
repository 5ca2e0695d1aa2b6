"""What a local venue has counted of its clients' requests this minute, and when it has enough."""

from dataclasses import replace

from tidegauge.core.instrument import SECOND, Nanos

from .dialect import Answer, json_answer

MINUTE: Nanos = 60 * SECOND


class WeightMeter:
    """Counts the weight of requests by the minute, as Binance does, and refuses what is too much."""

    def __init__(self, limit: int, header: str) -> None:
        self.limit = limit
        self.header = header
        self.used = 0
        self.minute = 0

    def refuse(self, weight: int, now: Nanos) -> Answer | None:
        """Count a request of `weight`; return the refusal if it is too much, None if it is not."""
        minute = now // MINUTE
        if minute != self.minute:
            self.minute, self.used = minute, 0
        self.used += weight
        if self.used <= self.limit:
            return None
        seconds = -(-(MINUTE - now % MINUTE) // SECOND)
        body = {"code": -1003, "msg": "Too much request weight used."}
        return self.stamped(json_answer(body, status=429, headers={"Retry-After": str(seconds)}))

    def stamped(self, answer: Answer) -> Answer:
        """Return `answer` with the header that tells how much was used."""
        return replace(answer, headers={**answer.headers, self.header: str(self.used)})
