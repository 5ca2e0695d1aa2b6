"""The quick way to the row of an ordinary reading: one `struct` for all of it, and no loop.

A loop over bands and fills costs three times what packing their numbers does. So for each (bands,
fills, sizes) a function is made of text, once, as `dataclasses` makes `__init__`: nothing but those
three counts enters it. The lengths between the values are constant bytes, which are all but free.
"""

import struct
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any, TypeAlias

from tidegauge.core.reading import Origin, Reading

from .binary import EIGHT, FLOAT8, FOUR, INT8, NULL, Y2000, array, array_head
from .reading_row import flags_of, fractions, marks

Quick: TypeAlias = Callable[[Reading, Origin, tuple[Any, ...], bytes], bytes | None]
"""Takes a reading, its origin, what its series was asked, and the row as far as the series.

Returns None for a reading of another series, or with an unknown among its single values. Raises
`struct.error` for an integer that does not fit, and `ValueError` for another number of parts.
"""

MARKS_KEPT = 1000

SOURCE = """
def quick(reading, origin, asked, prefix):
    [{bands}] = reading.bands
    [{fills}] = reading.fills
    [{sizes}] = reading.max_sizes
    if ({asked}) != asked:
        return None
    taken, venue_time, latency = origin.received_at, origin.venue_time, origin.latency
    bid_ticks, bid_units = reading.bid_ticks, reading.bid_units
    ask_ticks, ask_units = reading.ask_ticks, reading.ask_units
    microprice, spread, imbalance = reading.microprice, reading.spread_bps, reading.imbalance
    if ({unknown}):
        return None
    pack, marks, tail = pack_whole, sound_marks, nulls
    if not ({sound}):
        marks, partial = marked(({flags}), reading)
        if partial:
            pack, tail = pack_partial, fractions(reading) + null
    return pack({arguments})
"""

SCALARS = (
    *(("q", "taken"), ("q", f"(taken - {Y2000}) // 1000"), ("q", "origin.epoch")),
    *(("q", "origin.frame"), ("q", "origin.sequence"), ("q", "origin.feed_age")),
    *(("i", "reading.bid_levels"), ("i", "reading.ask_levels")),
    *(("q", f"(venue_time - {Y2000}) // 1000"), ("q", "latency")),
    *(("q", "bid_ticks"), ("q", "bid_units"), ("q", "ask_ticks"), ("q", "ask_units")),
    *(("d", "microprice"), ("d", "spread"), ("d", "imbalance")),
)
"""The single columns after the series, as `rows.READINGS` has them."""

UNKNOWABLE = (
    *("venue_time", "latency", "bid_ticks", "bid_units", "ask_ticks", "ask_units"),
    *("microprice", "spread", "imbalance"),
)


@cache
def quick_encoder(bands: int, fills: int, sizes: int) -> Quick:
    """Return the function for readings of so many bands, fills and maximal sizes."""
    counts = (2 * bands, fills, fills, sizes)
    sound_marks = marks([(False,) * count for count in counts])
    form, arguments = _packing(bands, fills, sizes)
    form += f"{len(sound_marks)}s"
    fractions_size = len(array(FLOAT8, [EIGHT + bytes(8)] * fills))
    names: dict[str, Any] = {
        "pack_whole": struct.Struct(f"{form}8s").pack,
        "pack_partial": struct.Struct(f"{form}{fractions_size + len(NULL)}s").pack,
        "nulls": NULL + NULL,
        "null": NULL,
        "sound_marks": sound_marks,
        "marked": _Marked(),
        "fractions": fractions,
    }
    exec(_source(bands, fills, sizes, arguments), names)  # noqa: S102 - counts and our own names
    quick: Quick = names["quick"]
    return quick


def _source(bands: int, fills: int, sizes: int, arguments: Sequence[str]) -> str:
    asked = ["origin.instrument", "reading.scales"]
    asked += _each("b", bands, ("bps", "scales"))
    asked += _each("f", fills, ("taker", "notional", "scales"))
    asked += _each("m", sizes, ("taker", "bps", "scale"))
    good = [*_each("b", bands, ("bid_complete", "ask_complete")), *_each("f", fills, ("filled",))]
    bad = [*_each("f", fills, ("floor",)), *_each("m", sizes, ("floor",))]
    return SOURCE.format(
        bands=", ".join(f"b{n}" for n in range(bands)),
        fills=", ".join(f"f{n}" for n in range(fills)),
        sizes=", ".join(f"m{n}" for n in range(sizes)),
        asked=", ".join(asked),
        unknown=" or ".join(f"{name} is None" for name in UNKNOWABLE),
        sound=" and ".join(("True", *good, *(f"not {flag}" for flag in bad))),
        flags="".join(f"{flag}, " for flag in (*good, *bad)),
        arguments=", ".join((*arguments, "marks", "tail")),
    )


def _packing(bands: int, fills: int, sizes: int) -> tuple[str, list[str]]:
    """Return the format up to the marks, and what goes into it."""
    pieces: list[tuple[str, str] | bytes] = []
    for code, expression in SCALARS:
        pieces += (FOUR if code == "i" else EIGHT, (code, expression))
    sums = ("bid_base_units", "bid_quote_units", "ask_base_units", "ask_quote_units")
    for code, oid, expressions in (
        ("q", INT8, _each("b", bands, sums)),
        ("d", FLOAT8, _each("f", fills, ("cost_bps",))),
        ("d", FLOAT8, _each("f", fills, ("base",))),
        ("q", INT8, _each("f", fills, ("worst_ticks",))),
        ("q", INT8, _each("m", sizes, ("units",))),
    ):
        count = len(expressions)
        pieces.append(array_head(oid, count, 12 * count) if count else array(oid, ()))
        for expression in expressions:
            pieces += (EIGHT, (code, expression))
    form, arguments = ">14s", ["prefix"]
    for piece in _merged(pieces):
        if isinstance(piece, bytes):
            form += f"{len(piece)}s"
            arguments.append(repr(piece))
        else:
            form += piece[0]
            arguments.append(piece[1])
    return form, arguments


def _merged(pieces: Sequence[tuple[str, str] | bytes]) -> Iterator[tuple[str, str] | bytes]:
    """Join constants that follow each other."""
    held = b""
    for piece in pieces:
        if isinstance(piece, bytes):
            held += piece
            continue
        if held:
            yield held
        held = b""
        yield piece
    if held:
        yield held


def _each(letter: str, count: int, fields: Sequence[str]) -> list[str]:
    return [f"{letter}{n}.{field}" for n in range(count) for field in fields]


class _Marked:
    """The columns of bits for flags that were met before, and whether a fill was partial."""

    __slots__ = ("_met",)

    def __init__(self) -> None:
        self._met: dict[tuple[bool, ...], tuple[bytes, bool]] = {}

    def __call__(self, flags: tuple[bool, ...], reading: Reading) -> tuple[bytes, bool]:
        met = self._met.get(flags)
        if met is None:
            if len(self._met) >= MARKS_KEPT:
                self._met.clear()
            told = flags_of(reading)
            met = self._met[flags] = marks(told), any(told[1])
        return met
