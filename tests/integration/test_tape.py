"""Tapes from outside: recorded runs, the `tape` commands, and the recordings' own manifest."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from tests.support.apps import settings_for
from tests.support.cli import Told, tidegauge
from tests.support.database import until

from tidegauge.core.instrument import SECOND
from tidegauge.core.trust import Trust
from tidegauge.runtime.app import App, Assignment
from tidegauge.runtime.control import Request, ask
from tidegauge.runtime.local_venues import LocalVenues
from tidegauge.runtime.plans import monitor_plan
from tidegauge.runtime.recorder import Limits, Recorder
from tidegauge.runtime.recording import recorded_app, recording
from tidegauge.runtime.replay import replay
from tidegauge.runtime.rules.load import load_rules
from tidegauge.runtime.settings import Endpoint, Settings
from tidegauge.runtime.tape_file import tapes_in
from tidegauge.runtime.verify import verify

VENUES = ("binance", "bybit-linear", "hyperliquid")
SHORT = Limits(part_span=3 * SECOND, least_span=SECOND)


async def test_a_symbol_that_came_while_it_ran_is_verified(tmp_path: Path) -> None:
    """Its book is told, checksums and all, before its feed takes over from the one in service."""
    recorder = Recorder(tmp_path / "tapes")
    async with LocalVenues(venues=("kraken",), symbols=("BTCUSDT", "ETHUSDT")) as local:
        settings = settings_for(local.endpoints, tmp_path)
        assignment = Assignment(
            symbols=("BTCUSDT",), venues=("kraken",), store=False, duration_s=60, command="test"
        )
        app = recorded_app(settings, assignment, recorder)
        async with app.opened(), recording(app, recorder), asyncio.TaskGroup() as group:
            running = group.create_task(app.run())
            await until(lambda: len(app.view().books) == 1 and all_live(app))
            await asyncio.to_thread(ask, tmp_path, Request("add", ("ETHUSDT",)))
            await until(lambda: len(app.view().books) == 2 and all_live(app))
            app.stop.set()
            await running
    (tape,) = tapes_in([tmp_path / "tapes"])
    proof = await asyncio.to_thread(verify, tape)
    assert proof.good, proof.first
    assert {book.instrument for book in proof.books} == {"BTC/USDT", "ETH/USDT"}
    assert all(book.checksums_ok for book in proof.books)


def all_live(app: App) -> bool:
    return all(book.trust is Trust.LIVE for book in app.view().books)


async def record(folder: Path) -> Settings:
    """Monitor local venues until two parts are whole, of three seconds each."""
    recorder = Recorder(folder / "tapes", limits=SHORT)
    async with LocalVenues(venues=VENUES) as local:
        settings = Settings(
            venues=VENUES,
            data_dir=folder / "data",
            endpoints={
                venue: Endpoint(ws_url=at.ws_url, rest_url=at.rest_url)
                for venue, at in local.endpoints.items()
            },
        )
        assignment = Assignment(
            symbols=("BTCUSDT",), venues=VENUES, store=False, duration_s=60, command="test"
        )
        app = recorded_app(settings, assignment, recorder)
        async with app.opened(), recording(app, recorder), asyncio.TaskGroup() as group:
            running = group.create_task(app.run())
            await until(lambda: len(list((folder / "tapes").iterdir())) > 2, 60)
            app.stop.set()
            await running
        assert app.crashes == 0
    return settings


async def test_a_recorded_run_is_replayed_to_the_last_bit(tmp_path: Path) -> None:
    """Real sockets; in parts, each of which plays by itself, and all of which verify and can be cut."""
    settings = await record(tmp_path)
    rules = load_rules(None, settings)
    plan, folder = monitor_plan(settings, rules.rules), tmp_path / "tapes"
    parts = sorted(folder.iterdir())
    assert len(parts) >= 2
    whole = await asyncio.to_thread(replay, folder, plan)
    assert (whole.damage, whole.incomparable, whole.equal) == (None, None, True)
    assert {book.venue for book in whole.books} == set(VENUES)
    assert {book.symbol for book in whole.books} == {"BTCUSDT"}
    second = await asyncio.to_thread(replay, parts[1], plan)
    assert (second.damage, second.equal, second.gaps) == (None, None, 0)
    assert {book.trust for book in second.books} == {"live"}
    assert second.readings > 10

    def run(*arguments: object) -> Told:
        told = tidegauge(*map(str, arguments), cwd=tmp_path)
        assert (told.code, told.err) == (0, "")
        return told

    (proof,) = json.loads((await asyncio.to_thread(run, "tape", "verify", folder, "--json")).out)
    assert [book["gaps"] for book in proof["books"]] == [0, 0, 0]
    assert "equal to the live run" in (await asyncio.to_thread(run, "replay", folder)).out
    info = (await asyncio.to_thread(run, "tape", "info", parts[0])).out
    assert "hyperliquid: BTC (BTCUSDT)" in info


@pytest.mark.recorded
def test_the_folder_of_recordings_verifies_with_the_manifests_counts(
    recorded: Path, tmp_path: Path
) -> None:
    """Every file: updates, level changes, no gap, every checksum, and the touch at every update."""
    told = tidegauge("tape", "verify", str(recorded), "--json", cwd=tmp_path)
    assert (told.code, told.err) == (0, "")
    proofs = {Path(each["tape"]).name: each for each in json.loads(told.out)}
    manifest = json.loads((recorded / "manifest.json").read_text())
    files = [each for each in manifest if each["file"] in proofs]
    assert len(files) == sum(1 for _ in recorded.glob("*.gz")) == 12
    for file in files:
        found = {
            (book["instrument"], _market(book["venue"])): book
            for book in proofs[file["file"]]["books"]
        }
        assert len(found) == len(file["books"])
        for told in file["books"]:
            assert_as_told(found[told["symbol"].rpartition(".")[2], _market_of(told)], told)


def assert_as_told(book: dict[str, Any], told: dict[str, Any]) -> None:
    """The manifest's checker and ours count the same."""
    assert book["first"] is None
    assert (book["updates"], book["level_changes"]) == (told["msgs"], told["levels"])
    assert (book["gaps"], book["crossed"]) == (told["gaps"], told["crossed"])
    if "chk" in told:
        assert f"{book['checksums'][0]} ok/0 bad" == told["chk"]
    if "bbo_vs_bookTicker" in told:
        equal, compared = book["bbo"]
        assert f"{equal} equal/{compared - equal} different" == told["bbo_vs_bookTicker"]
        # Those were changes that the venue's own stream left out, and no fault of the book.
        assert book["bbo_untold"] == compared - equal


def _market(venue: str) -> str:
    return venue.removeprefix("bybit-") if venue.startswith("bybit-") else ""


def _market_of(told: dict[str, Any]) -> str:
    return str(told["market"]) if told["venue"] == "bybit" else ""
