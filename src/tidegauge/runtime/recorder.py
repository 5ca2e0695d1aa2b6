"""Writes a run's tape: parts of zstd frames in a folder, by a thread of its own.

The monitor never waits for it. What the disk does not take in time is dropped, and the tape says how
much; when the disk fails, recording ends and the monitor goes on. Each part begins with the run's
header and where every fleet stands, and every shard's links are then replaced, so that the venues
tell all books anew: a part can be played by itself.
"""

import os
import queue
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog
import zstandard

from tidegauge import __version__
from tidegauge.core.errors import OperatorError
from tidegauge.core.instrument import HOUR, MINUTE, SECOND, Nanos
from tidegauge.wire.tape import FORMAT, Meta, TapeLine, meta_line

from .digest import Digest
from .monitor import MonitorPlan
from .tape_file import LONGEST_LINE

log = structlog.get_logger(__name__)

PATTERN = "*.tape.zst"
LEVEL = 3
FLUSH_S = 1.0
FRAME_BYTES = 1024 * 1024
"""A zstd frame ends after so much text, or a second: so much a kill may lose."""
MOST_WAITING = 64 * 1024 * 1024
"""Text that may wait for the disk; some ten seconds of a busy day on fifty books."""
GIB = 1024**3
PART_BYTES = GIB // 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How large a part and the whole folder may grow.

    A part also ends after `part_span`, and never before `least_span`: it costs each venue new
    connections.
    """

    total_bytes: int = 20 * GIB
    part_bytes: int = PART_BYTES
    part_span: Nanos = HOUR
    least_span: Nanos = 5 * MINUTE

    @classmethod
    def of_gigabytes(cls, gigabytes: float) -> "Limits":
        """Return limits for a folder of so many GiB; at least four parts fit into it."""
        total = int(gigabytes * GIB)
        return cls(total_bytes=total, part_bytes=max(1, min(PART_BYTES, total // 4)))


@dataclass(frozen=True, slots=True)
class _Part:
    """A new part begins."""

    number: int
    lines: Sequence[TapeLine]


class Recorder:
    """A `runtime.journal.Journal` that keeps what it is told. Use it from one thread."""

    def __init__(self, folder: Path, *, limits: Limits | None = None) -> None:
        """Raises `OperatorError` if the folder cannot be written to."""
        self.digest = Digest()
        self.dropped = 0
        self._limits = Limits() if limits is None else limits
        self._writer = _Writer(folder, self._limits.total_bytes)
        self._facts: dict[str, Any] = {}
        self._untold = 0
        self._number = 0
        self._noted = 0
        self._ends_at: Nanos = 0
        self._not_before: Nanos = 0
        self._gap = False
        self._open = False

    def begin(self, run_id: str, plan: MonitorPlan, at: Nanos) -> None:
        """Begin the first part. What is noted before is not kept."""
        self._facts = {"format": FORMAT, "program": __version__, "run": run_id, "plan": plan}
        self._ends_at = at + self._limits.part_span
        self._not_before = at + self._limits.least_span
        self._writer.start(_stem(run_id, at))
        self._writer.begin(_Part(0, [self._header(at)]))
        self._open = True

    def note(self, line: TapeLine) -> None:
        """Take one line. Never blocks, never raises."""
        if not self._open or self._writer.failed:
            return
        size = len(line.text) + len(line.conn)
        if self._noted - self._writer.taken > MOST_WAITING or size > LONGEST_LINE // 2:
            self._untold += 1
            self.dropped += 1
            return
        self._tell_gap(line.at)
        self._put(line)

    def take(self, record: object) -> None:
        """Take what the run found; the tape ends with a hash over it."""
        if self._open:
            self.digest.take(record)

    def close(self, at: Nanos, *, went_on: bool = False) -> None:
        """The run is over: write the hash, and wait until all is on disk. `went_on`: with what an
        earlier run had kept."""
        if not self._open:
            return
        found = self.digest
        self._tell_gap(at)
        self._put(
            meta_line(
                at,
                Meta.END,
                sha256=found.hexdigest(),
                readings=found.readings,
                alerts=found.alerts,
                dropped=self.dropped,
                went_on=went_on,
            )
        )
        self._open = False
        self._writer.close()
        if self.dropped:
            log.warning("tape_has_gaps", lines=self.dropped)

    def _tell_gap(self, at: Nanos) -> None:
        if self._untold:
            self._put(meta_line(at, Meta.GAP, lines=self._untold))
            self._untold = 0
            self._gap = True

    def _put(self, line: TapeLine) -> None:
        self._noted += len(line.text) + len(line.conn)
        self._writer.put(line)

    def is_due(self, now: Nanos) -> bool:
        """Whether a new part should begin: this one is old, large, or has a gap in it."""
        full = self._writer.part_bytes >= self._limits.part_bytes or self._gap
        return self._open and (now >= self._ends_at or (full and now >= self._not_before))

    def begin_part(self, positions: Sequence[TapeLine], now: Nanos) -> None:
        """Begin a new part with where each venue's fleet stands. Every shard is to roll next."""
        self._number += 1
        self._gap = False
        self._ends_at = now + self._limits.part_span
        self._not_before = now + self._limits.least_span
        self._noted += sum(len(line.text) + len(line.conn) for line in positions)
        self._writer.begin(_Part(self._number, [self._header(now), *positions]))

    def _header(self, at: Nanos) -> TapeLine:
        return meta_line(at, Meta.TAPE, segment=self._number, **self._facts)


