"""Canaries in every secret of the notifications, every way to fail, and a search for them everywhere."""

import asyncio
import io
import logging
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import unquote

import pytest
import structlog
import trustme
from tests.support.cli import tidegauge
from tests.support.database import until
from tests.support.pages import a_page
from tests.support.receivers import HANGING, RESET, Act, Receiver, receiving

from tidegauge.core.desk import Delivery
from tidegauge.runtime.logging import configure_logging
from tidegauge.runtime.notifying import notifying
from tidegauge.runtime.settings import Settings, load_settings, secrets

ECHO = [
    Act(status=404, echo=True, taken=False),
    Act(status=400, echo=True, taken=False),
    Act(status=500, echo=True, taken=False),
    Act(status=302, echo=True, headers=(("Location", "https://127.0.0.1:9/"),), taken=False),
    Act(status=429, echo=True, headers=(("Retry-After", "0"),), taken=False),
    HANGING,
    RESET,
]
CANARIES = (
    *("T0CANARY1", "B0CANARY2", "cAnArYcAnArYcAnArY003"),
    *("AAcanary-_token0000", "pdCANARYpdCANARYpdCANARYpdCANARY"),
    *("h00k-CANARY-password", "hook-CANARY-path-9", "hookCANARYquery99"),
    *("m4il%2FCANARY-password", "0f8fad5b-CANARY-469f-a165"),
)


def all_forms() -> set[bytes]:
    """Each canary as it is, decoded, as a header has it, and pieces of ten characters of each."""
    told = {form for each in CANARIES for form in (each, unquote(each))}
    told.add(b64encode(b"me:h00k-CANARY-password").decode())
    told |= {each[at : at + 10] for each in set(told) for at in range(len(each) - 9)}
    return {each.encode() for each in told if "anary" in each.lower() or len(each) > 9}


def environment(port: int, authority: Path) -> dict[str, str]:
    """Return the variables: every service, each with its secrets, at a receiver on this machine."""
    host = f"127.0.0.1:{port}"
    urls = {
        "SLACK": f"slack+https://{host}/services/T0CANARY1/B0CANARY2/cAnArYcAnArYcAnArY003",
        "TELEGRAM": f"telegram+https://1234:AAcanary-_token0000@{host}/-100",
        "PAGERDUTY": f"pagerduty+https://:pdCANARYpdCANARYpdCANARYpdCANARY@{host}",
        "HOOK": f"https://me:h00k-CANARY-password@{host}/hook-CANARY-path-9?k=hookCANARYquery99",
        "AM": f"alertmanager+https://am:h00k-CANARY-password@{host}/hook-CANARY-path-9",
        "MAIL": f"smtps://bot:m4il%2FCANARY-password@{host}?from=a@example.com&to=b@example.com",
        "NOBODY": "https://127.0.0.1:9/hook-CANARY-path-9?k=hookCANARYquery99",
        "REFUSED": "https://169.254.169.254/hook-CANARY-path-9?k=hookCANARYquery99",
    }
    named = {f"TIDEGAUGE_NOTIFY__CHANNELS__{name}__URL": url for name, url in urls.items()}
    named |= {f"TIDEGAUGE_NOTIFY__CHANNELS__{name}__TIMEOUT_S": "1" for name in urls}
    return {
        **named,
        "TIDEGAUGE_NOTIFY__CHANNELS__SLACK__FALLBACK": "mail",
        "TIDEGAUGE_NOTIFY__CHANNELS__SLACK__FALLBACK_AFTER_S": "1",
        "TIDEGAUGE_NOTIFY__ALLOW_HOSTS": "127.0.0.1",
        "TIDEGAUGE_NOTIFY__DEAD_MAN_URL": f"https://{host}/0f8fad5b-CANARY-469f-a165",
        "TIDEGAUGE_NOTIFY__DEAD_MAN_EVERY_S": "0.2",
        "TIDEGAUGE_LOGGING__LEVEL": "debug",
        "SSL_CERT_FILE": str(authority),
    }


@asynccontextmanager
async def echoing(tmp_path: Path) -> AsyncIterator[tuple[Receiver, Path]]:
    """A receiver behind TLS that says back what it is sent, in every kind of failure."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    async with receiving(ECHO * 8, tls=context) as receiver:
        receiver.then = ECHO[0]
        yield receiver, tmp_path / "authority.pem"


def no_canary_in(text: bytes, where: str) -> None:
    found = [each for each in all_forms() if each in text]
    assert not found, f"{found} in {where}"


@pytest.fixture(autouse=True)
def _own_logging() -> Iterator[None]:
    """Give the process its logging back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


async def test_no_secret_reaches_the_log_the_disk_or_what_is_stored_of_deliveries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run in which every channel fails in every way, with the log at its most talkative."""
    log = io.StringIO()
    told: list[Delivery] = []
    async with echoing(tmp_path) as (receiver, authority):
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
        settings = _settings(tmp_path, environment(receiver.port, authority))
        configure_logging(level="debug", format="json", secrets=secrets(settings), stream=log)
        async with notifying(settings, "run", healthy=lambda: True, told=told.append) as notifier:
            for number in range(3):
                await notifier.put(a_page(number, *settings.notify.channels))
            channels = set(settings.notify.channels)
            await until(
                lambda: {each.channel for each in told if each.attempts > 1} == channels, 60
            )
            await until(lambda: '"dead_man_not_told"' in log.getvalue())
            # The switch takes some of the answers: wait until each kind came to a channel.
            await until(lambda: {"404", "500", "429"} <= {each.said[:3] for each in told}, 60)
    assert "channel_failing" in log.getvalue()
    no_canary_in(log.getvalue().encode(), "the log")
    no_canary_in(repr((told, settings, notifier)).encode(), "the records of deliveries")
    for path in (tmp_path / "data").rglob("*"):
        if path.is_file():
            no_canary_in(path.read_bytes(), str(path))


def _settings(tmp_path: Path, environ: dict[str, str]) -> Settings:
    file = tmp_path / "settings.yaml"
    file.write_text(f"data_dir: {tmp_path / 'data'}\n")
    named = {name: text for name, text in environ.items() if name.startswith("TIDEGAUGE_")}
    return load_settings(config=file, environ=named, dotenv=None).settings


async def test_no_secret_is_told_by_the_commands(tmp_path: Path) -> None:
    """`notify test` on every channel, `notify status`, `config`, and settings that cannot be used."""
    async with echoing(tmp_path) as (receiver, authority):
        environ = environment(receiver.port, authority)
        flags = ("--data-dir", str(tmp_path / "data"))
        broken = {**environ, "TIDEGAUGE_NOTIFY__CHANNELS__SLACK__FALLBACK": "nobody"}
        for command, env in (
            (("notify", "test", *flags), environ),
            (("notify", "status", *flags), environ),
            (("config",), environ),
            (("config", "--json"), environ),
            (("notify", "test", *flags), broken),
        ):
            told = await asyncio.to_thread(tidegauge, *command, cwd=tmp_path, env=env)
            assert "Traceback" not in told.err
            assert told.out or told.err
            no_canary_in((told.out + told.err).encode(), " ".join(command))
