"""People and programs who look, in a process of their own: streams that are read, questions at a rate.

`python -m benchmarks.onlookers URL STREAMS RATE` takes `go` and `stop` on standard input, a line each, and
answers each `stop` with what it saw as a line of JSON. The token is in TIDEGAUGE_BENCH_TOKEN: others
see arguments.
"""

import asyncio
import json
import os
import sys
import time
from dataclasses import dataclass, field
from itertools import cycle

import aiohttp
import uvloop

from .timing import percentile

ASKED = (
    "/quote?symbol=BTCUSDT&side=sell&notional=1000000",
    "/books/{venue}/BTCUSDT?levels=20",
    "/quote?symbol=BTCUSDT&side=buy&notional=250000",
    "/symbols",
    "/readings/{venue}/BTCUSDT",
)
WANTED = '{"symbols": ["BTCUSDT"], "ladders": 20}'
HURRY = 50
"""Questions that may be open at a time: who asks more is not answered faster."""


@dataclass(slots=True)
class Seen:
    """What was seen between a `go` and its `stop`."""

    steps: int = 0
    bytes: int = 0
    answers: list[int] = field(default_factory=list)
    failures: int = 0


class Onlookers:
    """So many streams, and so many questions a second."""

    def __init__(self, session: aiohttp.ClientSession, url: str, venue: str) -> None:
        self._session = session
        self._url = url
        self._paths = cycle(each.format(venue=venue) for each in ASKED)
        self._open = asyncio.Semaphore(HURRY)
        self.seen = Seen()

    async def watch(self) -> None:
        """Read one stream for ever."""
        async with self._session.ws_connect(f"{self._url}/stream", max_msg_size=0) as socket:
            await socket.send_str(WANTED)
            async for message in socket:
                self.seen.steps += 1
                self.seen.bytes += len(message.data)

    async def ask(self, rate: float) -> None:
        """Ask at a rate, whether or not the answers keep up."""
        began, asked = time.monotonic(), 0
        async with asyncio.TaskGroup() as tasks:
            while True:
                await asyncio.sleep(max(0.0, began + asked / rate - time.monotonic()))
                await self._open.acquire()
                tasks.create_task(self._question(next(self._paths)))
                asked += 1

    async def _question(self, path: str) -> None:
        began = time.perf_counter_ns()
        try:
            async with self._session.get(f"{self._url}{path}") as answer:
                await answer.read()
                self.seen.failures += answer.status != 200
        except aiohttp.ClientError:
            self.seen.failures += 1
        finally:
            self._open.release()
        self.seen.answers.append(time.perf_counter_ns() - began)


async def _main(url: str, venue: str, streams: int, rate: float) -> None:
    header = {"Authorization": f"Bearer {os.environ['TIDEGAUGE_BENCH_TOKEN']}"}
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(headers=header, connector=connector) as session:
        while await reader.readline():
            looking = Onlookers(session, url, venue)
            began = time.monotonic()
            work = [asyncio.create_task(looking.watch()) for _ in range(streams)]
            work.append(asyncio.create_task(looking.ask(rate)))
            await reader.readline()
            lasted = time.monotonic() - began
            for task in work:
                task.cancel()
            ended = await asyncio.gather(*work, return_exceptions=True)
            broken = [e for e in ended if isinstance(e, Exception)]
            print(json.dumps(_summary(looking.seen, lasted, len(broken))), flush=True)


def _summary(seen: Seen, lasted: float, broken: int) -> dict[str, float]:
    answers = sorted(seen.answers) or [0]
    return {
        "requests_per_s": round(len(seen.answers) / lasted, 1),
        "failures": seen.failures + broken,
        "answer_p50_ms": round(percentile(answers, 0.5) / 1e6, 2),
        "answer_p99_ms": round(percentile(answers, 0.99) / 1e6, 2),
        "steps_per_s": round(seen.steps / lasted, 1),
        "kilobytes_per_s": round(seen.bytes / lasted / 1000, 1),
    }


if __name__ == "__main__":
    uvloop.run(_main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])))
