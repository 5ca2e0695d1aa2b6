"""The dashboard against a stand-in for the API over real sockets, in a terminal that is not there."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from tests.support.dashboards import LARGE, looking
from tests.support.database import until
from tests.support.pictured import WHY
from tests.support.standing_api import TOKEN, StandIn, standing_in, stored_history
from textual.widgets import Input

from tidegauge.core.errors import OperatorError
from tidegauge.faces.dashboard import app as app_module
from tidegauge.faces.dashboard import link as link_module
from tidegauge.faces.dashboard.access import Access
from tidegauge.faces.dashboard.dialogs import HelpDialog, OrderDialog, SymbolDialog
from tidegauge.faces.dashboard.sheet import Sheet


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw often, try again soon, and think an API dead soon."""
    monkeypatch.setattr(app_module, "DRAW_S", 0.05)
    monkeypatch.setattr(link_module, "FIRST_PAUSE", 50_000_000)
    monkeypatch.setattr(link_module, "LONGEST_PAUSE", 100_000_000)
    monkeypatch.setattr(link_module, "SILENT_AFTER_S", 1.0)


async def test_each_page_shows_its_panels_and_the_first_shows_all_where_there_is_room() -> None:
    """At 80 by 24 a page at a time; at 200 by 60 everything at once."""
    async with standing_in(untrusted=frozenset({"binance"})) as served:
        async with looking(served, symbol="BTCUSDT", until_live=False) as look:
            await look.sees("books", WHY)
            assert "NO NUMBERS: stale" in await look.sees("ladder-a", WHY)
            pages = {
                "1": ("ladder-a", "ladder-b", "books"),
                "2": ("measures-a", "measures-b"),
                "3": ("divergence", "score"),
                "4": ("feeds",),
                "5": ("desk",),
            }
            panels = {panel for each in pages.values() for panel in each}
            for key, wanted in pages.items():
                await look.press(key)
                assert {each for each in panels if look.shown(each)} == set(wanted)
                await until(lambda wanted=wanted: min(map(look.long, wanted)) > 100)  # type: ignore[misc]
        async with looking(served, LARGE, until_live=False) as look:
            await until(lambda: all(len(look.text(panel)) > 100 for panel in panels))
            assert all(map(look.shown, panels))
            await until(lambda: look.text("ladder-b").count("ask ") == 20)
            assert look.text("ladder-b").count("bid ") == 20


async def test_only_what_changed_is_written() -> None:
    """Numbers that stand still cost nothing."""
    async with standing_in() as served, looking(served, LARGE) as look:
        sheet = look.app.board.query_one("#books", Sheet)
        await until(lambda: sheet.written > 20)
        served.frozen = True
        await until(lambda: served.step > 0)
        look.app.look()
        look.app.look()
        before = {each: each.written for each in look.app.board.query(Sheet)}
        look.app.look()
        changed = [each.id for each, count in before.items() if each.written != count]
        assert changed == []


async def test_another_symbol_is_chosen_by_a_part_of_its_name_or_by_the_next() -> None:
    """The API is asked for its books; what is shown is of it."""
    async with standing_in() as served, looking(served) as look:
        await look.press("slash", "e", "t", "h", "enter")
        await look.sees("ladder-a", "ETHUSDT")
        assert served.subscriptions[-1] == {"symbols": ["ETHUSDT"], "ladders": 20}
        await look.press("n")
        await look.sees("ladder-a", "BTCUSDT")
        await look.press("slash")
        assert isinstance(look.dialog, SymbolDialog)
        await look.press("escape")
        assert look.dialog is None


async def test_the_ladders_venues_are_chosen() -> None:
    """One key a ladder."""
    async with standing_in() as served, looking(served) as look:
        await look.press("v")
        await look.sees("ladder-a", "A bybit-linear")
        await look.press("V")
        await look.sees("ladder-b", "B bybit-spot")
        assert "A bybit-linear" in look.text("books")


async def test_pausing_and_scrubbing_are_always_marked_as_not_live() -> None:
    """Back in what was seen, further back in what the database has, and live again."""
    async with standing_in(history=stored_history()) as served, looking(served) as look:
        await until(lambda: len(look.app.viewer.past.stored) == 6)
        await look.press("p")
        await look.sees("head", "NOT LIVE")
        assert "PAUSED, NOT LIVE" in look.text("notice")
        before = look.text("ladder-a")
        step = served.step
        await until(lambda: served.step > step + 20)
        look.app.look()
        assert look.text("ladder-a") == before
        await look.press("left_square_bracket")
        await look.sees("notice", "of the database")
        assert "no levels" in look.text("ladder-a")
        assert "63," in look.text("books")
        await look.press("p")
        await look.sees("head", "● LIVE")
        assert look.text("notice").strip() == ""


