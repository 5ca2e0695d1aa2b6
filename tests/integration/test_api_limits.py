"""What a client that is slow, large, many or wrong can do to a server: nothing, on real sockets."""

import asyncio
import contextlib
import json
import os
import resource
import socket
from collections import deque
from pathlib import Path

import pytest
from tests.support.api_at import At, api, client, serves
from tests.support.cli import PATIENCE_S

from tidegauge.faces.api.connections import LARGEST_HEAD, MOST_AHEAD, Patience

MEBI = 1024 * 1024
QUICK = Patience(head_s=1.0, body_s=1.0)
"""Long enough for one that says all of it at once, whatever else the machine does."""


def resident() -> int:
    """Return how much memory this process has, in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


async def test_a_head_that_does_not_end_is_answered_and_closed(tmp_path: Path) -> None:
    """However it drips: nothing at all, empty lines, a line at a time, or after an answer."""
    async with api(tmp_path, QUICK) as at:

        async def begins(first: str) -> None:
            async with client(at) as slow:
                await slow.say(first)
                status, headers, body = await slow.answer()
                assert (status, json.loads(body)["status"]) == (408, 408), first
                assert headers["connection"] == "close"
                assert headers["content-type"] == "application/problem+json"
                assert await slow.left() == b""

        head = f"GET / HTTP/1.1\r\n{at.head}"
        await asyncio.gather(*map(begins, ("", "\r\n", "G", "GET /things/1 HTTP/1.1\r\n", head)))
        async with client(at) as slow:
            await slow.say(f"GET /things/1 HTTP/1.1\r\n{at.head}\r\n")
            assert (await slow.answer())[0] == 200
            await slow.say("GET /thi")
            assert (await slow.answer())[0] == 408
        assert await serves(at)


async def test_a_drip_of_headers_does_not_buy_time(tmp_path: Path) -> None:
    """The deadline is of the whole head."""
    async with api(tmp_path, QUICK) as at, client(at) as slow:
        await slow.say(f"GET /things/1 HTTP/1.1\r\n{at.head}")
        answering = asyncio.create_task(slow.answer())
        drips = 0
        while not answering.done():
            await slow.say(f"X-{drips}: y\r\n")
            drips += 1
            await asyncio.wait({answering}, timeout=0.02)
        assert answering.result()[0] == 408
        assert drips > 3


async def test_a_body_that_does_not_come_is_not_waited_for(tmp_path: Path) -> None:
    """Its route is never called."""
    async with api(tmp_path, QUICK) as at, client(at) as slow:
        await slow.say(f"POST /things HTTP/1.1\r\n{at.head}Content-Length: 9\r\n\r\n{{")
        assert (await slow.answer())[0] == 408
        assert await slow.left() == b""


@pytest.mark.parametrize("framing", [f"Content-Length: {100 * MEBI}", "Transfer-Encoding: chunked"])
async def test_a_body_of_a_hundred_megabytes_costs_no_memory(tmp_path: Path, framing: str) -> None:
    """It is refused as soon as it is, or says it is, too large."""
    async with api(tmp_path) as at, client(at) as large:
        before = resident()
        await large.say(f"POST /things HTTP/1.1\r\n{at.head}{framing}\r\n\r\n")
        piece = b"x" * MEBI
        if "chunked" in framing:
            piece = f"{MEBI:x}\r\n".encode() + piece + b"\r\n"
        answering = asyncio.create_task(large.answer())
        for _ in range(100):
            if large.writer.is_closing():
                break
            await large.say(piece)
        status, _headers, body = await answering
        assert (status, json.loads(body)["status"]) == (413, 413)
        assert resident() - before < 30 * MEBI
        assert await serves(at)


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("GET /?{long} HTTP/1.1\r\nHost: localhost\r\n", 414),
        ("GET / HTTP/1.1\r\nHost: localhost\r\nX: {long}{long}\r\n", 431),
        ("GET / HTTP/1.1\r\nHost: localhost\r\n" + "X: y\r\n" * 101, 431),
        ("GET / HTTP/1.1\r\nHost: localhost\r\nX: " + "{long}" * 200, 431),
        ("not HTTP\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n", 400),
        ("GET / HTTP/1.1\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n", 400),
        ("OPTIONS * HTTP/1.1\r\nHost: localhost\r\n", 401),
        ("CONNECT localhost:22 HTTP/1.1\r\nHost: localhost\r\n", 400),
        ("GET http://localhost/ HTTP/1.1\r\nHost: evil.example\r\n", 421),
    ],
)
async def test_a_head_that_nobody_needs_is_refused(tmp_path: Path, head: str, status: int) -> None:
    """With a problem, and no more of it is read."""
    async with api(tmp_path) as at, client(at) as odd:
        await odd.say(head.format(long="x" * (LARGEST_HEAD // 2 + 100)) + "\r\n")
        answer = await odd.answer()
        assert answer[0] == status
        assert answer[1]["content-type"] == "application/problem+json"
        assert "content-security-policy" in answer[1]
        assert await serves(at)


@pytest.mark.parametrize("trailer", ["X: y\r\n" * 200, "X: " + "y" * 1_000])
async def test_what_follows_a_body_is_not_kept(tmp_path: Path, trailer: str) -> None:
    """A few trailers are read over; without end they are refused, though the answer was given."""
    async with api(tmp_path) as at:
        chunked = f"POST /nothing HTTP/1.1\r\n{at.head}Transfer-Encoding: chunked\r\n\r\n0\r\n"
        async with client(at) as brief:
            await brief.say(f"{chunked}Expires: never\r\nHost: evil.example\r\n\r\n")
            assert (await brief.answer())[0] == 404
        async with client(at) as endless:
            await endless.say(chunked)
            sent, leaving = 0, asyncio.create_task(endless.left())
            while not leaving.done():
                await endless.say(trailer)
                sent += len(trailer)
                await asyncio.sleep(0)
            assert b" 431 " in leaving.result() or not leaving.result()
            assert sent < 10 * MEBI
        assert await serves(at)


async def test_small_chunks_are_a_body_too(tmp_path: Path) -> None:
    """Of one byte each."""
    async with api(tmp_path) as at, client(at) as slow:
        body = '{"comment": "' + "x" * 90 + '"}'
        chunks = "".join(f"1\r\n{each}\r\n" for each in body)
        kind = "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n"
        await slow.say(f"POST /things HTTP/1.1\r\n{at.head}{kind}\r\n{chunks}0\r\n\r\n")
        assert (await slow.answer())[0] == 200


async def test_requests_far_ahead_of_their_answers_are_refused(tmp_path: Path) -> None:
    """A few are served in their order."""
    async with api(tmp_path) as at:
        one = f"GET /things/1 HTTP/1.1\r\n{at.head}\r\n"
        async with client(at) as eager:
            await eager.say(one * (MOST_AHEAD // 2))
            for _ in range(MOST_AHEAD // 2):
                assert (await eager.answer())[0] == 200
        async with client(at) as eager:
            await eager.say(one * 1_000)
            answers = (await eager.left()).count(b"HTTP/1.1 ")
            assert answers <= MOST_AHEAD + 1
        assert await serves(at)


async def test_more_connections_than_are_allowed_cost_the_idle_ones(tmp_path: Path) -> None:
    """The one that waited longest is closed; who asks is answered throughout."""
    patience = Patience(head_s=PATIENCE_S, connections=20)
    async with api(tmp_path, patience) as at, contextlib.AsyncExitStack() as stack:
        idle = [await stack.enter_async_context(client(at)) for _ in range(20)]
        async with client(at) as eager:
            await eager.say(f"GET /things/1 HTTP/1.1\r\n{at.head}\r\n")
            assert (await eager.answer())[0] == 200
            assert await idle[0].left() == b""
            assert await serves(at)
            assert await idle[1].left() == b""
            await eager.say(f"GET /things/1 HTTP/1.1\r\n{at.head}\r\n")
            assert (await eager.answer())[0] == 200


async def test_one_that_asked_once_does_not_hold_its_place_for_ever(tmp_path: Path) -> None:
    """Else whoever asks `/healthz` on each of a thousand connections would keep the others out."""
    async with api(tmp_path, Patience(connections=20)) as at, contextlib.AsyncExitStack() as stack:
        for _ in range(20):
            one = await stack.enter_async_context(client(at))
            await one.say("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert (await one.answer())[0] == 200
        assert await serves(at)


async def crowd(at: At, many: int) -> int:
    """Open so many connections that say nothing; return how much memory that took."""
    loop, before = asyncio.get_running_loop(), resident()
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = min(hard, 2 * many + 1_000)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    with contextlib.ExitStack() as stack:
        held: deque[socket.socket] = deque()
        for _ in range(many):
            one = stack.enter_context(socket.socket())
            one.setblocking(False)
            await loop.sock_connect(one, ("127.0.0.1", at.port))
            held.append(one)
            if len(held) > most // 2:  # this process has both ends of them
                held.popleft().close()
        assert await serves(at)
        return resident() - before


async def test_idle_connections_cost_little(tmp_path: Path) -> None:
    """A small form."""
    async with api(tmp_path, Patience(connections=200)) as at:
        assert await crowd(at, 1_000) < 50 * MEBI


@pytest.mark.campaign
async def test_ten_thousand_idle_connections_cost_little(tmp_path: Path) -> None:
    """S-05: less than 100 MB."""
    async with api(tmp_path) as at:
        taken = await crowd(at, 10_000)
        print(f"10,000 idle connections took {taken / MEBI:.1f} MiB")
        assert taken < 100 * MEBI


async def test_two_hundred_requests_a_second_pass(tmp_path: Path) -> None:
    """A burst of twice the rate does too."""
    async with api(tmp_path) as at, client(at) as eager:
        statuses = []
        for _ in range(100):
            await eager.say(f"GET /things/1 HTTP/1.1\r\n{at.head}\r\n" * 8)
            statuses += [(await eager.answer())[0] for _ in range(8)]
        assert set(statuses) == {200}
