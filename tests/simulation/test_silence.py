"""F-05: streams that die without a word are found in time; a quiet market raises no alarm."""

import asyncio

import pytest
from tests.support.simulation.harness import Plan, Simulation, simulate, simulated
from tests.support.simulation.venues import FOUR

from tidegauge.core.events import FeedEventKind
from tidegauge.core.trust import Trust

SYMBOLS = ("BTCUSDT", "ETHUSDT")
LEARNED_S = 160.0
"""Until each book has been heard of a thousand times and more: its silence is known."""

BUSY, QUIET = 16.0, 0.1
"""Updates a second of two books. Three times the gap that one in a thousand exceeds is below 5 s
where there are eight a second, and minutes where there is one in twenty seconds."""


@pytest.mark.parametrize("venue", FOUR)
@pytest.mark.parametrize("dies", ["the socket", "the stream", "one symbol"])
def test_a_stream_that_dies_without_a_word_is_found(venue: str, dies: str) -> None:
    """Pongs go on; the books are not believed after their learned silence, and come back."""

    async def run() -> None:
        async with simulated(
            Plan(seed=5, venues=(venue,), symbols=SYMBOLS, pace=BUSY)
        ) as simulation:
            await simulation.until(lambda: simulation.all_live, 60)
            await asyncio.sleep(LEARNED_S)
            victim = min(simulation.servers[venue].books)
            learned = max(5.0, simulation.silence_s(venue, victim))
            kill(simulation, venue, dies, victim)
            found = await simulation.until(
                lambda: simulation.keeper(venue, victim).trust is not Trust.LIVE, 60
            )
            back = await simulation.until(lambda: simulation.all_live, 120)
            await simulation.settle()
            print(f"{venue}, {dies}: found after {found:.1f} s, back {back:.1f} s later")
            assert simulation.behind() == []
            assert simulation.witness.wrong == []
            assert found <= learned

    simulate(run, 5)


def kill(simulation: Simulation, venue: str, dies: str, victim: str) -> None:
    """Have something stop without a word."""
    for client in simulation.servers[venue].clients.values():
        if dies == "the stream":
            client.deaf = True
        elif dies == "one symbol":
            client.deaf_to.add(victim)
    if dies == "the socket":
        for socket in simulation.lines[venue].sockets:
            socket.freeze(answers_pings=True)


def quiet(hours: float) -> None:
    """Watch four venues whose books change every twenty seconds or so; nothing is amiss."""

    async def run() -> None:
        plan = Plan(seed=55, symbols=SYMBOLS, pace=QUIET, history=1_000)
        async with simulated(plan) as simulation:
            simulation.pace = 6.0
            await simulation.until(lambda: simulation.all_live, 120)
            simulation.pace = QUIET
            told = len(simulation.witness.events)
            await asyncio.sleep(hours * 3600)
            witness = simulation.witness
            alarms = [e for e in witness.events[told:] if e.trust not in (None, Trust.LIVE)]
            alarms += witness.told(FeedEventKind.DISCONNECTED)
            print(
                f"{hours:.0f} quiet hours of 8 books: {simulation.events:,} updates,"
                f" {len(alarms)} false alarms"
            )
            assert alarms == []
            assert witness.wrong == []

    simulate(run, 55)


def test_two_quiet_hours_raise_no_alarm() -> None:
    """The quick form."""
    quiet(2)


@pytest.mark.campaign
def test_a_quiet_day_raises_no_alarm() -> None:
    """24 hours."""
    quiet(24)
