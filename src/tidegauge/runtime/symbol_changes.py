"""Symbols that come and go while the monitor runs."""

from collections.abc import Awaitable, Callable, Sequence

import structlog

from tidegauge.core.errors import OperatorError
from tidegauge.core.instrument import Symbol

from .control import Request
from .settings import Settings, SymbolSettings
from .storage import Storage
from .venue import Venue

log = structlog.get_logger(__name__)

NOWHERE = "nowhere"
"""Of a symbol that no venue has a book of now."""


class SymbolChanges:
    """Adds and removes symbols of a run. `symbols` and `venues` are the run's own, and change here;
    `storage` is asked for when it is needed, as it opens later."""

    def __init__(
        self,
        settings: Settings,
        symbols: dict[Symbol, SymbolSettings],
        venues: list[Venue],
        storage: Callable[[], Storage | None],
    ) -> None:
        self._settings = settings
        self._symbols = symbols
        self._venues = venues
        self._storage = storage

    async def asked(self, request: Request) -> list[str]:
        """Do what somebody asked of us while we run. Raises `OperatorError`."""
        match request.do:
            case "add":
                return await _one_by_one(self.add, request.symbols)
            case "remove":
                return await _one_by_one(self.remove, request.symbols)
        return [f"{name}: {self._watched(name)}" for name in self._symbols]

    def _watched(self, symbol: Symbol) -> str:
        ids = (keeper.id for venue in self._venues for keeper in venue.keepers)
        return ", ".join(id_.venue for id_ in ids if id_.symbol == symbol) or NOWHERE

    async def add(self, symbol: Symbol) -> str:
        """Watch one more symbol. Raises `OperatorError` if no venue lists it, or another daemon
        that stores into the same database watches it."""
        storage = self._storage()
        if storage is not None:
            await storage.leases.add([symbol])
        settings = self._settings.symbols.get(symbol, SymbolSettings())
        found = {venue.spec.name: venue.add(symbol, settings) for venue in self._venues}
        listed = [f"{venue} ({name})" for venue, name in found.items() if name is not None]
        if not listed:
            await self._release(symbol)
            raise OperatorError(
                f"No venue lists the symbol {symbol}",
                fix="Map it to each venue's instrument under `symbols:` in config/settings.yaml",
            )
        self._symbols[symbol] = settings
        log.info("symbol_added", symbol=symbol, listed=listed)
        return f"{symbol}: watching on {', '.join(listed)}"

    async def remove(self, symbol: Symbol) -> str:
        """Watch a symbol no more. Raises `OperatorError` if it is not watched."""
        if self._symbols.pop(symbol, None) is None:
            raise OperatorError(
                f"{symbol} is not watched", fix="`tidegauge symbols list` says what is"
            )
        gone = [venue.spec.name for venue in self._venues if venue.remove(symbol)]
        await self._release(symbol)
        log.info("symbol_removed", symbol=symbol, venues=gone)
        return f"{symbol}: let go on {', '.join(gone) or 'no venue'}"

    async def _release(self, symbol: Symbol) -> None:
        """Let another daemon watch a symbol, unless we still do."""
        storage = self._storage()
        if storage is not None and symbol not in self._symbols:
            await storage.leases.drop([symbol])


async def _one_by_one(
    do: Callable[[Symbol], Awaitable[str]], symbols: Sequence[Symbol]
) -> list[str]:
    """Do it for each symbol; an error says what was done before it, as that stays done."""
    said: list[str] = []
    for symbol in symbols:
        try:
            said.append(await do(symbol))
        except OperatorError as error:
            what = f"{error.what} (done before that: {'; '.join(said)})" if said else error.what
            raise OperatorError(what, fix=error.fix) from None
    return said
