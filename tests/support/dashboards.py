"""A dashboard that is looked at, in a terminal that is not there."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from tests.support.database import until
from tests.support.standing_api import TOKEN, StandIn
from textual.pilot import Pilot
from textual.widgets import Input, Static

from tidegauge.faces.dashboard.access import Access
from tidegauge.faces.dashboard.app import Dashboard
from tidegauge.faces.dashboard.sheet import Sheet

SMALL, LARGE = (80, 24), (200, 60)


class Look:
    """A dashboard that is looked at."""

    def __init__(self, app: Dashboard, pilot: Pilot[None]) -> None:
        self.app = app
        self.press = pilot.press

    def text(self, name: str) -> str:
        """Return what a panel shows."""
        return self.app.board.query_one(f"#{name}", Sheet).text

    def long(self, name: str) -> int:
        """Return how much a panel shows."""
        return len(self.text(name))

    def write(self, field: str, text: str) -> None:
        """Fill in a field of the dialog."""
        self.app.screen.query_one(f"#field-{field}", Input).value = text

    @property
    def dialog(self) -> object:
        """Return what is in front of the panels."""
        return None if self.app.screen is self.app.board else self.app.screen

    def shown(self, name: str) -> bool:
        """Whether a panel is on the screen."""
        sheet = self.app.board.query_one(f"#{name}", Sheet)
        return all(each.display for each in sheet.ancestors_with_self if each is not self.app)

    async def sees(self, name: str, part: str) -> str:
        """Return what a panel shows, once a part of it is there."""
        await until(lambda: part in self.text(name))
        return self.text(name)

    @property
    def said(self) -> str:
        """Return what the dialog that is open says."""
        return str(self.app.screen.query_one("#told", Static).render())

    async def told(self) -> str:
        """Return what came of the order of the dialog that is open."""
        await until(lambda: any(sign in self.said for sign in "✔✖◌"))
        return self.said


@asynccontextmanager
async def looking(
    served: StandIn,
    size: tuple[int, int] = SMALL,
    symbol: str | None = None,
    access: Callable[[], Access] | None = None,
    until_live: bool = True,
) -> AsyncIterator[Look]:
    """Look at a stand-in until the block ends."""
    app = Dashboard(access or (lambda: Access(served.url, TOKEN)), symbol)
    async with app.run_test(size=size) as pilot:
        look = Look(app, pilot)
        if until_live:
            await until(lambda: look.text("ladder-a").count("ask ") > 2)
            await look.sees("head", "● LIVE")
        yield look
