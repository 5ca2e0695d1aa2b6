"""Settings come from five layers, and each value knows which."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from tidegauge.runtime.redaction import MASK
from tidegauge.runtime.settings import Loaded, Settings, describe, load_settings, secrets


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run in an empty directory: no settings but those the test makes."""
    monkeypatch.chdir(tmp_path)


def load(
    yaml: str | None = None,
    dotenv: str | None = None,
    environ: Mapping[str, str] | None = None,
    flags: Mapping[str, Any] | None = None,
) -> Loaded:
    """Load from the usual places, which hold what is given here."""
    if yaml is not None:
        Path("config").mkdir(exist_ok=True)
        Path("config/settings.yaml").write_text(yaml, encoding="utf-8")
    if dotenv is not None:
        Path(".env").write_text(dotenv, encoding="utf-8")
    return load_settings(environ=environ or {}, flags=flags or {})


def test_nothing_set_is_the_defaults() -> None:
    """And every origin says so."""
    loaded = load()
    assert loaded.settings == Settings(data_dir=loaded.settings.data_dir)
    assert set(loaded.origins.values()) == {"default"}


def test_each_layer_covers_the_one_below() -> None:
    """Defaults, file, .env, environment, flags; the origin names the one that won."""
    key, variable = "feed.mailbox", "TIDEGAUGE_FEED__MAILBOX"
    layers: list[tuple[dict[str, Any], int, str]] = [
        ({}, 4096, "default"),
        ({"yaml": "feed: {mailbox: 100}"}, 100, "config/settings.yaml"),
        ({"dotenv": f"{variable}=200"}, 200, ".env"),
        ({"environ": {variable: "300"}}, 300, variable),
        ({"flags": {"feed": {"mailbox": 400}}}, 400, "flag"),
    ]
    given: dict[str, Any] = {}
    for more, value, origin in layers:
        given |= more
        loaded = load(**given)
        assert loaded.settings.feed.mailbox == value
        assert loaded.origins[key] == origin


def test_a_lower_layer_keeps_what_a_higher_one_does_not_name() -> None:
    """Layers are laid over each other value by value, not group by group."""
    loaded = load(
        yaml="feed: {mailbox: 100, max_frame_mb: 8}",
        environ={"TIDEGAUGE_FEED__MAILBOX": "300"},
    )
    assert (loaded.settings.feed.mailbox, loaded.settings.feed.max_frame_mb) == (300, 8)
    assert loaded.origins["feed.max_frame_mb"] == "config/settings.yaml"


def test_a_named_file_is_read_in_place_of_the_usual_one(tmp_path: Path) -> None:
    """`--config` before TIDEGAUGE_CONFIG, in the environment before in .env."""
    for name, mailbox in (("a", 101), ("b", 102), ("c", 103)):
        (tmp_path / name).write_text(f"feed: {{mailbox: {mailbox}}}", encoding="utf-8")
    load(yaml="feed: {mailbox: 100}", dotenv=f"TIDEGAUGE_CONFIG={tmp_path / 'c'}\n")
    assert load_settings(environ={}).settings.feed.mailbox == 103
    environ = {"TIDEGAUGE_CONFIG": str(tmp_path / "b")}
    assert load_settings(environ=environ).settings.feed.mailbox == 102
    loaded = load_settings(environ=environ, config=tmp_path / "a")
    assert loaded.settings.feed.mailbox == 101
    assert loaded.origins["feed.mailbox"] == str(tmp_path / "a")


def test_no_dotenv_is_read_when_none_is_wanted() -> None:
    """The demo and the tests live by embedded defaults."""
    load(dotenv="TIDEGAUGE_FEED__MAILBOX=200")
    assert load_settings(environ={}, dotenv=None).settings.feed.mailbox == 4096


