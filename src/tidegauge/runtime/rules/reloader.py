"""Has the rules of a running monitor read again when somebody asks for it (SIGHUP)."""

import asyncio
from collections.abc import Callable

import structlog

from tidegauge.core.errors import OperatorError
from tidegauge.risk.ruleset import RuleSet

from .reload import RulesInForce

log = structlog.get_logger(__name__)


class Reloader:
    """Reads one time after the other; `adopt` takes what is to be in force, `crashed` a bug of ours."""

    def __init__(
        self,
        in_force: RulesInForce | None,
        adopt: Callable[[RuleSet], None],
        crashed: Callable[[Exception], None],
    ) -> None:
        self._in_force = in_force
        self._adopt = adopt
        self._crashed = crashed
        self._reading: asyncio.Task[None] | None = None

    def reload(self) -> asyncio.Task[None]:
        """Have the rules read again, after whatever is being read now; return the reading of them."""
        before, self._reading = self._reading, None

        async def read() -> None:
            if before is not None:
                await before
            try:
                await self._read()
            except Exception as crash:
                self._crashed(crash)
                log.exception("rules_crashed", exc_info=crash)

        self._reading = asyncio.create_task(read(), name="rules")
        return self._reading

    async def _read(self) -> None:
        """Read the rules again: whole, or not at all. What is learned, and what fires, stays."""
        if self._in_force is None:
            log.warning("rules_not_reloaded", reason="the built-in rules are in force, and no file")
            return
        reloaded = await asyncio.to_thread(self._in_force.reload)
        if isinstance(reloaded, OperatorError):
            log.error("rules_refused", reason=str(reloaded), in_force="those of before")
            return
        self._adopt(reloaded.loaded.rules)
        changes = [str(change) for change in reloaded.changes]
        log.info("rules_reloaded", changes=changes, digest=reloaded.loaded.digest)
