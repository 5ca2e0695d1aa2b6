"""What the WebSocket client does with every kind of frame of RFC 6455, byte by byte.

A server that is nothing but a socket makes the handshake and writes what a case says; what the
client delivers, and the code it closes with, are compared with the RFC.
"""

import asyncio
import base64
import contextlib
import hashlib
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from tidegauge.runtime.outside import open_socket
from tidegauge.runtime.world import Dial, HandshakeRefused, Socket, SocketClosed, Unreachable

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
MAX_FRAME = 100_000
CONT, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    claim: int | None = None,
    wide: int = 0,
    mask: bool = False,
) -> bytes:
    """Write a frame (section 5.2). `claim` another length, `wide` more length bytes than needed."""
    length = len(payload) if claim is None else claim
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    masked = 0x80 if mask else 0
    if length < 126 and not wide:
        head = struct.pack("!BB", first, masked | length)
    elif length < 65_536 and wide < 8:
        head = struct.pack("!BBH", first, masked | 126, length)
    else:
        head = struct.pack("!BBQ", first, masked | 127, length)
    return head + (b"\0\0\0\0" if mask else b"") + payload


def closing(code: int, reason: bytes = b"") -> bytes:
    return frame(CLOSE, struct.pack("!H", code) + reason)


@dataclass(frozen=True)
class Case:
    """What the server writes; what is delivered; the pongs and the close code that come back.

    `code` None: the connection stays open.
    """

    name: str
    wire: bytes
    delivered: tuple[bytes, ...] = ()
    code: int | None = None
    pongs: tuple[bytes, ...] = ()


HELLO = frame(TEXT, b"hello")
OPEN = [
    Case("a text", HELLO, (b"hello",)),
    Case("an empty text", frame(TEXT), (b"",)),
    Case("a text of 125 bytes", frame(TEXT, b"x" * 125), (b"x" * 125,)),
    Case("a text of 126 bytes", frame(TEXT, b"x" * 126), (b"x" * 126,)),
    Case("a text of 65,535 bytes", frame(TEXT, b"x" * 65_535), (b"x" * 65_535,)),
    Case("a text of 65,536 bytes", frame(TEXT, b"x" * 65_536), (b"x" * 65_536,)),
    Case("the largest text allowed", frame(TEXT, b"x" * MAX_FRAME), (b"x" * MAX_FRAME,)),
    Case("two texts in one piece", HELLO + HELLO, (b"hello", b"hello")),
    Case("text beyond ASCII", frame(TEXT, "β€🌊".encode()), ("β€🌊".encode(),)),
    # Whether a text is UTF-8 is the decoder's to judge (a malformed frame, counted): read twice, it
    # would cost every good frame.
    Case("a text that is not UTF-8", frame(TEXT, b"\xff"), (b"\xff",)),
    Case("a binary frame", frame(BINARY, b"\0\xff"), (b"\0\xff",)),
    Case("an empty binary frame", frame(BINARY), (b"",)),
    Case("two fragments", frame(TEXT, b"hel", fin=False) + frame(CONT, b"lo"), (b"hello",)),
    Case(
        "three fragments, one of them empty",
        frame(TEXT, b"he", fin=False) + frame(CONT, fin=False) + frame(CONT, b"llo"),
        (b"hello",),
    ),
    Case("fragments that are all empty", frame(TEXT, fin=False) + frame(CONT), (b"",)),
    Case(
        "a character cut in two by fragments",
        frame(TEXT, "€".encode()[:1], fin=False) + frame(CONT, "€".encode()[1:]),
        ("€".encode(),),
    ),
    Case(
        "a ping between fragments",
        frame(TEXT, b"hel", fin=False) + frame(PING, b"?") + frame(CONT, b"lo"),
        (b"hello",),
        pongs=(b"?",),
    ),
    Case("a ping", frame(PING) + HELLO, (b"hello",), pongs=(b"",)),
    Case("a ping with a payload", frame(PING, b"abc") + HELLO, (b"hello",), pongs=(b"abc",)),
    Case("a ping of 125 bytes", frame(PING, b"p" * 125) + HELLO, (b"hello",), pongs=(b"p" * 125,)),
    Case(
        "two pings",
        frame(PING, b"1") + frame(PING, b"2") + HELLO,
        (b"hello",),
        pongs=(b"1", b"2"),
    ),
    Case("a pong nobody asked for", frame(PONG, b"!") + HELLO, (b"hello",)),
]
CLOSED = [
    Case(f"a close with {code}", HELLO + closing(code), (b"hello",), code)
    for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 3000, 4999)
]
CLOSED += [
    Case("a close without a code", frame(CLOSE), code=1005),
    Case("a close with a reason", closing(1001, "gone €".encode()), code=1001),
    Case("a close with the longest reason", closing(1000, b"r" * 123), code=1000),
    Case("text after the close", closing(1000) + HELLO, code=1000),
]
WRONG = [
    *(Case(f"RSV bits {rsv:03b}", frame(TEXT, b"x", rsv=rsv), code=1002) for rsv in range(1, 8)),
    *(Case(f"reserved opcode {op}", frame(op, b"x"), code=1002) for op in (3, 4, 5, 6, 7)),
    *(Case(f"reserved control {op}", frame(op), code=1002) for op in (11, 12, 13, 14, 15)),
    Case("a masked frame from a server", frame(TEXT, b"x", mask=True), code=1002),
    Case("a continuation of nothing", frame(CONT, b"x"), code=1002),
    Case("a last continuation of nothing", frame(CONT, b"x", fin=False), code=1002),
    Case("a text inside a text", frame(TEXT, b"a", fin=False) + HELLO, code=1002),
    Case("a ping in fragments", frame(PING, b"a", fin=False), code=1002),
    Case("a close in fragments", frame(CLOSE, struct.pack("!H", 1000), fin=False), code=1002),
    Case("a ping of 126 bytes", frame(PING, b"p" * 126), code=1002),
    Case("a pong of 126 bytes", frame(PONG, b"p" * 126), code=1002),
    Case("a close of 126 bytes", closing(1000, b"r" * 124), code=1002),
    Case("a close of one byte", frame(CLOSE, b"\x03"), code=1002),
    *(
        Case(f"a close with the illegal {code}", closing(code), code=1002)
        for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535)
    ),
    Case("a close whose reason is not UTF-8", closing(1000, b"\xff"), code=1007),
    Case("one byte too many", frame(TEXT, b"x" * (MAX_FRAME + 1)), code=1009),
    Case(
        "too much in fragments",
        frame(TEXT, b"x" * MAX_FRAME, fin=False) + frame(CONT, b"x"),
        code=1009,
    ),
    Case("a claim of 100 MB", frame(TEXT, claim=100_000_000), code=1009),
    Case("a claim of 2^63", frame(TEXT, claim=2**63), code=1009),
]