async def test_it_is_light_or_dark_as_one_likes_and_helps() -> None:
    """The help says what each key does."""
    async with standing_in() as served, looking(served) as look:
        await look.press("t")
        assert not look.app.current_theme.dark
        await look.press("t", "question_mark")
        assert isinstance(look.dialog, HelpDialog)
        await look.press("escape", "5")
        assert look.shown("desk")


async def test_an_incident_is_acknowledged_and_what_came_of_it_is_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With whose shell it is; the dialog stays until somebody has read it."""
    monkeypatch.setenv("USER", "ann")
    async with standing_in() as served, looking(served) as look:
        await look.press("a")
        assert isinstance(look.dialog, OrderDialog)
        look.write("comment", "mine")
        await look.press("3", "0", "enter")
        assert "✔ DONE: done by it" in await look.told()
        body = {"comment": "mine", "until_s": 1800.0, "by": "ann"}
        assert served.orders == [("/incidents/INC-1/acknowledge", body)]
        await look.press("enter")
        assert look.dialog is None


async def test_a_refusal_is_told_in_its_own_words_and_can_be_tried_again() -> None:
    """Escaped, whatever it is; nothing of it is understood as markup."""
    refusal = {"detail": "ann has it \x1b[2J[bold]"}
    async with standing_in(answer=(409, refusal)) as served, looking(served) as look:
        await look.press("x")
        look.write("comment", "over")
        await look.press("enter")
        told = await look.told()
        assert "✖ REFUSED: ann has it \\x1b[2J[bold]" in told
        assert "Enter tries again" in told
        served.answer = (202, {"done": False, "waits": True, "said": "no daemon yet"})
        await look.press("enter")
        await until(lambda: len(served.orders) == 2)
        await until(lambda: "◌ WAITS: no daemon yet" in look.said)
        assert served.orders[1][1]["comment"] == "over"


async def test_a_silence_and_a_comment_ask_for_what_they_need() -> None:
    """What is proposed can be changed; without words nothing is sent."""
    async with standing_in() as served, looking(served) as look:
        await look.press("c", "enter")
        assert "REFUSED: the comment is empty" in await look.told()
        assert served.orders == []
        await look.press("escape", "s")
        proposed = {each.id: each.value for each in look.app.screen.query(Input)}
        assert proposed["field-symbols"] == "BTCUSDT"
        assert proposed["field-signals"] == "liquidity_crunch"
        look.write("comment", "maintenance")
        await look.press("enter")
        assert "✔ DONE" in await look.told()
        assert served.orders[0][0] == "/silences"


async def test_an_order_to_an_api_that_left_says_that_it_may_have_been_carried_out() -> None:
    """Nobody knows what became of it."""
    async with standing_in() as served, looking(served) as look:
        await look.press("c")
        look.write("comment", "seen")
        await served.stop()
        await look.press("enter")
        assert "FAILED: it may or may not have been carried out" in await look.told()


async def test_a_lost_connection_is_told_with_its_reason_and_comes_back_by_itself() -> None:
    """What is below is of then, and says so."""
    async with standing_in() as served, looking(served) as look:
        await served.stop()
        await look.sees("notice", "REFUSED")
        assert "✖ DISCONNECTED" in look.text("head")
        assert "BELOW IS OF" in look.text("notice")
        await served.start()
        await look.sees("head", "● LIVE")


async def test_a_refusal_says_why_until_it_is_lifted() -> None:
    """Then it goes on by itself."""
    refusals = {
        401: "the token is WRONG",
        403: "refuses us",
        421: "serve.allowed_hosts",
        404: "WRONG VERSION",
        429: "too many clients",
        503: "serve.streams",
        307: "the API answers 307",
        599: "the API answers 599",
    }
    async with standing_in() as served, looking(served, LARGE, until_live=False) as look:
        for status, why in refusals.items():
            served.refuses = status
            for each in list(served.streams):
                await each.close()
            await look.sees("notice", why)
        served.refuses = None
        await look.sees("head", "● LIVE")


async def test_a_wrong_token_is_told_and_not_shown() -> None:
    """The right one, once it is in the file, opens."""
    tokens = ["not-the-token"]
    async with standing_in() as served:
        access = lambda: Access(served.url, tokens[-1])  # noqa: E731
        async with looking(served, access=access, until_live=False) as look:
            notice = await look.sees("notice", "the token is WRONG")
            assert "not-the-token" not in notice
            tokens.append(TOKEN)
            await look.sees("head", "● LIVE")


async def test_no_tokens_yet_is_waited_for() -> None:
    """As when the monitor starts at the same moment."""
    ready: list[bool] = []

    def access() -> Access:
        if not ready:
            raise OperatorError("There are no tokens in data", fix="wait")
        return Access(served.url, TOKEN)

    async with (
        standing_in() as served,
        looking(served, access=access, until_live=False) as look,
    ):
        await look.sees("notice", "There are no tokens in data")
        ready.append(True)
        await look.sees("head", "● LIVE")


async def test_an_api_that_says_nothing_is_slow_and_one_that_says_nothing_new_is_old() -> None:
    """A stream that stands is left for a new one."""
    async with standing_in(silent=True) as served, looking(served, until_live=False) as look:
        await look.sees("notice", "SLOW")
        served.silent = False
        await look.sees("head", "● LIVE")
        served.frozen = True
        await look.sees("notice", "SLOW")


async def test_what_is_no_api_is_told() -> None:
    """Something answers, and it is no HTTP."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(b"220 mail ready\r\n")
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        access = lambda: Access(url, TOKEN)  # noqa: E731
        async with looking(StandIn(), access=access, until_live=False) as look:
            await look.sees("notice", "WRONG PROGRAM")


