"""Tapes as files: plain, gzip or zstd, told apart by their first bytes.

Reading is bounded: whatever a file expands to, a few megabytes of it are held at a time, and a line
may not grow past `LONGEST_LINE`. What cannot be read is an `OperatorError` with file, line and byte;
all lines before it have been given out by then.
"""

import gzip
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

import zstandard

from tidegauge.core.errors import MalformedFrame, OperatorError
from tidegauge.core.instrument import SECOND, Nanos
from tidegauge.wire.tape import FORMAT, TapeKind, TapeLine, parse_line

GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
PLAIN_CHUNK = 128 * 1024
PACKED_CHUNK = 512
"""Four bytes of zstd may stand for 128 KiB: so much of it becomes 16 MiB at most."""
LONGEST_LINE = 64 * 1024 * 1024
"""Four times the longest frame that any venue may send."""
WIDEST_WINDOW = 32 * 1024 * 1024
MOST_EXPANDED = 500
"""Recorded frames shrink to a tenth, the most repetitive of them to a fiftieth."""
ALWAYS_EXPANDED = 64 * 1024 * 1024
BACKWARDS: Nanos = 60 * SECOND
"""Lines stand in the order in which they were acted upon: a busy minute may disorder their times."""

OUTPUT_BYTES = 1024 * 1024
SUFFIXES = (".tsv", ".tsv.gz", ".tsv.zst", ".tape.zst", ".jsonl")
"""What counts as a tape inside a folder. A tape that is named may be called anything."""

REMEDY = "What comes before it can be used: `tidegauge tape cut` makes a tape of it"


class Damaged(Exception):
    """The bytes of a file are not what was once written; the message says how."""