def test_the_short_names_work_and_their_secrets_are_masked() -> None:
    """The four variables everyone knows."""
    loaded = load(
        environ={
            "TIDEGAUGE_DATABASE_URL": "postgresql://tide:canary1@db/x",
            "TIDEGAUGE_DATABASE_PASSWORD": "canary2",
            "TIDEGAUGE_PG_BIN": "/opt/pg/bin",
            "TIDEGAUGE_DATA_DIR": "~/tide",
            "TIDEGAUGE_PROXY": "http://me:canary3@proxy:3128",
        }
    )
    database = loaded.settings.database
    assert database.url is not None
    assert database.url.get_secret_value() == "postgresql://tide:canary1@db/x"
    assert database.pg_bin == Path("/opt/pg/bin")
    assert loaded.settings.data_dir == Path.home() / "tide"
    rows = {key: (value, origin) for key, value, origin in describe(loaded)}
    assert rows["database.url"] == (f"postgresql://tide:{MASK}@db/x", "TIDEGAUGE_DATABASE_URL")
    assert rows["database.password"] == (MASK, "TIDEGAUGE_DATABASE_PASSWORD")
    assert rows["proxy"] == (f"http://me:{MASK}@proxy:3128", "TIDEGAUGE_PROXY")
    for shown in (repr(loaded), str(loaded.settings), str(loaded.settings.model_dump()), str(rows)):
        assert "canary" not in shown
    assert set(secrets(loaded.settings)) == {"canary1", "canary2", "canary3"}


def test_a_secret_may_be_kept_in_a_file(tmp_path: Path) -> None:
    """As containers and systemd hand them out: a line, named by the variable with _FILE behind it."""
    (tmp_path / "password").write_text("canary1 with $igns\n")
    (tmp_path / "slack").write_text("https://hooks.example.com/canary2")
    loaded = load(
        environ={
            "TIDEGAUGE_DATABASE_PASSWORD_FILE": str(tmp_path / "password"),
            "TIDEGAUGE_NOTIFY__CHANNELS__SLACK__URL_FILE": str(tmp_path / "slack"),
            "TIDEGAUGE_DATABASE_URL_FILE": "",
        }
    )
    password = loaded.settings.database.password
    assert password is not None
    assert password.get_secret_value() == "canary1 with $igns"
    assert loaded.settings.database.url is None
    rows = {key: (value, origin) for key, value, origin in describe(loaded)}
    assert rows["database.password"] == (MASK, "TIDEGAUGE_DATABASE_PASSWORD_FILE")
    assert "notify.channels.slack.url" in rows
    assert "canary" not in str(rows)
    assert any("canary2" in each for each in secrets(loaded.settings))


def test_a_variable_holds_lists_groups_numbers_and_nothing() -> None:
    """Commas, semicolons, `none`; a variable that is empty is as good as not set."""
    settings = load(
        yaml="symbols: {BTCUSDT: {execution_size: 7}}",
        environ={
            "TIDEGAUGE_VENUES": "bybit, Binance_Futures",
            "TIDEGAUGE_QUOTES_ALIKE": "usdt,usd;EUR,EURC",
            "TIDEGAUGE_READINGS__NOTIONALS": "1e5,250000.50",
            "TIDEGAUGE_READINGS__BANDS_BPS": "5,25",
            "TIDEGAUGE_SYMBOLS__BTCUSDT__EXECUTION_SIZE": "none",
            "TIDEGAUGE_LOGGING__LEVEL": "DEBUG",
            "TIDEGAUGE_FEED__MAILBOX": "",
            "OTHER": "x",
        },
    ).settings
    assert settings.venues == ("bybit", "binance-futures")
    assert settings.quotes_alike == (("USDT", "USD"), ("EUR", "EURC"))
    assert settings.readings.notionals == (Decimal(100_000), Decimal("250000.50"))
    assert settings.readings.bands_bps == (5, 25)
    assert settings.symbols["BTCUSDT"].execution_size is None
    assert settings.logging.level == "debug"
    assert settings.feed.mailbox == 4096


def test_a_variable_adds_to_a_table_under_our_spelling() -> None:
    """No variable may hold a hyphen; symbols are in capitals, venues are not."""
    loaded = load(
        environ={
            "TIDEGAUGE_ENDPOINTS__BINANCE_FUTURES__WS_URL": "ws://localhost:9001",
            "TIDEGAUGE_SYMBOLS__SOLUSDT__INSTRUMENTS__HYPERLIQUID": "SOL",
            "TIDEGAUGE_SYMBOLS__SOLUSDT__INSTRUMENTS__BYBIT_SPOT": "none",
        }
    )
    assert loaded.settings.endpoints["binance-futures"].ws_url == "ws://localhost:9001"
    assert loaded.settings.symbols["SOLUSDT"].instruments == {
        "hyperliquid": "SOL",
        "bybit-spot": None,
    }
    assert "BTCUSDT" in loaded.settings.symbols
    key = "symbols.SOLUSDT.instruments.hyperliquid"
    assert loaded.origins[key] == "TIDEGAUGE_SYMBOLS__SOLUSDT__INSTRUMENTS__HYPERLIQUID"


