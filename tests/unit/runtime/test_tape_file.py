"""Tapes as files: every container, and every way in which a file is not what it should be."""

import contextlib
import gzip
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.own_tape import Run

from tidegauge.core.errors import OperatorError
from tidegauge.core.instrument import SECOND
from tidegauge.runtime import tape_file
from tidegauge.runtime.monitor import MonitorPlan
from tidegauge.runtime.replay import replay
from tidegauge.runtime.tape_file import GoodPart, TapeOutput, TapeReader, tapes_in
from tidegauge.runtime.tape_info import inspect
from tidegauge.runtime.verify import verify
from tidegauge.wire.tape import FORMAT, Meta, TapeKind, TapeLine, meta_line

LINE = b"1\topen\twss://venue/ws\t\n"
PACKED: dict[str, Callable[[bytes], bytes]] = {
    "tsv": bytes,
    "tsv.gz": lambda raw: gzip.compress(raw, mtime=0),
    "tsv.zst": lambda raw: zstandard.ZstdCompressor(write_checksum=True).compress(raw),
}


def read(path: Path) -> tuple[int, str]:
    """Return how many lines could be read, and what is wrong with the next."""
    lines = GoodPart([TapeReader(path)])
    count = sum(1 for _ in lines)
    return count, "" if lines.damage is None else str(lines.damage)


@pytest.mark.parametrize("suffix", PACKED)
def test_a_tape_reads_the_same_in_every_container(suffix: str, tmp_path: Path) -> None:
    """Told apart by its first bytes, whatever it is called; several members are one tape."""
    path = tmp_path / "anything"
    path.write_bytes(b"".join(PACKED[suffix](LINE * 3) for _ in range(2)))
    assert read(path) == (6, "")


@pytest.mark.parametrize("suffix", ["tsv", "tsv.gz", "tsv.zst"])
def test_what_is_written_is_read_back(suffix: str, tmp_path: Path) -> None:
    """In one go, whole or not at all, and never over another file."""
    path = tmp_path / f"out.{suffix}"
    lines = [TapeLine(at=n, kind=TapeKind.RECV, conn="w", text="a\nb") for n in range(9)]
    output = TapeOutput(path)
    for line in lines:
        output.write(line)
    assert not path.exists()
    output.finish()
    assert list(TapeReader(path)) == lines
    with pytest.raises(OperatorError, match="is there already"):
        TapeOutput(path)
    TapeOutput(tmp_path / "other.tsv").abandon()
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(OperatorError, match="Cannot write"):
        TapeOutput(tmp_path / "none" / "x.tsv")


@pytest.mark.parametrize("suffix", ["tsv.gz", "tsv.zst"])
def test_a_torn_tape_gives_what_comes_before(suffix: str, tmp_path: Path) -> None:
    """The first member is whole; of the second one byte is missing."""
    whole = PACKED[suffix](LINE * 1000)
    path = tmp_path / "torn"
    path.write_bytes(whole + whole[:-1])
    count, said = read(path)
    assert count >= 1000
    assert "ends in the middle of its compressed data" in said
    assert f"line {count + 1:,}" in said
    assert f"byte {len(whole) * 2 - 1:,}" in said


def test_a_line_without_an_end_is_torn(tmp_path: Path) -> None:
    """A plain tape that was cut anywhere says where."""
    path = tmp_path / "torn"
    path.write_bytes(LINE * 2 + LINE[:-1])
    count, said = read(path)
    assert count == 2
    assert "line 3: it ends in the middle of a line" in said


@pytest.mark.parametrize("suffix", ["tsv.gz", "tsv.zst"])
def test_corrupt_bytes_in_the_middle_are_told(suffix: str, tmp_path: Path) -> None:
    """Zeros where the compressed data was."""
    whole = PACKED[suffix](b"".join(b"%d\trecv\tw\t%d\n" % (n, n**7) for n in range(20_000)))
    path = tmp_path / "corrupt"
    middle = len(whole) // 2
    path.write_bytes(whole[:middle] + bytes(64) + whole[middle + 64 :])
    count, said = read(path)
    assert count < 20_000
    assert "is damaged" in said or "is not a tape" in said


def test_a_small_zipped_tape_with_a_flipped_bit_gives_what_comes_before(tmp_path: Path) -> None:
    """All of it is decompressed in one call, whose error must not take the sound part along."""
    whole = b"".join(b"%d\trecv\tw\t%d\n" % (n, n**7) for n in range(500))
    for place in (-6, -1000):
        packed = bytearray(gzip.compress(whole, mtime=0))
        packed[place] ^= 0x10
        (tmp_path / "x.gz").write_bytes(packed)
        count, said = read(tmp_path / "x.gz")
        assert count > 300
        assert "is damaged: line" in said
    assert count < 500


def test_a_size_that_was_declared_wrong_is_told(tmp_path: Path) -> None:
    """A zstd frame and a gzip member each say how much they hold: more or less is corrupt."""
    content = LINE * 1000
    honest = zstandard.ZstdCompressor().compress(content)
    size = len(content).to_bytes(2, "little")
    assert honest.count(size) == 0
    declared = (len(content) - 256).to_bytes(2, "little")
    lying = honest.replace(declared, (len(content) - 256 - 9).to_bytes(2, "little"), 1)
    assert lying != honest
    zipped = bytearray(gzip.compress(content, mtime=0))
    zipped[-4:] = (7).to_bytes(4, "little")
    for name, packed in (("x.zst", lying), ("x.gz", bytes(zipped))):
        (tmp_path / name).write_bytes(packed)
        assert "corrupt" in read(tmp_path / name)[1]