def tapes_in(paths: Iterable[Path]) -> list[Path]:
    """Return the files that are meant, those of a folder in the order of their names.

    Raises `OperatorError` for what is not there, and for a folder without tapes.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = [each for each in sorted(path.rglob("*")) if each.name.endswith(SUFFIXES)]
            if not inside:
                raise OperatorError(
                    f"There is no tape in {path}",
                    fix=f"A tape's name ends in {', '.join(SUFFIXES)}",
                )
            found += inside
        elif path.exists():
            found.append(path)
        else:
            raise OperatorError(f"There is no tape {path}", fix="Check the path")
    return found


class Reader(Protocol):
    """An iterator over lines that knows where it is."""

    path: Path
    number: int

    def __iter__(self) -> Iterator[TapeLine]: ...


class TapeReader:
    """The lines of one file. `number` is that of the last line given out, from 1.

    `bare` turns a file of bare frames (JSON, one a line, without times) into lines; without it such
    a file is no tape.
    """

    def __init__(
        self, path: Path, bare: Callable[[Path, Iterable[str]], Iterator[TapeLine]] | None = None
    ) -> None:
        self.path = path
        self.number = 0
        self._bare = bare
        self._source: _Source | None = None

    def __iter__(self) -> Iterator[TapeLine]:
        """Iterate over the lines. Raises `OperatorError` where it cannot go on."""
        self.number = 0
        try:
            with self.path.open("rb") as file:
                self._source = source = _Source(file)
                yield from self._lines(source)
        except FileNotFoundError:
            raise OperatorError(f"There is no tape {self.path}", fix="Check the path") from None
        except (Damaged, MalformedFrame) as error:
            raise self._refusal(str(error)) from None
        except OSError as error:
            raise self._refusal(error.strerror or str(error)) from None

    def _refusal(self, why: str) -> OperatorError:
        byte = self._source.position if self._source is not None else 0
        where = f"line {self.number + 1:,}: {why} (before byte {byte:,} of the file)"
        if self.number == 0:
            return OperatorError(
                f"{self.path} is not a tape: {where}",
                fix="A tape has four columns, separated by tabs: time in ns, kind, address, text",
            )
        return OperatorError(f"{self.path} is damaged: {where}", fix=REMEDY)

    def _lines(self, source: "_Source") -> Iterator[TapeLine]:
        texts = _whole_lines(source)
        first = next(texts, None)
        if first is None:
            raise Damaged("it is empty")
        if first.startswith("{") and self._bare is not None:
            yield from self._bare(self.path, self._counted(first, texts))
            return
        latest: Nanos = 0
        for text in _chained(first, texts):
            line = parse_line(text)
            if line.at < latest - BACKWARDS:
                back = (latest - line.at) / SECOND
                raise Damaged(f"the time goes back by {back:,.0f} s")
            latest = max(latest, line.at)
            if line.kind is TapeKind.META:
                self._check_meta(line)
            self.number += 1
            yield line

    def _counted(self, first: str, texts: Iterator[str]) -> Iterator[str]:
        for text in _chained(first, texts):
            yield text
            self.number += 1

    def _check_meta(self, line: TapeLine) -> None:
        """Refuse what a later version of this program wrote, rather than misread it."""
        facts = line.facts
        if facts.get("format", FORMAT) > FORMAT:
            raise OperatorError(
                f"{self.path}, line {self.number + 1:,}: it is of format {facts['format']}, "
                f"and this program reads up to {FORMAT}",
                fix=f"Read it with Tidegauge {facts.get('program', 'of a later version')}",
            )


def _chained(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def _whole_lines(source: "_Source") -> Iterator[str]:
    begun: list[bytes] = []
    length = 0
    for chunk in source:
        *whole, tail = chunk.split(b"\n")
        if whole:
            whole[0] = b"".join((*begun, whole[0]))
            begun, length = [], 0
            for each in whole:
                yield _text(each)
        begun.append(tail)
        length += len(tail)
        if length > LONGEST_LINE:
            raise Damaged(f"a line longer than {LONGEST_LINE // 1024**2} MiB")
    if length:
        raise Damaged("it ends in the middle of a line")


def _text(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        raise Damaged(f"text that is not UTF-8: {error.reason}") from None


# -- containers --------------------------------------------------------------------------------------


class _Source:
    """The decompressed bytes of an open file, in pieces of bounded size. Raises `Damaged`."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.position = 0

    def __iter__(self) -> Iterator[bytes]:
        start = self._file.read(len(ZSTD_MAGIC))
        self._file.seek(0)
        if start.startswith(GZIP_MAGIC):
            return self._expanding(_gunzipped(self._read(PLAIN_CHUNK)))
        if start == ZSTD_MAGIC:
            return self._expanding(_unzstd(self._read(PACKED_CHUNK)))
        return self._read(PLAIN_CHUNK)

    def _read(self, size: int) -> Iterator[bytes]:
        while chunk := self._file.read(size):
            self.position += len(chunk)
            yield chunk

    def _expanding(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """Pass chunks on unless they are out of all proportion to what they came from."""
        given = 0
        for chunk in chunks:
            yield chunk
            given += len(chunk)
            if given > ALWAYS_EXPANDED and given > MOST_EXPANDED * self.position:
                raise Damaged(f"it expands more than {MOST_EXPANDED}-fold")


def _gunzipped(packed: Iterator[bytes]) -> Iterator[bytes]:
    """Return the content of one gzip member after another; their checksums are verified."""
    member = zlib.decompressobj(wbits=31)
    begun = False
    for chunk in packed:
        left = chunk
        while left:
            if member.eof:
                member = zlib.decompressobj(wbits=31)
            begun = True
            before = member.copy()
            try:
                content = member.decompress(left, PLAIN_CHUNK)
            except zlib.error as error:
                yield from _until_corrupt(before, left)
                raise Damaged(f"corrupt gzip: {error}") from None
            yield content
            left = member.unused_data if member.eof else member.unconsumed_tail
    if begun and not member.eof:
        raise Damaged("it ends in the middle of its compressed data")


def _until_corrupt(member: "zlib._Decompress", packed: bytes) -> Iterator[bytes]:
    """Return what `packed` holds before its damage: an error takes all that its call had decoded."""
    for place in range(len(packed)):
        try:
            yield member.decompress(packed[place : place + 1])
        except zlib.error:
            return


def _unzstd(packed: Iterator[bytes]) -> Iterator[bytes]:
    """Return the content of one zstd frame after another.

    The reader that comes with the library takes a torn file for a whole one.
    """
    plan = zstandard.ZstdDecompressor(max_window_size=WIDEST_WINDOW)
    frame, begun = plan.decompressobj(), False
    try:
        for chunk in packed:
            left = chunk
            while left:
                if frame.eof:
                    frame = plan.decompressobj()
                begun = True
                yield frame.decompress(left)
                left = frame.unused_data if frame.eof else b""
    except zstandard.ZstdError as error:
        raise Damaged(f"corrupt zstd: {error}") from None
    if begun and not frame.eof:
        raise Damaged("it ends in the middle of its compressed data")


# -- writing -----------------------------------------------------------------------------------------


class TapeOutput:
    """A tape that is written in one go: it is there, under its name, only once it is whole.

    Packed as its name says: `.gz`, `.zst`, or not at all. Raises `OperatorError`.
    """

    def __init__(self, path: Path) -> None:
        if path.exists():
            raise OperatorError(f"{path} is there already", fix="Give -o another name")
        self.path = path
        self.lines = 0
        self._partial = path.with_name(f".{path.name}.partial")
        self._text: list[str] = []
        self._length = 0
        try:
            self._file = self._partial.open("wb")
        except OSError as error:
            raise self._refusal(error) from None

    def write(self, line: TapeLine) -> None:
        self.lines += 1
        text = line.written()
        self._text.append(text)
        self._length += len(text)
        if self._length >= OUTPUT_BYTES:
            self._flush()

    def finish(self) -> None:
        """Give the tape its name."""
        self._flush()
        self._file.close()
        self._partial.rename(self.path)

    def abandon(self) -> None:
        """Leave nothing behind; after `finish`, do nothing."""
        self._file.close()
        self._partial.unlink(missing_ok=True)

    def _flush(self) -> None:
        content = "".join(f"{text}\n" for text in self._text).encode()
        self._text, self._length = [], 0
        try:
            if self.path.suffix == ".zst":
                packed = zstandard.ZstdCompressor(level=3, write_checksum=True).compress(content)
                self._file.write(packed)
            elif self.path.suffix == ".gz":
                self._file.write(gzip.compress(content, mtime=0))
            else:
                self._file.write(content)
        except OSError as error:
            raise self._refusal(error) from None

    def _refusal(self, error: OSError) -> OperatorError:
        return OperatorError(
            f"Cannot write {self.path}: {error.strerror or error}",
            fix="Give -o a place with room that can be written to",
        )


# -- several files, one after another ----------------------------------------------------------------


@dataclass(slots=True)
class GoodPart:
    """The lines of several readers in order, up to the first that cannot be read, if any.

    `damage` is what stopped it. `reader` is the one that the last line came from.
    """

    readers: Sequence[Reader]
    damage: OperatorError | None = None
    reader: Reader | None = None

    @property
    def place(self) -> str:
        """The file and line of the last line given out."""
        return "" if self.reader is None else f"{self.reader.path}, line {self.reader.number:,}"

    def __iter__(self) -> Iterator[TapeLine]:
        self.damage = None
        try:
            for reader in self.readers:
                self.reader = reader
                yield from reader
        except OperatorError as error:
            self.damage = error
