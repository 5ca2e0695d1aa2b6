"""Canaries in every secret of the notifications, every way to fail, and a search for them everywhere."""

import asyncio
import io
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from tests.support.canaries import echoing, environment, no_canary_in
from tests.support.cli import tidegauge
from tests.support.database import until
from tests.support.pages import a_page

from tidegauge.core.desk import Delivery
from tidegauge.runtime.logging import configure_logging
from tidegauge.runtime.notifying import notifying
from tidegauge.runtime.settings import Settings, load_settings, secrets


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
