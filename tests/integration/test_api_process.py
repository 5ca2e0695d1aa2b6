"""The API as a process: served alone or beside a monitor, with its tokens, links and end."""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
import structlog
from tests.support.cli import PATIENCE_S, Running, endpoints, running, tidegauge
from tests.support.database import until
from tests.support.ports import kept_port

from tidegauge.faces.api.address import address_of, claimed
from tidegauge.faces.api.companion import Companion
from tidegauge.faces.api.process import NICENESS
from tidegauge.faces.api.tokens import FILE, Tokens, tokens_in, tokens_made
from tidegauge.runtime.local_venues import LocalVenues
from tidegauge.runtime.settings import Settings
from tidegauge.runtime.settings_serve import ServeSettings

ANY_PORT = {"TIDEGAUGE_SERVE__PORT": "0"}
DATABASE_CANARY = "canary-of-the-database"


def data_of(home: Path) -> Path:
    """Return where a command with this home keeps its data."""
    return home / ".local" / "share" / "tidegauge"


async def address_in(data_dir: Path) -> str:
    """Return where the API is served, as soon as it is."""
    await until(lambda: address_of(data_dir) is not None, PATIENCE_S)
    address = address_of(data_dir)
    assert address is not None
    return address


@asynccontextmanager
async def serving(home: Path, *more: str, **env: str) -> AsyncIterator[tuple[Running, str]]:
    """Run `tidegauge serve`; yields it and where it serves."""
    async with running("serve", *more, cwd=home, env={**ANY_PORT, **env}) as command:
        yield command, await address_in(data_of(home))


@asynccontextmanager
async def browser() -> AsyncIterator[aiohttp.ClientSession]:
    """Keep cookies, as a browser does."""
    jar = aiohttp.CookieJar(unsafe=True)  # of an address, not a name
    async with aiohttp.ClientSession(cookie_jar=jar) as session:
        yield session


