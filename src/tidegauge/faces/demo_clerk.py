"""Who sits at the desk of a demo: takes the incident of its crunch on, as a person would."""

import asyncio

from rich.console import Console

from tidegauge.core.desk import Order, OrderKind, Outcome
from tidegauge.core.errors import OperatorError
from tidegauge.core.incident import Family, Incident
from tidegauge.runtime.app import App
from tidegauge.sinks.delivery import AWAY
from tidegauge.sinks.orders import outcome_of, place

from . import figures
from .desk.ordering import new_order

LOOK_EVERY_S = 0.25
THINKS_FOR_S = 2.0
WAITS_FOR_S = 10.0

CLERK = "demo"
SAYS = "seen; quotes are wider, large orders wait"


async def sit(app: App, console: Console) -> None:
    """Acknowledge the first incident of liquidity, by the way that `tidegauge incidents ack` takes."""
    while (incident := _of_the_crunch(app)) is None:  # noqa: ASYNC110 - the desk has no event
        await asyncio.sleep(LOOK_EVERY_S)
    await asyncio.sleep(THINKS_FOR_S)
    order = new_order(
        kind=OrderKind.ACKNOWLEDGE, actor=CLERK, comment=SAYS, incident_id=incident.id
    )
    try:
        outcome = await _ordered(app, order)
    except (OperatorError, *AWAY) as error:
        _say(console, f"the order was not placed: {error}")
        return
    _say(console, "no answer yet" if outcome is None else outcome.said)


def _of_the_crunch(app: App) -> Incident | None:
    """Return the incident once the database knows it, too: its row is what an order locks."""
    view = app.monitor.desk.view(app.world.clock.now())
    return next((each for each in view.incidents if each.family is Family.LIQUIDITY), None)


async def _ordered(app: App, order: Order) -> Outcome | None:
    assert app.database is not None
    async with app.database.session() as connection:
        await place(connection, order)
        return await outcome_of(connection, order.id, WAITS_FOR_S)


def _say(console: Console, text: str) -> None:
    console.print(f"[{CLERK}] {figures.printable(text)}", markup=False, highlight=False)
