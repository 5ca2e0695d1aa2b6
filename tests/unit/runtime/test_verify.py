"""Tapes proved: what is found, and where it is found first."""

import gzip
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.own_tape import Run

from tidegauge.core.errors import OperatorError
from tidegauge.runtime.verify import TapeProof, verify
from tidegauge.venues import load
from tidegauge.wire.tape import Meta, TapeLine, meta_line, parse_line


def proved(path: Path, lines: list[TapeLine]) -> TapeProof:
    path.write_text("".join(f"{line.written()}\n" for line in lines), encoding="utf-8")
    return verify(path)


@pytest.mark.parametrize("venue", sorted(load()))
def test_a_sound_tape_is_good(venue: str, tmp_path: Path) -> None:
    """Of every venue: each book was told something, and nothing is wrong."""
    proof = proved(tmp_path / "x.tsv", Run(venue).live_through().lines)
    assert proof.good, proof.first
    assert proof.first is None
    assert all(book.updates for book in proof.books)
    assert {book.venue for book in proof.books} == {venue}


def altered(folder: Path, file: str, path: Path, change: Callable[[list[str]], int]) -> TapeProof:
    """Prove a recording that `change` has altered; it returns the number of the line it expects."""
    with gzip.open(folder / f"{file}.frames.tsv.gz", "rt") as text:
        lines = text.readlines()
    line = change(lines)
    path.write_text("".join(lines))
    proof = verify(path)
    assert proof.first is not None
    assert proof.first.startswith(f"{path}, line {line:,}")
    return proof


def without_one(lines: list[str]) -> int:
    """Drop one update; the next of its book is where it shows."""
    book = [n for n, line in enumerate(lines) if '"topic":"orderbook.200.BTCUSDT","ts"' in line]
    spot = [n for n in book if "/spot" in lines[n]]
    del lines[spot[100]]
    return spot[101]


def checksum_changed(lines: list[str]) -> int:
    """Turn one digit of one checksum."""
    book = [n for n, line in enumerate(lines) if '"checksum":' in line]
    at = book[len(book) // 2]
    lines[at] = re.sub(
        r'("checksum":-?\d+)(\d)', lambda m: f"{m[1]}{(int(m[2]) + 1) % 10}", lines[at]
    )
    return at + 1


def size_changed(lines: list[str]) -> int:
    """Turn a size at the touch: the book's ids are whole, only the venue's own touch tells."""
    ticks = [n for n, line in enumerate(lines) if "@bookTicker" in line]
    bid = lines[ticks[3000]].split('"b":"')[1].split('"')[0]
    at = next(
        n
        for n, line in enumerate(lines)
        if n > ticks[3000] and "@depth" in line and f'["{bid}","' in line
    )
    before, _, after = lines[at].partition(f'["{bid}","')
    lines[at] = f'{before}["{bid}","{int(after[0]) ^ 1}{after[1:]}'
    return at + 1


@pytest.mark.recorded
def test_a_missing_update_is_the_first_difference(recorded: Path, tmp_path: Path) -> None:
    """File and line of the update after it."""
    file = "bybit_v5_linear+spot_BTC_ETH_2026-08-09"
    proof = altered(recorded, file, tmp_path / "x.tsv", without_one)
    assert "found gap: expected update " in str(proof.first)
    assert sum(book.gaps for book in proof.books) == 1


@pytest.mark.recorded
@pytest.mark.parametrize(
    "file", ["okx_v5_books_2022-05-13", "kraken_v2_BTCUSD_book10_2023-07-30_first250"]
)
def test_a_wrong_checksum_is_the_first_difference(
    file: str, recorded: Path, tmp_path: Path
) -> None:
    """One digit of one checksum: it is counted, and named."""
    proof = altered(recorded, file, tmp_path / "x.tsv", checksum_changed)
    assert sum(book.checksums_bad for book in proof.books) >= 1
    values = re.search(
        r"expected the checksum the venue told, found another: (-?\d+) was told, (-?\d+) found",
        str(proof.first),
    )
    assert values is not None
    assert values[1] != values[2]


@pytest.mark.recorded
def test_a_wrong_size_at_the_touch_is_the_first_difference(recorded: Path, tmp_path: Path) -> None:
    """Nothing but the venue's own stream of best prices tells."""
    file = "binance_spot_ETHUSDT_2024-08-08"
    proof = altered(recorded, file, tmp_path / "x.tsv", size_changed)
    (book,) = proof.books
    assert (book.gaps, book.fault) == (0, None)
    assert book.touch.equal < book.touch.compared
    assert "the best bid and ask that the venue told" in str(proof.first)


def test_lines_that_were_not_recorded_are_a_fault(tmp_path: Path) -> None:
    """Nobody knows what was in them."""
    lines = Run("binance").live_through().lines
    gap = meta_line(lines[5].at, Meta.GAP, lines=7)
    proof = proved(tmp_path / "x.tsv", [*lines[:5], gap, *lines[5:]])
    assert proof.first is not None
    assert "line 6: expected every line, found 7 lines were not recorded" in proof.first


def test_a_damaged_tape_is_proved_up_to_there(tmp_path: Path) -> None:
    """What comes before is counted all the same."""
    text = Run("binance").live_through().text()
    (tmp_path / "x.tsv").write_text(text[:-20])
    proof = verify(tmp_path / "x.tsv")
    assert proof.damage is not None
    assert proof.first == proof.damage
    assert sum(book.updates for book in proof.books) > 0


def test_a_venue_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    """By a tape of ours, which names it, and by a plain one, which has nothing else on it."""
    lines = Run("binance").live_through().lines
    other = [
        parse_line(line.written().replace("binance", "elsewhere").replace("our ", ""))
        for line in lines
    ]
    damage = proved(tmp_path / "x.tsv", other).damage
    assert damage is not None
    assert "line 2: The tape is of 'elsewhere', a venue that this program does not know" in damage
    (tmp_path / "y.tsv").write_text("1\trecv\twss://elsewhere.test/\t{}\n")
    with pytest.raises(OperatorError, match="No venue we know"):
        verify(tmp_path / "y.tsv")