@dataclass
class RawServer:
    """Makes the handshake, writes `wire`, and reads what the client answers."""

    wire: bytes
    answer: bytes = b""
    extra: bytes = b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        (key,) = [
            line.partition(b":")[2].strip()
            for line in request.split(b"\r\n")
            if line.lower().startswith(b"sec-websocket-key:")
        ]
        accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n" + self.extra + b"\r\n" + self.wire
        )
        while data := await reader.read(65_536):
            self.answer += data
            if any(opcode == CLOSE for opcode, _ in self.heard()):
                break
        writer.close()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)

    def heard(self) -> list[tuple[int, bytes]]:
        """Read the client's frames: all masked, all short."""
        frames, rest = [], self.answer
        while len(rest) >= 6:
            opcode, length = rest[0] & 15, rest[1] & 127
            assert rest[1] & 128, "a client's frame must be masked"
            mask, body = rest[2:6], rest[6 : 6 + length]
            frames.append((opcode, bytes(b ^ mask[i % 4] for i, b in enumerate(body))))
            rest = rest[6 + length :]
        return frames


@asynccontextmanager
async def listening(server: RawServer) -> AsyncIterator[str]:
    async with await asyncio.start_server(server.serve, "127.0.0.1", 0) as listener:
        yield f"ws://127.0.0.1:{listener.sockets[0].getsockname()[1]}/"


def dial(url: str) -> Dial:
    return Dial(url=url, proxy=None, max_frame=MAX_FRAME, open_timeout_s=20, close_timeout_s=20)


@pytest.mark.parametrize("case", [*OPEN, *CLOSED, *WRONG], ids=lambda case: case.name)
async def test_a_frame_is_taken_as_the_rfc_says(case: Case) -> None:
    """Delivered whole, answered, or the connection failed with the right code; never a crash."""
    server = RawServer(case.wire)
    async with listening(server) as url, asyncio.timeout(60), open_socket(dial(url)) as socket:
        delivered = await _deliveries(socket, len(case.delivered) + (case.code is not None))
    assert delivered == case.delivered
    assert tuple(body for opcode, body in server.heard() if opcode == PONG) == case.pongs
    closes = [body for opcode, body in server.heard() if opcode == CLOSE]
    code = struct.unpack("!H", closes[0][:2])[0] if closes and closes[0] else 1005
    assert code == (1000 if case.code is None else case.code)


async def _deliveries(socket: Socket, most: int) -> tuple[bytes | str, ...]:
    """Receive so many frames, or those that come before the connection ends."""
    delivered: list[bytes | str] = []
    with contextlib.suppress(SocketClosed):
        while len(delivered) < most:
            delivered.append(await socket.recv())
    return tuple(delivered)


def test_the_table_covers_the_rfc() -> None:
    """At least sixty cases (reliability.md, C-07), each of its own name."""
    names = [case.name for case in (*OPEN, *CLOSED, *WRONG)]
    assert len(names) == len(set(names)) >= 60


@pytest.mark.parametrize(
    "extra",
    [
        b"Sec-WebSocket-Extensions: permessage-deflate\r\n",
        b"Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=15\r\n",
        b"Sec-WebSocket-Protocol: bomb\r\n",
    ],
    ids=["deflate", "deflate with options", "a protocol"],
)
async def test_an_extension_nobody_asked_for_is_refused(extra: bytes) -> None:
    """We offer no compression, so a decompression bomb has no way in (C-05)."""
    async with listening(RawServer(HELLO, extra=extra)) as url:
        with pytest.raises(Unreachable):
            async with open_socket(dial(url)):
                pass


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\0" * 1000,
        b"HTTP/1.1 200 OK\r\n\r\nhello",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: wrong\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n" + b"X: y\r\n" * 10_000 + b"\r\n",
        b"HTTP/1.1 " + b"9" * 100_000,
        b"SSH-2.0-OpenSSH_9.2\r\n",
    ],
    ids=[
        "nothing",
        "zeros",
        "200",
        "bare 101",
        "wrong key",
        "10,000 headers",
        "a long line",
        "ssh",
    ],
)
async def test_an_answer_that_is_no_handshake_is_unreachable(answer: bytes) -> None:
    """Whatever listens there, it is no venue; the attempt ends with a reason."""

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)

    async with await asyncio.start_server(speak, "127.0.0.1", 0) as listener:
        url = f"ws://127.0.0.1:{listener.sockets[0].getsockname()[1]}/"
        with pytest.raises((Unreachable, HandshakeRefused)):
            async with open_socket(dial(url)):
                pass
