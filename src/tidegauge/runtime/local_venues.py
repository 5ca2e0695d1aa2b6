"""Local venues: servers on this machine that speak the real protocols over a generated market.

    python -m tidegauge.runtime.local_venues --symbols BTCUSDT,ETHUSDT --crunch-at 20

prints one line of JSON with where each venue is served, and goes on until its standard input is
closed (whoever started it is gone) or it is told to stop.
"""

import argparse
import asyncio
import contextlib
import os
import signal
import stat
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Self

import msgspec
import uvloop

from tidegauge.core.instrument import MILLISECOND, SECOND, Nanos, Symbol, VenueName
from tidegauge.simulator.dialect import Dialect
from tidegauge.simulator.exchange import Exchange, Stage
from tidegauge.simulator.faults import Troubled
from tidegauge.simulator.scenario import CALM, Scenario, crunch, one_sided, wall
from tidegauge.simulator.venues import VENUES, simulate

from .local_server import MOST_WAITING, Endpoint, LocalServer

_BEAT: Nanos = 50 * MILLISECOND
"""Market time between two drives."""

_SHORTEST_SLEEP = 0.002
_LONGEST_GAP: Nanos = 2 * SECOND
"""A longer pause (the machine slept) is left out of market time instead of being caught up with."""


class LocalVenues:
    """A set of venues served on 127.0.0.1 while the context is open.

    `endpoints` says where; `dialects` holds each venue's knobs (drop, refuse, cut, go silent);
    `exchanges` the generated markets. `hosted` serves other dialects (a recording) under their
    venue's name, instead of or beside generated ones. `speed` runs market and scenario that many
    times faster; times on the wire stay wall time.
    """

    def __init__(
        self,
        *,
        venues: Sequence[VenueName] = VENUES,
        symbols: Sequence[Symbol] = ("BTCUSDT",),
        seed: int = 1,
        scenario: Scenario = CALM,
        speed: float = 1.0,
        hosted: Mapping[VenueName, Dialect] | None = None,
        most_waiting: int = MOST_WAITING,
    ) -> None:
        self.stage = Stage(origin=time.time_ns(), speed=speed, scenario=scenario)
        self.exchanges: dict[VenueName, Exchange] = {}
        self.dialects: dict[VenueName, Troubled] = {}
        for venue in venues:
            dialect, exchange = simulate(venue, symbols, stage=self.stage, seed=seed)
            self.exchanges[venue] = exchange
            self.dialects[venue] = Troubled(dialect)
        for venue, dialect in (hosted or {}).items():
            self.exchanges.pop(venue, None)
            self.dialects[venue] = Troubled(dialect)
        self.servers: dict[VenueName, LocalServer] = {}
        self._most_waiting = most_waiting
        self._stack = contextlib.AsyncExitStack()

    @property
    def endpoints(self) -> dict[VenueName, Endpoint]:
        """Where each venue is served."""
        return {venue: server.endpoint for venue, server in self.servers.items()}

    async def __aenter__(self) -> Self:
        async with contextlib.AsyncExitStack() as stack:
            for venue, dialect in self.dialects.items():
                server = LocalServer(venue, dialect, most_waiting=self._most_waiting)
                stack.push_async_callback(server.close)
                await server.open()
                self.servers[venue] = server
            self.stage.origin = time.time_ns()
            tasks = await stack.enter_async_context(asyncio.TaskGroup())
            drivers = [
                tasks.create_task(server.run(), name=f"serve {server.venue}")
                for server in self.servers.values()
                if server.dialect.eager
            ]
            drivers.append(tasks.create_task(self._drive(), name="drive the local venues"))
            for driver in drivers:
                stack.callback(driver.cancel)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *failure: object) -> None:
        await self._stack.aclose()

    async def _drive(self) -> None:
        timed = [server for server in self.servers.values() if not server.dialect.eager]
        pause = max(_SHORTEST_SLEEP, _BEAT / SECOND / self.stage.speed)
        before = time.time_ns()
        while True:
            await asyncio.sleep(pause)
            now = time.time_ns()
            if not 0 <= now - before <= _LONGEST_GAP:
                self.stage.skip(now - before)
            before = now
            for server in timed:
                server.advance(now)


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until told to stop."""
    options = _options(arguments)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(options))


async def _serve(options: argparse.Namespace) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    venues = LocalVenues(
        venues=options.venues,
        symbols=options.symbols,
        seed=options.seed,
        scenario=_scenario(options),
        speed=options.speed,
    )
    async with venues, asyncio.TaskGroup() as tasks:
        sys.stdout.buffer.write(msgspec.json.encode({"endpoints": venues.endpoints}) + b"\n")
        sys.stdout.flush()
        watcher = tasks.create_task(_stop_with_stdin(stop), name="watch standard input")
        await stop.wait()
        watcher.cancel()


async def _stop_with_stdin(stop: asyncio.Event) -> None:
    """Set `stop` when standard input ends: whoever started this process is gone.

    Only a pipe or a socket can end like that; with a terminal or a file, a signal stops us.
    """
    mode = os.fstat(sys.stdin.fileno()).st_mode
    if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
        return
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while await reader.read(4096):
        pass
    stop.set()


def _scenario(options: argparse.Namespace) -> Scenario:
    at, lasts = int(options.crunch_at * SECOND), int(options.crunch_for * SECOND)
    only = frozenset(options.crunch_venues) if options.crunch_venues else None
    if options.scenario == "calm":
        return CALM
    if options.scenario == "one_sided":
        return one_sided(at=at, lasts=lasts, venues=only)
    if options.scenario == "wall":
        return wall(at=at, lasts=lasts, venues=only)
    every = int(options.crunch_every * SECOND) if options.crunch_every else None
    return crunch(at=at, lasts=lasts, floor=options.crunch_floor, venues=only, every=every)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tidegauge.runtime.local_venues", description=__doc__)
    names = _names
    parser.add_argument("--venues", type=names, default=list(VENUES), help="comma-separated")
    parser.add_argument("--symbols", type=names, default=["BTCUSDT"], help="comma-separated")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--speed", type=float, default=1.0, help="times real time")
    parser.add_argument(
        "--scenario", choices=("calm", "crunch", "one_sided", "wall"), default="crunch"
    )
    parser.add_argument(
        "--crunch-at", type=float, default=20.0, help="seconds after the first subscription"
    )
    parser.add_argument("--crunch-for", type=float, default=12.0, help="seconds")
    parser.add_argument("--crunch-floor", type=float, default=0.25, help="share that remains")
    parser.add_argument("--crunch-every", type=float, default=0.0, help="repeat; 0 does not")
    parser.add_argument("--crunch-venues", type=names, default=[], help="only these; default all")
    options = parser.parse_args(arguments)
    unknown = sorted({*options.venues, *options.crunch_venues} - set(VENUES))
    if unknown:
        parser.error(f"unknown venue {', '.join(unknown)}; there are {', '.join(VENUES)}")
    if options.speed <= 0 or not 0 < options.crunch_floor <= 1:
        parser.error("--speed must be above 0, and --crunch-floor in (0, 1]")
    return options


def _names(text: str) -> list[str]:
    return [name for name in (part.strip() for part in text.split(",")) if name]


if __name__ == "__main__":
    main()