async def asked(session: aiohttp.ClientSession, url: str, token: str | None = None) -> int:
    """Ask, and return the status."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    async with session.get(url, headers=headers, allow_redirects=False) as answer:
        return answer.status


async def test_a_link_of_the_command_line_logs_a_browser_in(tmp_path: Path) -> None:
    """Once; the cookie outlives a restart, and ends when there are new tokens."""
    with kept_port() as port:
        await log_in_and_start_again(tmp_path, str(port))


async def log_in_and_start_again(tmp_path: Path, port: str) -> None:
    async with browser() as one, browser() as other:
        async with serving(tmp_path, "--port", port) as (command, address):
            told = await asyncio.to_thread(tidegauge, "web", cwd=tmp_path)
            assert told.code == 0, told.err
            link = told.out.strip()
            assert link.startswith(f"{address}/login?code=")
            assert await asked(one, link) == 303
            assert await asked(other, link) == 403
            assert await asked(one, f"{address}/readyz") == 503
            assert await asked(other, f"{address}/readyz") == 401
            command.signal(signal.SIGTERM)
            ended = await command.ended()
        assert ended.code == 0, ended.err
        assert address_of(data_of(tmp_path)) is None
        async with serving(tmp_path, "--port", port) as (_command, again):
            assert again == address
            assert await asked(one, f"{address}/readyz") == 503
            told = await asyncio.to_thread(tidegauge, "token", "--new", cwd=tmp_path)
            assert told.out.strip() == tokens_in(data_of(tmp_path)).read
            async with asyncio.timeout(PATIENCE_S):
                while await asked(one, f"{address}/readyz") != 401:
                    await asyncio.sleep(0.05)
            assert await asked(one, f"{address}/readyz", told.out.strip()) == 503


async def test_the_command_line_says_what_it_cannot_serve(tmp_path: Path) -> None:
    """In one line each, with what to do; so do those who look for it."""
    data_dir = data_of(tmp_path)
    told = await asyncio.to_thread(tidegauge, "web", cwd=tmp_path)
    assert told.code == 1
    assert "tidegauge serve" in told.complaints[0]
    tokens = tokens_made(data_dir)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        refused = (
            (("serve", "--port", port), "Address already in use"),
            (("serve", "--host", "0.0.0.0"), "serve.exposed"),
            (("monitor", "--symbol", "BTCUSDT", "--serve", "--dry-run"), "Address already in use"),
        )
        env = {"TIDEGAUGE_SERVE__PORT": port}
        ended = await asyncio.gather(
            *(
                asyncio.to_thread(tidegauge, *arguments, cwd=tmp_path, env=env)
                for arguments, _why in refused
            )
        )
        for told, (arguments, why) in zip(ended, refused, strict=True):
            assert told.code == 1, arguments
            assert len(told.complaints) == 1
            assert why in told.complaints[0]
    (data_dir / FILE).chmod(0o644)
    told = await asyncio.to_thread(tidegauge, "serve", cwd=tmp_path, env=ANY_PORT)
    assert "Others may read the tokens" in told.complaints[0]
    assert tokens.operate not in told.err


async def force_errors(session: aiohttp.ClientSession, address: str, tokens: Tokens) -> bytes:
    """Ask in every way that goes wrong, with secrets in every wrong place; return all that was said."""
    said = b""
    bearer = {"Authorization": f"Bearer {tokens.operate}"}
    secrets = (tokens.read, tokens.operate, tokens.secret)
    for secret in secrets:
        for path in (
            f"/{secret}",
            f"/picture?token={secret}",
            f"/login?code={secret}",
            "/history/a/b",
        ):
            for headers in (
                {},
                {"Authorization": secret},
                {"Cookie": f"tidegauge={secret}"},
                bearer,
            ):
                async with session.get(f"{address}{path}", headers=headers) as answer:
                    said += await answer.read() + str(answer.headers).encode()
        for path in ("/silences", "/incidents/x/comment", "/login-links", f"/{secret}"):
            for body in (b"{", f'{{"comment": ["{secret}"], "scope": "{secret}"}}'.encode()):
                headers = {**bearer, "content-type": "application/json"}
                async with session.post(f"{address}{path}", data=body, headers=headers) as answer:
                    said += await answer.read()
        with contextlib.suppress(aiohttp.ClientError):
            await session.ws_connect(f"{address}/stream?token={secret}")
    return said


async def test_no_secret_is_ever_told(tmp_path: Path) -> None:
    """Neither in an answer nor in the log: tokens, codes, cookies, the password of the database."""
    env = {
        "TIDEGAUGE_DATABASE_URL": "postgresql://tidegauge@127.0.0.1:9/none",
        "TIDEGAUGE_DATABASE_PASSWORD": DATABASE_CANARY,
        "TIDEGAUGE_LOGGING__LEVEL": "debug",
    }
    async with serving(tmp_path, **env) as (command, address), browser() as session:
        tokens = tokens_in(data_of(tmp_path))
        said = await force_errors(session, address, tokens)
        headers = {"Authorization": f"Bearer {tokens.operate}"}
        async with session.post(f"{address}/login-links", headers=headers) as made:
            link = (await made.json())["url"]
        assert await asked(session, link) == 303
        assert await asked(session, link) == 403
        (cookie,) = [each.value for each in session.cookie_jar if each.key.startswith("tidegauge-")]
        command.signal(signal.SIGINT)
        ended = await command.ended()
    assert len(said) > 10_000
    log = (ended.out + ended.err).encode()
    assert b"api_serving" in log
    code = link.partition("code=")[2]
    for secret in (tokens.read, tokens.operate, tokens.secret, DATABASE_CANARY):
        assert secret.encode() not in said
        assert secret.encode() not in log
    for secret in (code, cookie):
        assert secret.encode() not in log


def children_of(process: int) -> list[int]:
    """Return the processes that a process started."""
    text = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="ascii")
    return [int(each) for each in text.split()]


def commands(processes: list[int]) -> dict[int, str]:
    """Return what was started, by process."""
    found = {}
    for each in processes:
        with contextlib.suppress(OSError):
            found[each] = Path(f"/proc/{each}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    return found


def companions() -> dict[int, str]:
    """Return the APIs that this process keeps."""
    found = commands(children_of(os.getpid()))
    return {pid: line for pid, line in found.items() if "--companion" in line}


async def test_a_companion_is_started_again_and_ends_with_its_monitor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has less of the processor, no secret in its arguments, and its log is in ours."""
    monkeypatch.setenv("TIDEGAUGE_SERVE__PORT", "0")
    settings = Settings(data_dir=tmp_path, serve=ServeSettings(port=0))
    with structlog.testing.capture_logs() as lines:
        async with Companion.of(settings, None) as companion:
            first = await address_in(tmp_path)
            said = await companion.introduction(link=True)
            assert said.startswith(f"web: {first}/login?code=")
            ((pid, line),) = companions().items()
            ours, lowest = os.getpriority(os.PRIO_PROCESS, 0), 19
            assert os.getpriority(os.PRIO_PROCESS, pid) == min(lowest, ours + NICENESS)
            tokens = tokens_in(tmp_path)
            assert not {tokens.read, tokens.operate, tokens.secret} & set(line.split())
            os.kill(pid, signal.SIGKILL)
            await until(lambda: bool(companions().keys() - {pid}), PATIENCE_S)
            assert await address_in(tmp_path)
        assert companions() == {}
    events = [each["event"] for each in lines]
    assert events.count("api_serving") == 2
    assert {"event": "api_ended", "code": -signal.SIGKILL}.items() <= next(
        each for each in lines if each["event"] == "api_ended"
    ).items()


