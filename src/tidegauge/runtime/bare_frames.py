"""Files of nothing but frames (JSON, one a line): no times and no addresses.

The venue is told apart by its frames: the first that understands one. Where several do (the markets
of one family speak alike), the file's name decides, else it is taken for the spot market. Frames
are given times a millisecond apart. A REST snapshot may lie beside the file: of `x_depth.jsonl`, or
`x.jsonl`, it is `x_snapshot.json`.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain, islice
from pathlib import Path

from tidegauge.core.errors import OperatorError
from tidegauge.core.instrument import MILLISECOND, SECOND, InstrumentKind, Nanos
from tidegauge.wire.protocol import BOOK_LINK, VenueSpec
from tidegauge.wire.tape import TapeKind, TapeLine

from .tape_file import LONGEST_LINE, Damaged

START: Nanos = 86_400 * SECOND
LOOKED_AT = 50
"""Frames at the beginning that the venue is looked for in."""


def bare_frames(
    specs: Iterable[VenueSpec],
) -> Callable[[Path, Iterable[str]], Iterator[TapeLine]]:
    """Return what turns such a file into lines, for `tape_file.TapeReader`."""
    return partial(_lines, list(specs))


def _lines(specs: Sequence[VenueSpec], path: Path, texts: Iterable[str]) -> Iterator[TapeLine]:
    rest = iter(texts)
    begun = list(islice(rest, LOOKED_AT))
    spec, name = _speaker(specs, path, begun)
    conn = spec.ws_url + spec.links([]).get(BOOK_LINK, "").partition("?")[0]
    at = START
    yield TapeLine(at=at, kind=TapeKind.OPEN, conn=conn, text="")
    if (snapshot := _snapshot(path)) is not None:
        address = f"{spec.rest_url}?symbol={name}"
        yield TapeLine(at=at, kind=TapeKind.HTTP, conn=address, text=snapshot)
    for text in chain(begun, rest):
        at += MILLISECOND
        yield TapeLine(at=at, kind=TapeKind.RECV, conn=conn, text=text)


def _speaker(specs: Sequence[VenueSpec], path: Path, texts: Iterable[str]) -> tuple[VenueSpec, str]:
    """Return who sends such frames, and the first instrument they name."""
    for text in texts:
        named = {spec.name: names for spec in specs if (names := spec.named_in(text))}
        if named:
            found = [spec for spec in specs if spec.name in named]
            chosen = min(found, key=lambda spec: _likeness(spec, path.name))
            return chosen, named[chosen.name][0]
    raise OperatorError(
        f"{path} is of no venue we know", fix="`tidegauge venues` lists those that can be read"
    )


def _likeness(spec: VenueSpec, file: str) -> tuple[bool, bool]:
    """Order specs by how well the file's name fits, then spot first."""
    told = file.lower().replace("_", "-")
    return spec.name not in told, spec.kind is not InstrumentKind.SPOT


def _snapshot(path: Path) -> str | None:
    stem = path.name.partition(".")[0]
    for name in (stem.rpartition("_")[0], stem):
        beside = path.with_name(f"{name}_snapshot.json")
        if name and beside.is_file():
            if beside.stat().st_size > LONGEST_LINE:
                raise Damaged(f"{beside.name} beside it is too large")
            return beside.read_text(encoding="utf-8").strip()
    return None
