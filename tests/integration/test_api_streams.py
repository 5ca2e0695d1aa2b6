"""Streams: who gets one, how much may be said on it, and when it ends, on real sockets."""

import asyncio
import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
import websockets
from tests.support.api_at import At, api, client, serves
from tests.support.cli import PATIENCE_S
from tests.support.database import until

from tidegauge.faces.api.serving import LARGEST_MESSAGE
from tidegauge.faces.api.tokens import tokens_renewed


def streaming(at: At, **more: Any) -> Any:
    """Connect to the stream."""
    token = {"Authorization": f"Bearer {at.served.tokens.read}"}
    address = f"ws://localhost:{at.port}/stream"
    return websockets.connect(
        address, additional_headers=token, proxy=None, open_timeout=PATIENCE_S, **more
    )


async def test_a_stream_takes_small_messages_only(tmp_path: Path) -> None:
    """A larger one ends it, in one piece or in many."""
    async with api(tmp_path) as at:
        async with streaming(at) as stream:
            await stream.send("x" * LARGEST_MESSAGE)
            assert len(await stream.recv()) == LARGEST_MESSAGE
        for large in ("x" * (LARGEST_MESSAGE + 1), ["x" * 1_000] * 17):
            async with streaming(at) as stream:
                await stream.send(large)
                with pytest.raises(websockets.ConnectionClosed):
                    await stream.recv()
                assert stream.close_code == 1009
        assert await serves(at)


async def test_streams_beyond_the_most_are_refused(tmp_path: Path) -> None:
    """Until one ends."""
    async with api(tmp_path, streams=2) as at, streaming(at):
        async with streaming(at):
            with pytest.raises(websockets.InvalidStatus) as refused:
                await streaming(at)
            assert refused.value.response.status_code == 503
            assert json.loads(refused.value.response.body)["status"] == 503
            assert "retry-after" in refused.value.response.headers

        async def room() -> bool:
            with contextlib.suppress(websockets.InvalidStatus):
                await (await streaming(at)).close()
                return True
            return False

        async with asyncio.timeout(PATIENCE_S):
            while not await room():
                await asyncio.sleep(0.01)


async def test_a_stranger_gets_no_stream(tmp_path: Path) -> None:
    """The handshake is refused before a stream is opened."""
    async with api(tmp_path) as at:
        address = f"ws://localhost:{at.port}/stream"
        bearer = f"Bearer {at.served.tokens.operate}"
        for headers, status in (
            ({}, 401),
            ({"Authorization": "Bearer wrong"}, 401),
            ({"Authorization": bearer, "Origin": "http://evil.example"}, 403),
        ):
            with pytest.raises(websockets.InvalidStatus) as refused:
                await websockets.connect(address, additional_headers=headers, proxy=None)
            assert refused.value.response.status_code == status
            assert "content-security-policy" in refused.value.response.headers
        known = {"Authorization": bearer}
        other = f"ws://localhost:{at.port}/nothing"
        with pytest.raises(websockets.InvalidStatus) as refused:
            await websockets.connect(other, additional_headers=known, proxy=None)
        assert refused.value.response.status_code in (403, 404)


async def test_new_tokens_end_a_stream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the next thing it would be told."""
    monkeypatch.setattr("tidegauge.faces.api.access.LOOK_EVERY_S", 0.0)
    async with api(tmp_path) as at, streaming(at) as stream:
        await stream.send("before")
        assert await stream.recv() == "before"
        tokens_renewed(tmp_path)
        await stream.send("after")
        with pytest.raises(websockets.ConnectionClosed):
            await stream.recv()
        assert stream.close_code == 1008


async def test_a_server_ends_with_streams_open(tmp_path: Path) -> None:
    """They are told, and not waited for."""
    async with contextlib.AsyncExitStack() as stack:
        async with api(tmp_path) as at:
            stream = await stack.enter_async_context(streaming(at))
            idle = await stack.enter_async_context(client(at))
        await until(lambda: stream.close_code is not None)
        assert stream.close_code == 1012
        assert await idle.left() == b""