class _Writer:
    """The thread that compresses and writes. `taken` is how much text it took from its queue."""

    def __init__(self, folder: Path, total_bytes: int) -> None:
        self.taken = 0
        self.part_bytes = 0
        self.failed = False
        self._folder = folder
        self._stem = ""
        self._total_bytes = total_bytes
        self._queue: queue.SimpleQueue[TapeLine | _Part | None] = queue.SimpleQueue()
        self._file: int | None = None
        self._path: Path | None = None
        self._text: list[str] = []
        self._length = 0
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            raise OperatorError(
                f"Cannot record into {folder}: {error.strerror or error}",
                fix="Give --record a folder that can be written to",
            ) from None

    def start(self, stem: str) -> None:
        """Begin to write; the parts' names begin with `stem`."""
        self._stem = stem
        self._thread.start()

    def put(self, line: TapeLine) -> None:
        self._queue.put(line)

    def begin(self, part: _Part) -> None:
        self.part_bytes = 0
        self._queue.put(part)

    def close(self) -> None:
        """Write what was accepted, and end."""
        self._queue.put(None)
        self._thread.join()

    # -- in the thread ---------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._write_all()
        except OSError as error:
            self.failed = True
            why = error.strerror or str(error)
            log.warning("recording_stopped", reason=why, file=str(self._path), monitor="goes on")
        except Exception:  # a bug of ours: the same, and its traceback
            self.failed = True
            log.exception("recording_crashed", file=str(self._path), monitor="goes on")
        finally:
            if self._file is not None:
                os.close(self._file)

    def _write_all(self) -> None:
        flush_at = time.monotonic() + FLUSH_S
        while True:
            try:
                item = self._queue.get(timeout=max(0.0, flush_at - time.monotonic()))
            except queue.Empty:
                self._flush()
                flush_at = time.monotonic() + FLUSH_S
                continue
            match item:
                case None:
                    self._flush()
                    return
                case _Part():
                    self._flush()
                    self._open(item.number)
                    for line in item.lines:
                        self._take(line)
                case TapeLine():
                    self._take(item)
            if self._length >= FRAME_BYTES or time.monotonic() >= flush_at:
                self._flush()
                flush_at = time.monotonic() + FLUSH_S

    def _take(self, line: TapeLine) -> None:
        self.taken += len(line.text) + len(line.conn)
        text = line.written()
        self._text.append(text)
        self._length += len(text)

    def _flush(self) -> None:
        """End a zstd frame: it can be read from now on, whatever happens next."""
        if not self._text or self._file is None:
            return
        text = "\n".join((*self._text, ""))
        self._text, self._length = [], 0
        packed = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True).compress(text.encode())
        left = memoryview(packed)
        while left:
            left = left[os.write(self._file, left) :]
        self.part_bytes += len(packed)
        self._keep_to_size()

    def _open(self, number: int) -> None:
        path = self._folder / f"{self._stem}-{number:04d}.tape.zst"
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        if self._file is not None:
            os.close(self._file)
        self._file, self._path = file, path

    def _keep_to_size(self) -> None:
        """Delete the oldest parts, of whatever run, while the folder is too large."""
        parts = [
            (path, size)
            for path in sorted(self._folder.glob(PATTERN))
            if (size := _size(path)) is not None
        ]
        total = sum(size for _path, size in parts)
        for path, size in parts:
            if total <= self._total_bytes or path == self._path:
                return
            path.unlink(missing_ok=True)
            total -= size
            log.warning("tape_deleted", file=str(path), mib=size // 1024**2, reason="size limit")


def _size(path: Path) -> int | None:
    """Return a part's size; None: another recorder of this folder has just deleted it."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None


def _stem(run_id: str, at: Nanos) -> str:
    began = datetime.fromtimestamp(at // SECOND, UTC)
    return f"{began:%Y%m%dT%H%M%SZ}-{run_id[:8]}"