def _lacks_a_field(document: dict[str, Any]) -> None:
    for book in document["picture"]["books"].values():
        if book["venue"] == "binance":
            del book["trust"]


def _tells_more(document: dict[str, Any]) -> None:
    for book in document["picture"]["books"].values():
        book["mood"] = "\x1b[31mgood"


def _is_later(document: dict[str, Any]) -> None:
    document["picture"]["daemons"]["4711"]["version"] = "9.9.9"


@pytest.mark.parametrize(
    ("spoil", "said", "books"),
    [(_lacks_a_field, "ANOTHER VERSION", 5), (_tells_more, "mood", 6), (_is_later, "9.9.9", 6)],
)
async def test_an_api_of_another_version_is_named_and_shown_as_far_as_it_goes(
    spoil: Callable[[dict[str, Any]], None], said: str, books: int
) -> None:
    """It keeps running, and what can be read is live."""
    async with standing_in(spoil=spoil) as served, looking(served) as look:
        await look.sees("notice", said)
        await until(lambda: look.text("books").count("● live") == books)


async def test_an_api_that_speaks_another_language_is_named_and_tried_again() -> None:
    """A picture without its time is none; it comes back with one that has it."""

    def spoil(document: dict[str, Any]) -> None:
        document["picture"]["at"] = 7

    async with standing_in(spoil=spoil) as served, looking(served, until_live=False) as look:
        await look.sees("notice", "WRONG VERSION: it sent a picture without its time")
        served.spoil = None
        await look.sees("head", "● LIVE")


async def test_what_the_api_tells_cannot_steer_the_terminal() -> None:
    """Names, reasons and sentences with control sequences and markup are shown escaped."""
    odd = "\x1b[2J[blink]\u202ex"

    def spoil(document: dict[str, Any]) -> None:
        picture = document["picture"]
        for book in picture["books"].values():
            if book["venue"] == "binance":
                book.update(trust="stale", reason=odd)
        for alert in picture["alerts"].values():
            alert["sentence"] = odd
        for incident in picture["incidents"].values():
            incident.update(trigger=odd, acknowledged_by=odd, id=odd)
        for venue in picture["venues"].values():
            venue.update(health=odd, quarantined=odd)

    async with standing_in(spoil=spoil) as served, looking(served, LARGE, until_live=False) as look:
        await look.sees("books", "\\x1b[2J[blink]")
        everything = "".join(each.text for each in look.app.board.query(Sheet))
        assert not set(everything) & {"\x1b", "\u202e"}
        await look.press("a")
        assert isinstance(look.dialog, OrderDialog)
