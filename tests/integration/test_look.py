"""`tidegauge status`, `top` and `quote` in processes of their own, against a daemon that runs."""

import asyncio
import json
import signal
from decimal import Decimal
from pathlib import Path

from tests.support.cli import Told, tidegauge
from tests.support.cli import running as running_command
from tests.support.database import until
from tests.support.windowed import VENUES, daemon, hub_of

from tidegauge.core.instrument import BookId
from tidegauge.core.reading import Taker
from tidegauge.risk.quoting import Market


async def told_by(folder: Path, *arguments: str) -> Told:
    """Run a command beside the daemon, in a thread of its own."""
    return await asyncio.to_thread(tidegauge, *arguments, cwd=folder)


async def test_what_runs_is_shown_as_a_table_and_as_json(tmp_path: Path) -> None:
    """The same daemons for people and for programs."""
    async with daemon(tmp_path) as app, hub_of(tmp_path):
        told = await told_by(tmp_path, "status", "--data-dir", str(tmp_path))
        assert (told.code, told.out.splitlines()[0]) == (0, "all is well")
        assert all(venue in told.out for venue in VENUES)
        status = json.loads(
            (await told_by(tmp_path, "status", "--json", "--data-dir", str(tmp_path))).out
        )
        assert (status["ready"], status["daemons"][0]["run"]) == (True, app.run_id)
        top = await told_by(tmp_path, "top", "--data-dir", str(tmp_path))
        assert (top.code, top.out.splitlines()[1].split()[0]) == (0, "BTCUSDT")
        (symbol,) = json.loads(
            (await told_by(tmp_path, "top", "--json", "--data-dir", str(tmp_path))).out
        )
        assert symbol["books"] == len(VENUES)


async def test_a_quote_is_what_the_books_say(tmp_path: Path) -> None:
    """What another process is told agrees with the daemon's own books."""
    async with daemon(tmp_path) as app, hub_of(tmp_path):
        asked = ("--side", "sell", "--notional", "100k", "--data-dir", str(tmp_path))
        told = await told_by(tmp_path, "quote", "btcusdt", *asked, "--json")
        assert told.code == 0, told.err
        quote = json.loads(told.out)
        assert (quote["symbol"], quote["side"], quote["notional"]) == ("BTCUSDT", "sell", "100000")
        assert [each["venue"] for each in quote["venues"]] == sorted(VENUES)
        books = {
            venue: book.keeper.book
            for venue in VENUES
            if (book := app.monitor.watched_book(BookId(venue, "BTCUSDT"))) is not None
        }
        now = Market(books, quotes=dict.fromkeys(VENUES, "USDT")).quote(
            Taker.SELL, Decimal(100_000)
        )
        # The market moved on meanwhile, but not by much.
        for shown, mine in zip(quote["venues"], now.venues, strict=True):
            assert mine.average is not None
            assert abs(shown["average"] / mine.average - 1) < 0.01
        table = await told_by(tmp_path, "quote", "BTCUSDT", *asked)
        assert table.out.startswith("selling 100,000 USDT of BTCUSDT")
        assert "split over all" in table.out
        assert "from each venue's own mid" in table.out


async def test_what_cannot_be_answered_says_what_to_do(tmp_path: Path) -> None:
    """One line, and exit code 1."""
    nobody = await told_by(tmp_path, "status", "--data-dir", str(tmp_path))
    assert nobody.code == 1
    assert "tidegauge monitor" in nobody.complaints[0]
    async with daemon(tmp_path), hub_of(tmp_path):
        asked = ("--side", "sell", "--notional", "1M", "--data-dir", str(tmp_path))
        unknown = await told_by(tmp_path, "quote", "NOPE", *asked)
        assert unknown.complaints == [
            "tidegauge: no daemon watches NOPE. Watched are BTCUSDT",
        ]


async def test_a_watch_is_drawn_anew_until_it_is_told_to_stop(tmp_path: Path) -> None:
    """Which is no failure: exit 0."""
    async with daemon(tmp_path), hub_of(tmp_path):
        command = ("top", "--watch", "--data-dir", str(tmp_path))
        async with running_command(*command, cwd=tmp_path) as watching:
            await until(lambda: "".join(watching.out).count("BTCUSDT") > 1)
            watching.signal(signal.SIGINT)
            told = await watching.ended()
        assert (told.code, told.complaints) == (0, [])
