"""A monitor of your own: two local venues, every reading handed to a function, nothing stored.

Run it: python examples/watch_local_venues.py
"""

import asyncio

from tidegauge.core.reading import Reading, Taker
from tidegauge.runtime.app import App, Assignment
from tidegauge.runtime.local_venues import LocalVenues
from tidegauge.runtime.logging import configure_logging
from tidegauge.runtime.settings import Endpoint, Settings

VENUES = ("binance", "bybit-linear")


def show(record: object) -> None:
    """Print what a sale of 500,000 would cost, each time a reading is taken to be stored."""
    if not isinstance(record, Reading):
        return
    fill = next(f for f in record.fills if f.taker is Taker.SELL and f.notional == 500_000)
    cost = "cannot be filled" if fill.slippage_bps is None else f"{fill.slippage_bps:.2f} bps"
    print(f"{record.origin.venue:13} mid {record.mid}  a sale of 500,000: {cost}")


async def main() -> None:
    configure_logging(level="warning")
    async with LocalVenues(venues=VENUES, symbols=("BTCUSDT",), seed=7) as local:
        # For the real venues, leave `endpoints` out.
        endpoints = {
            venue: Endpoint(ws_url=where.ws_url, rest_url=where.rest_url)
            for venue, where in local.endpoints.items()
        }
        assignment = Assignment(symbols=("BTCUSDT",), venues=VENUES, store=False, duration_s=4)
        app = App(Settings(endpoints=endpoints), assignment, listener=show)
        async with app.opened():
            await app.run()


if __name__ == "__main__":
    asyncio.run(main())
