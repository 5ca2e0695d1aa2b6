"""Frames written by hand: what RFC 6455 section 5.2 says of their lengths."""

import struct

import pytest
from benchmarks.venue_server import framed


@pytest.mark.parametrize(
    ("size", "head"),
    [
        (0, b"\x81\x00"),
        (125, b"\x81\x7d"),
        (126, b"\x81\x7e" + struct.pack("!H", 126)),
        (65_535, b"\x81\x7e\xff\xff"),
        (65_536, b"\x81\x7f" + struct.pack("!Q", 65_536)),
    ],
)
def test_a_frame_is_told_with_its_length(size: int, head: bytes) -> None:
    """One octet, three or nine; a server masks nothing."""
    assert framed(b"x" * size) == head + b"x" * size
