"""The dead man's switch: somebody else is told that we live, and pages when that stops.

Once a minute an address of the user's choice is asked for (healthchecks.io, Dead Man's Snitch, an
Alertmanager's watchdog receiver). Nothing is made up for later: an old sign of life is none.
"""

import asyncio
from collections.abc import Callable

import aiohttp
import structlog

from .guard import Forbidden, Guard
from .http import UNSENT, session_for
from .secrecy import Discretion
from .spelling import Service, Spelled, plainly

DEADLINE_S = 10.0

log = structlog.get_logger()


class DeadMan:
    """Tells that we live as long as `healthy` says so. `sent` counts, `said` is the last failure."""

    def __init__(
        self, to: Spelled, guard: Guard, healthy: Callable[[], bool], *, every_s: float = 60.0
    ) -> None:
        if to.service is not Service.WEBHOOK:
            raise ValueError("must be an https:// address")
        self._to = to
        self._guard = guard
        self._healthy = healthy
        self._every_s = every_s
        self._discretion = Discretion(to.written)
        self.sent = 0
        self.said: str | None = None

    async def run(self) -> None:
        """Ask for the address again and again, until cancelled."""
        loop = asyncio.get_running_loop()
        async with session_for(self._guard) as session:
            while True:
                began = loop.time()
                self._note(await self._tell(session))
                await asyncio.sleep(max(0.0, began + self._every_s - loop.time()))

    async def _tell(self, session: aiohttp.ClientSession) -> str | None:
        """Say once that we live. Returns why not, or None."""
        try:
            if not self._healthy():
                return "the monitor is not healthy, so nobody is told that it is"
            if (wrong := plainly(self._to, self._guard.lists)) is not None:
                return wrong
            self._guard.check_literal(self._to.host)
            async with (
                asyncio.timeout(DEADLINE_S),
                session.get(self._to.url, allow_redirects=False) as answer,
            ):
                return None if answer.ok and answer.status < 300 else f"it answers {answer.status}"  # noqa: PLR2004
        except Forbidden as error:
            return f"refused by us: {error}"
        except UNSENT as error:
            return self._discretion.said(f"{type(error).__name__}: {error}")
        except Exception as crash:
            log.exception("dead_man_crashed", exc_info=crash)
            return f"a fault of ours: {type(crash).__name__}"

    def _note(self, said: str | None) -> None:
        """Tell the log when it begins to fail, when it fails in another way, and when it is over."""
        if said is None:
            self.sent += 1
            if self.said is not None:
                log.warning("dead_man_told_again")
        elif said != self.said:
            log.error("dead_man_not_told", error=said)
        self.said = said