def test_a_table_in_the_file_stands_in_place_of_the_built_in_one() -> None:
    """What the file shows is what there is; higher layers add to it."""
    loaded = load(
        yaml="symbols:\n  solusdt:\n    instruments: {Hyperliquid: SOL, bybit-spot: null}\n",
        flags={"symbols": {"XRPUSDT": {"execution_size": Decimal(5)}}},
    )
    assert sorted(loaded.settings.symbols) == ["SOLUSDT", "XRPUSDT"]
    assert loaded.settings.symbols["SOLUSDT"].instruments == {
        "hyperliquid": "SOL",
        "bybit-spot": None,
    }
    assert loaded.origins["symbols.XRPUSDT.execution_size"] == "flag"
    assert not any(key.startswith("symbols.BTCUSDT") for key in loaded.origins)


def test_a_heading_without_lines_says_nothing() -> None:
    """All its lines may be commented out."""
    settings = load(yaml="feed:\nsymbols:\nendpoints:\n  binance:\n").settings
    assert settings.feed.mailbox == 4096
    assert "BTCUSDT" in settings.symbols
    assert settings.endpoints["binance"].ws_url is None
    assert load(yaml="# nothing\n").settings.feed.mailbox == 4096


def test_a_flag_that_was_not_given_is_none_and_says_nothing() -> None:
    """The CLI hands over all of its flags."""
    loaded = load(flags={"data_dir": None, "logging": {"level": None}, "venues": ["bybit"]})
    assert loaded.settings.venues == ("bybit",)
    assert loaded.origins["logging.level"] == "default"


def test_a_dotenv_value_is_taken_as_written() -> None:
    """Quotes and `export` are understood; `$` and `#` in a password are not touched."""
    loaded = load(
        dotenv='export TIDEGAUGE_DATABASE_PASSWORD="a$HOME#b"\n# note\nOTHER=1\nTIDEGAUGE_PG_BIN\n'
    )
    password = loaded.settings.database.password
    assert password is not None
    assert password.get_secret_value() == "a$HOME#b"


def test_the_tree_is_frozen_through_and_through() -> None:
    """Nothing that runs can change what it runs by."""
    settings = Settings()
    with pytest.raises(ValidationError, match="frozen"):
        settings.feed.mailbox = 1
    with pytest.raises(ValidationError, match="frozen"):
        settings.venues = ()
    with pytest.raises(TypeError):
        settings.symbols["X"] = settings.symbols["BTCUSDT"]  # type: ignore[index]
    with pytest.raises(TypeError):
        settings.symbols["BTCUSDT"].instruments["x"] = None  # type: ignore[index]


def test_the_tree_alone_reads_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """`Settings()` in a test is the defaults, whatever the machine says."""
    monkeypatch.setenv("FEED", '{"mailbox": 17}')
    monkeypatch.setenv("TIDEGAUGE_FEED__MAILBOX", "18")
    assert Settings().feed.mailbox == 4096
    assert load_settings().settings.feed.mailbox == 18


def test_every_row_of_the_description_is_text() -> None:
    """For `tidegauge config`: key, value as a variable holds it, origin."""
    rows = describe(load(flags={"readings": {"notionals": [Decimal("1E+5")]}}))
    assert all(isinstance(cell, str) for row in rows for cell in row)
    shown = {key: value for key, value, _origin in rows}
    assert shown["readings.notionals"] == "100000"
    assert shown["quotes_alike"] == "USDT,USDC,USD"
    assert shown["endpoints"] == "none"
    assert shown["database.url"] == "none"
    assert shown["symbols.BTCUSDT.instruments.hyperliquid"] == "BTC"