def bombs() -> Iterator[tuple[str, bytes]]:
    """64 MiB of nothing and of lines, a few kilobytes each."""
    for name, content in (("zeros", bytes(2**24)), ("lines", LINE * 2**20)):
        squeezed = zstandard.ZstdCompressor(level=1).compressobj()
        yield (
            f"{name}.zst",
            squeezed.compress(LINE)
            + b"".join(squeezed.compress(content) for _ in range(4))
            + squeezed.flush(),
        )
    zipped = zlib.compressobj(9, wbits=31)
    yield (
        "zeros.gz",
        zipped.compress(LINE)
        + b"".join(zipped.compress(bytes(2**24)) for _ in range(4))
        + zipped.flush(),
    )


def test_a_file_that_expands_without_end_takes_little_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bomb is refused for its line or its ratio, whatever it would come to (limits are low here)."""
    monkeypatch.setattr(tape_file, "LONGEST_LINE", 4 * 1024 * 1024)
    monkeypatch.setattr(tape_file, "ALWAYS_EXPANDED", 4 * 1024 * 1024)
    for name, content in bombs():
        path = tmp_path / name
        path.write_bytes(content)
        del content
        tracemalloc.start()
        count, said = read(path)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert count >= 1
        assert "expands more than 500-fold" in said or "longer than 4 MiB" in said
        assert peak < 64 * 1024 * 1024, name


def test_a_line_longer_than_any_frame_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before it is read to its end."""
    monkeypatch.setattr(tape_file, "LONGEST_LINE", 1024 * 1024)
    path = tmp_path / "x.tsv"
    path.write_bytes(LINE + b"1\trecv\tw\t" + b"x" * 2**22)
    assert "a line longer than 1 MiB" in read(path)[1]


@pytest.mark.parametrize(
    ("content", "count", "said"),
    [
        (b"", 0, "is not a tape: line 1: it is empty"),
        (gzip.compress(b"", mtime=0), 0, "is not a tape: line 1: it is empty"),
        (b"# Notes\n", 0, "is not a tape: line 1: not a tape line"),
        (b'{"a": 1}\n', 0, "is not a tape: line 1"),
        (LINE + b"\xff\n", 1, "is damaged: line 2: text that is not UTF-8"),
        (LINE + b"1\tmeta\t\t{}\n", 1, "line 2: not a meta line"),
        (LINE + b'1\tmeta\t\t{"meta":"later"}\n', 1, "line 2: not a meta line"),
        (b"%d\topen\tw\t\n" % (61 * SECOND) + LINE, 1, "line 2: the time goes back by 61 s"),
    ],
)
def test_what_is_no_tape_is_told_in_one_line(
    content: bytes, count: int, said: str, tmp_path: Path
) -> None:
    """With file, line and byte, and what to do about it."""
    path = tmp_path / "x"
    path.write_bytes(content)
    found, message = read(path)
    assert found == count
    assert said in message
    assert str(path) in message
    assert f"before byte {len(content):,}" in message
    assert "\n" not in message


def test_a_tape_of_a_later_version_is_not_misread(tmp_path: Path) -> None:
    """It says which program wrote it."""
    header = meta_line(1, Meta.TAPE, format=FORMAT + 1, program="9.9")
    (tmp_path / "x.tsv").write_text(header.written() + "\n")
    count, said = read(tmp_path / "x.tsv")
    assert count == 0
    assert f"line 1: it is of format {FORMAT + 1}, and this program reads up to {FORMAT}" in said
    assert said.endswith("Read it with Tidegauge 9.9")


def test_a_folder_gives_its_tapes_in_order(tmp_path: Path) -> None:
    """Those in folders inside it, too; a folder without one, and a name without a file, do not."""
    (tmp_path / "in").mkdir()
    for name in ("b.tsv", "a.tape.zst", "in/c.jsonl", "notes.md"):
        (tmp_path / name).write_bytes(LINE)
    found = [path.name for path in tapes_in([tmp_path, tmp_path / "notes.md"])]
    assert found == ["a.tape.zst", "b.tsv", "c.jsonl", "notes.md"]
    (tmp_path / "in" / "c.jsonl").unlink()
    for path, said in ((tmp_path / "in", "There is no tape in"), (tmp_path / "x", "no tape")):
        with pytest.raises(OperatorError, match=said):
            tapes_in([path])


WHOLE = Run("okx").live_through().text().encode()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    suffix=st.sampled_from(sorted(PACKED)),
    cut=st.floats(0, 1),
    flips=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 7)), max_size=3),
)
def test_no_damage_makes_anything_crash(
    suffix: str, cut: float, flips: list[tuple[float, int]], tmp_path: Path
) -> None:
    """A tape of ours, cut anywhere and with any bits turned: a clear refusal or a clean result."""
    packed = bytearray(PACKED[suffix](WHOLE))
    for where, bit in flips:
        packed[int(where * len(packed))] ^= 1 << bit
    path = tmp_path / f"x.{suffix}"
    path.write_bytes(packed[: int(cut * len(packed))] if cut < 1 else packed)
    for use in (
        lambda: verify(path),
        lambda: replay(path, MonitorPlan()),
        lambda: inspect([path]),
    ):
        with contextlib.suppress(OperatorError):
            use()
