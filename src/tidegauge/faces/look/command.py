"""`tidegauge status`, `tidegauge top` and `tidegauge quote`."""

from decimal import Decimal
from typing import Annotated, Literal

import typer

from tidegauge.core.errors import OperatorError
from tidegauge.core.exact import is_amount
from tidegauge.core.reading import Taker
from tidegauge.faces import figures, running
from tidegauge.faces.amounts import scaled
from tidegauge.faces.database.opened import AsJson, print_json, settings_of
from tidegauge.faces.options import Config, DataDir
from tidegauge.runtime.window.across import worst_first
from tidegauge.runtime.window.hub import Hub
from tidegauge.runtime.window.pricing import LARGEST, market_of, quote_of

from .looking import once, watched
from .tables import quote_table, status_view, top_view

NOT_READY = 1

Watch = Annotated[bool, typer.Option("--watch", help="Draw it anew each second, until Ctrl-C.")]


def status(
    watch: Watch = False, as_json: AsJson = False, config: Config = None, data_dir: DataDir = None
) -> None:
    """Say how the running daemons are: feeds, books, storage, what fires. Exit 1: not all is well."""
    folder = settings_of(config, data_dir).data_dir
    if watch:
        watched(folder, lambda hub: status_view(hub.picture(), hub.reasons()))
        return

    async def act(hub: Hub) -> None:
        seen, reasons = hub.picture(), hub.reasons()
        if as_json:
            print_json(
                {
                    "ready": not reasons,
                    "reasons": reasons,
                    "daemons": [*seen.daemons.values()],
                    "venues": [*seen.venues.values()],
                    "symbols": worst_first(seen.symbols.values()),
                    "incidents": [*seen.incidents.values()],
                }
            )
        else:
            running.console_for(plain=False).print(status_view(seen, reasons))
        if reasons:
            raise typer.Exit(NOT_READY)

    once(folder, act)


def top(
    watch: Watch = False, as_json: AsJson = False, config: Config = None, data_dir: DataDir = None
) -> None:
    """List all symbols by score, the worst first."""
    folder = settings_of(config, data_dir).data_dir
    if watch:
        watched(folder, lambda hub: top_view(hub.picture(), hub.reasons()))
        return

    async def act(hub: Hub) -> None:
        if as_json:
            print_json(worst_first(hub.picture().symbols.values()))
        else:
            shown = top_view(hub.picture(), hub.reasons())
            running.console_for(plain=False).print(shown)

    once(folder, act)


def quote(
    symbol: Annotated[str, typer.Argument(help="What to trade, such as BTCUSDT.")],
    side: Annotated[Literal["buy", "sell"], typer.Option("--side", help="What you would do.")],
    notional: Annotated[str, typer.Option("--notional", help="How much, in quote: 1000000.")],
    as_json: AsJson = False,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Say what a size would cost now: on each venue, on the best of them, and split over all."""
    (name,) = running.symbol_names([symbol])
    size = size_of(notional)
    folder = settings_of(config, data_dir).data_dir

    async def act(hub: Hub) -> None:
        if not hub.books_of(name):
            watched_now = ", ".join(sorted(hub.picture().symbols)[:8])
            unseen = "; ".join(hub.unseen())
            raise OperatorError(
                f"no daemon that answers watches {name} ({unseen})"
                if unseen
                else f"no daemon watches {name}",
                fix=f"Watched are {watched_now}" if watched_now else "Books are still looked up",
            )
        market, held = await market_of(hub, name, size)
        found = quote_of(hub, name, Taker(side), size, market, held)
        if as_json:
            print_json(found)
        else:
            running.console_for(plain=False).print(quote_table(found))

    once(folder, act)


def size_of(text: str) -> Decimal:
    """Read an amount of quote: 1000000, 1_000_000, 1,000,000, 250k, 1.5M. Raises `OperatorError`."""
    size = scaled(text.strip().replace(",", "").replace("_", ""))
    if size is not None and size.is_finite() and size > LARGEST:
        raise OperatorError(
            f"--notional {text!r} is more than there is a price for",
            fix=f"Ask for {figures.price(LARGEST)} at most",
        )
    if size is None or not is_amount(size) or not 0 < size <= LARGEST:
        raise OperatorError(
            f"--notional {text!r} is no amount of quote",
            fix="Write it like 1000000, 250k or 1.5M",
        )
    return size