async def test_a_companion_that_cannot_start_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its monitor goes on, and tries again."""
    monkeypatch.setattr("tidegauge.faces.api.companion.READY_WITHIN_S", PATIENCE_S)
    with structlog.testing.capture_logs() as lines:
        async with Companion(tmp_path, ("--host", "no-such-host.invalid")) as companion:
            said = await companion.introduction(link=True)
            await until(lambda: any(each["event"] == "api_ended" for each in lines))
    assert "no-such-host.invalid" in said
    ended = next(each for each in lines if each["event"] == "api_ended")
    assert "no-such-host.invalid" in ended["reason"]


async def test_where_another_serves_no_companion_is_started(tmp_path: Path) -> None:
    """Several daemons of one data directory have one API."""
    with claimed(tmp_path) as address, structlog.testing.capture_logs() as lines:
        address.write_text("http://127.0.0.1:1", encoding="utf-8")
        async with Companion.of(Settings(data_dir=tmp_path), None) as companion:
            said = await companion.introduction(link=False)
            await until(lambda: bool(lines))
            assert companions() == {}
    assert said == f"web: http://127.0.0.1:1 (log in by `tidegauge web --data-dir {tmp_path}`)"
    assert [each["event"] for each in lines] == ["api_served_elsewhere"]


async def test_a_monitor_serves_what_it_sees(tmp_path: Path) -> None:
    """`monitor --serve` is ready once it sees its books, and takes its API along when it ends."""
    async with LocalVenues(venues=("binance",)) as served:
        env = {**endpoints(served.endpoints), **ANY_PORT}
        what = ("--symbol", "BTCUSDT", "--venue", "binance", "--dry-run", "--serve", "--plain")
        async with running("monitor", *what, cwd=tmp_path, env=env) as monitor:
            address = await address_in(data_of(tmp_path))
            token = tokens_in(data_of(tmp_path)).read
            async with browser() as session, asyncio.timeout(PATIENCE_S):
                for path in ("/readyz", "/readings/binance/BTCUSDT"):
                    while await asked(session, f"{address}{path}", token) != 200:
                        await asyncio.sleep(0.05)
            await until(lambda: any("web: " in line for line in monitor.out))
            await until(lambda: monitor.said("api_serving"))
            (api,) = commands(children_of(monitor.process.pid))
            # However its monitor dies, it does not stay behind.
            monitor.signal(signal.SIGKILL)
            ended = await monitor.ended()
            await until(lambda: not commands([api]).get(api))  # a zombie's is empty
    assert f"web: {address} (log in by `tidegauge web`)" in ended.out
