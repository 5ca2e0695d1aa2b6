"""F-06 to F-08: connections that are replaced in time, all cut at once, and a name nobody knows."""

import asyncio
from dataclasses import replace

import pytest
from _pytest.mark import ParameterSet
from tests.support.apps import replace_spec
from tests.support.simulation.harness import SYMBOLS, Plan, Simulation, simulate, simulated
from tests.support.simulation.venues import FOUR

from tidegauge import venues as known_venues
from tidegauge.core.events import FeedEventKind
from tidegauge.core.instrument import SECOND
from tidegauge.core.trust import Trust
from tidegauge.wire.protocol import VenueSpec

MANY = tuple(f"COIN{number}USDT" for number in range(140))
LIVES_S = 600.0
"""A venue's day, for those that end connections after one."""


def living(spec: VenueSpec) -> VenueSpec:
    return replace(spec, limits=replace(spec.limits, lifetime=round(LIVES_S * SECOND)))


def quick(*venues: str) -> list[ParameterSet]:
    """All four venues; those that are not named here only in the campaign."""
    return [
        pytest.param(venue, marks=() if venue in venues else pytest.mark.campaign) for venue in FOUR
    ]


@pytest.mark.parametrize("venue", quick("binance", "okx"))
def test_a_connection_is_replaced_before_its_venue_ends_it(
    venue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F-06, a dozen rolls: no update is missed, and no book is doubted for a moment."""
    replace_spec(monkeypatch, venue, living)

    async def run() -> None:
        plan = Plan(seed=6, venues=(venue,), symbols=SYMBOLS[:5], pace=5.0)
        async with simulated(plan) as simulation:
            simulation.servers[venue].lifetime = LIVES_S
            await simulation.until(lambda: simulation.all_live, 60)
            first = {k.instrument.name: k.sequence for k in simulation.keepers}
            told = len(simulation.witness.events)
            await asyncio.sleep(12 * LIVES_S)
            await simulation.settle()
            assert simulation.behind() == []
            witness = simulation.witness
            assert witness.wrong == []
            doubts = [event for event in witness.events[told:] if event.trust not in (None, "live")]
            assert doubts == []
            rolled = witness.told(FeedEventKind.ROLLED)
            print(f"{venue}: {len(rolled)} connections were replaced")
            assert len(rolled) >= 12
            for name, book in simulation.servers[venue].books.items():
                since = [*book.history][[*book.history].index(first[name]) :]
                missed = set(since) - witness.applied[venue, name]
                assert not missed, f"{name}: {len(missed)} of {len(since)} updates were missed"

    simulate(run, 6)


SOCKETS = {"binance": 100, "bybit-linear": 140, "bybit-spot": 100, "okx": 60}
"""Venues' sockets, 400 in all: one book on each."""


def alone(spec: VenueSpec) -> VenueSpec:
    return replace(spec, limits=replace(spec.limits, books_a_link=1))


def test_four_hundred_sockets_cut_at_once_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """F-07: within 30 s, inside each venue's budget of connects, and nobody bans us."""
    for venue in SOCKETS:
        replace_spec(monkeypatch, venue, alone)

    async def run() -> None:
        plan = Plan(seed=7, venues=tuple(SOCKETS), symbols=MANY, pace=20.0, only=SOCKETS)
        async with simulated(plan) as simulation:
            await simulation.until(lambda: sockets(simulation) == 400, 120)
            # The budgets of the first connections are forgiven by then.
            await asyncio.sleep(310)
            for line in simulation.lines.values():
                line.tally.handshakes.clear()
                for socket in [*line.sockets]:
                    socket.cut()
            assert sockets(simulation) == 0
            back = await simulation.until(lambda: sockets(simulation) == 400, 30)
            print(f"400 sockets are back after {back:.1f} s")
            await asyncio.sleep(30)
            for name, line in simulation.lines.items():
                connects = known_venues.load()[name].limits.connects
                most = line.tally.most_within(connects.per / SECOND, weight=False)
                print(f"{name}: at most {most} connects in {connects.per / SECOND:.0f} s")
                assert most <= connects.count
            assert sum(server.bans for server in simulation.servers.values()) == 0
            assert simulation.witness.wrong == []

    simulate(run, 7)


def sockets(simulation: Simulation) -> int:
    return sum(len(line.sockets) for line in simulation.lines.values())


ACKNOWLEDGES_ANYTHING = ("binance", "binance-futures")
"""What is unknown there only stays silent."""


@pytest.mark.parametrize("venue", quick("bybit-linear", "okx"))
def test_a_name_that_the_venue_does_not_know_disturbs_no_other(venue: str) -> None:
    """F-08: one of 100 is listed but refused; the others are as soon LIVE as without it."""

    def start(unknown: int) -> float:
        async def run() -> float:
            plan = Plan(seed=8, venues=(venue,), symbols=MANY[:100], pace=400.0)
            async with simulated(plan) as simulation:
                server = simulation.servers[venue]
                bad = sorted(server.books)[50 : 50 + unknown]
                server.unlisted.update(bad)
                others = len(server.books) - unknown

                def live() -> bool:
                    return others == sum(
                        keeper.trust is Trust.LIVE
                        for keeper in simulation.keepers
                        if keeper.instrument.name not in bad
                    )

                taken = await simulation.until(live, 120)
                told = len(simulation.witness.events)
                simulation.pace = 50.0
                await asyncio.sleep(60)
                later = simulation.witness.events[told:]
                assert not [e for e in later if e.trust is not None and e.instrument not in bad]
                assert all(
                    keeper.trust is not Trust.LIVE
                    for keeper in simulation.keepers
                    if keeper.instrument.name in bad
                )
                if venue not in ACKNOWLEDGES_ANYTHING:
                    rejected = simulation.witness.told(FeedEventKind.REJECTED)
                    assert {event.instrument for event in rejected} == set(bad)
                assert simulation.witness.wrong == []
                return taken

        taken: float = simulate(run, 8)
        return taken

    without, with_one = start(0), start(1)
    print(f"{venue}: 99 others LIVE after {with_one:.2f} s, 100 after {without:.2f} s without it")
    assert with_one < without + 5
