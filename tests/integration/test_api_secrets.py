"""Canaries in every secret, a monitor in trouble, and a search of all that the API, the page, the metrics,
the log and the database ever said of it (S-03).
"""

import io
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import structlog
from tests.support.api import every_route
from tests.support.api_over import Api, api_over
from tests.support.canaries import echoing, environment, no_canary_in
from tests.support.database import until
from tests.support.windowed import daemon_over_venues

from tidegauge.core.desk import Matcher
from tidegauge.core.instrument import SECOND
from tidegauge.risk.ruleset import DeskRules, Route, RuleSet
from tidegauge.risk.signal_settings import HealthSettings
from tidegauge.runtime.logging import configure_logging
from tidegauge.runtime.settings import load_settings, secrets
from tidegauge.sinks.connect import Database

SAID = ("BTCUSDT", "binance", "INC-0000", "calm", "\x00", "../../api-tokens", "'--", "9" * 400)
HEALTH = HealthSettings(degraded_after=SECOND // 10, down_after=SECOND // 5)


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


async def test_no_secret_reaches_an_answer_a_page_a_metric_the_log_or_a_row(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every route is asked well and badly, while every channel fails in every way."""
    log = io.StringIO()
    async with echoing(tmp_path) as (receiver, authority):
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
        named = environment(receiver.port, authority)
        own = {name: text for name, text in named.items() if name.startswith("TIDEGAUGE_")}
        known = load_settings(environ=own, dotenv=None).settings
        channels = tuple(known.notify.channels)
        desk = DeskRules(routes=(Route(matcher=Matcher(), channels=channels),))
        rules = RuleSet(health=HEALTH, desk=desk)
        folder = tmp_path / "data"
        async with (
            daemon_over_venues(folder, database, rules=rules, notify=known.notify) as (app, venues),
            api_over(folder, app.settings) as api,
        ):
            tokens = (api.tokens.read, api.tokens.operate, api.tokens.secret)
            hidden = (*secrets(app.settings), *tokens)
            configure_logging(level="debug", format="json", secrets=hidden, stream=log)
            venues.dialects["binance"].refuse_with = 503
            venues.dialects["binance"].cut()
            await until(lambda: '"channel_failing"' in log.getvalue())
            await until(lambda: told_of_failures(api))
            said = b"".join([body async for body in answers(api)])
        rows = await everything_stored(database)
    assert b"INC-" in said
    assert b"tidegauge_notifications_total" in said
    for where, text in (
        ("the answers", said),
        ("the log", log.getvalue().encode()),
        ("the database", rows),
    ):
        no_canary_in(text, where)
        for secret in (*tokens, database.password or "no password"):
            assert secret.encode() not in text, where


def told_of_failures(api: Api) -> bool:
    """Whether what is answered tells of an incident, and of pages that failed."""
    picture = api.hub.picture()
    return bool(picture.incidents) and any(d.notifications for d in picture.daemons.values())


async def answers(api: Api) -> Any:
    """Iterate over the heads and bodies of the answers of every route, asked in every way."""
    for method, route in every_route(api.app, "{}"):
        if method in ("HEAD", "WS"):
            continue
        for word in SAID:
            path = route.replace("{}", quote(word, safe=""))
            query = {"symbol": word, "side": word, "notional": word, "from": word, "code": word}
            for asked in ({}, query):
                async with api.session.request(
                    method, f"{api.url}{path}", params=asked, json={"comment": word, "by": word}
                ) as answer:
                    assert answer.status < 500 or answer.status == 503, (method, path)
                    yield repr(answer.headers).encode() + await answer.read()


async def everything_stored(database: Database) -> bytes:
    """Return every row of every table, as text."""
    found = []
    async with database.session() as connection:
        tables = await connection.fetch(
            "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables"
            " WHERE schemaname = 'tidegauge'"
        )
        for table in tables:
            rows = await connection.fetch(f"SELECT t::text AS row FROM {table['name']} AS t")
            found += [row["row"].encode() for row in rows]
    assert found
    return b"\n".join(found)
