"""Whatever is wrong with a setting is one line: what, where, and what to do."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegauge.core.errors import OperatorError
from tidegauge.runtime.settings import load_settings
from tidegauge.runtime.settings_errors import nearest, shorten, unknown_name


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def refusal(yaml: str | None = None, dotenv: str | None = None, **environ: str) -> str:
    """Return what is said about these settings."""
    if yaml is not None:
        Path("s.yaml").write_text(yaml, encoding="utf-8")
    if dotenv is not None:
        Path(".env").write_text(dotenv, encoding="utf-8")
    named = {f"TIDEGAUGE_{name}": value for name, value in environ.items()}
    with pytest.raises(OperatorError) as caught:
        load_settings(config=Path("s.yaml") if yaml is not None else None, environ=named)
    said = str(caught.value)
    assert "\n" not in said
    return said


@pytest.mark.parametrize(
    ("yaml", "said"),
    [
        ("feed:\n  mailbx: 3", "Unknown setting 'feed.mailbx' in s.yaml, line 2. Did you mean 'feed.mailbox'?"),
        ("feeds: {}", "Unknown setting 'feeds' in s.yaml, line 1. Did you mean 'feed'?"),
        ("mailbox: 9", "Unknown setting 'mailbox' in s.yaml, line 1. Did you mean 'feed.mailbox'?"),
        ("logging: {zzz: 1}", "Unknown setting 'logging.zzz' in s.yaml, line 1. Known in logging: format, level"),
        ("endpoints: {binance: {ws: x}}", "'endpoints.binance.ws' in s.yaml, line 1. Did you mean 'endpoints.binance.ws_url'?"),
        ("symbols:\n  btcusdt: {size: 1}", "Unknown setting 'symbols.BTCUSDT.size' in s.yaml, line 2."),
        ("? [a, b]\n: 3", "Unknown setting '?' in s.yaml, line 1."),
    ],
)  # fmt: skip
def test_an_unknown_name_is_refused_with_the_nearest_known_one(yaml: str, said: str) -> None:
    """A typing error must not be a setting that silently does nothing."""
    assert said in refusal(yaml)


@pytest.mark.parametrize(
    ("yaml", "said"),
    [
        ("feed: {mailbox: 3}", "feed.mailbox is 3, but must be at least 16 and at most 1048576 (s.yaml, line 1)"),
        ("feed: {mailbox: lots}", "feed.mailbox is 'lots', but must be a whole number, at least 16"),
        ("feed: {mailbox: 1.5}", "must be a whole number"),
        ("feed: {open_timeout_s: .nan}", "must be a finite number, more than 0"),
        ("feed:\n  mailbox: 9\n  max_frame_mb: 0", "(s.yaml, line 2) (1 more like it)"),
        ("logging: {level: loud}", "logging.level is 'loud', but must be one of debug, info, warning, error"),
        ("readings: {bands_bps: [0, 10]}", "readings.bands_bps.0 is 0, but must be at least 1 and at most 5000"),
        ("readings: {bands_bps: 7}", "readings.bands_bps is 7, but must be a list"),
        ("database: {batch_rows: 60000}", "database: batch_rows (60000) must not exceed queue_rows (50000) (s.yaml, line 1)"),
        ("feed: {mailbox: 2001-01-01}", "must be a whole number"),
        ("feed: {mailbox: true}", "feed.mailbox is true, but must be a number, at least 16 and at most 1048576 (s.yaml, line 1)"),
        ("logging: {level: debog}", "debug, info, warning, error; did you mean 'debug'? (s.yaml, line 1)"),
        ("crunch: {step: {hold_s: 1}}", "crunch is no longer a setting in s.yaml, line 1. Thresholds are rules now: write crunch in config/rules.yaml"),
        ("windows:\n  slow: 60", "windows is no longer a setting in s.yaml, line 1."),
        ("symbols: {btcusdt: {floor_depth_quote: 1}}", "write symbols.BTCUSDT.crunch.floor_depth_quote in config/rules.yaml"),
        ("venues: []", "venues is [], but must not be shorter than 1"),
        ("endpoints: {binance: {ws_url: 'http://h'}}", "must be a URL that begins with wss:// or ws://"),
        ("symbols: {BTCUSDT: {instruments: {binance: 1}}}", "symbols.BTCUSDT.instruments.binance is 1, but must be text"),
        ("feed: 4", "feed must be a group of settings (s.yaml, line 1). Write `name: value`."),
        ("- a", "the file must be a group of settings"),
        ("data_dir: ~nobody-of-that-name/x", "names a home directory that is not known"),
        (f"feed: {{mailbox: {'9' * 90}}}", "99..., but must be"),
    ],
)  # fmt: skip
def test_a_value_that_will_not_do_names_key_value_range_and_place(yaml: str, said: str) -> None:
    """The line of the file, too."""
    assert said in refusal(yaml)


@pytest.mark.parametrize(
    ("yaml", "said"),
    [
        ("a: [", "Malformed YAML in s.yaml, line 1, column 5: expected the node content"),
        ("feed:\n\tmailbox: 9", "line 2, column 1: found character '\\t'"),
        ("feed: {\n  mailbox: 9\n: x", "Malformed YAML in s.yaml, line 3"),
        ("\n  a: \x07", "line 2, column 6: special characters are not allowed"),
        ("feed: {mailbox: !!python/name:os.system x}", "could not determine a constructor"),
        ("feed: {mailbox: &a [*a]}", "recursive"),
        (f"feed: {'[' * 1200}", "Malformed YAML in s.yaml: nested too deep"),
        ("feed: {mailbox: 20, mailbox: 30}", "feed.mailbox is set twice (s.yaml, line 1)"),
        ("symbols: {btcusdt: {}, BTCUSDT: {}}", "symbols.BTCUSDT is set twice"),
        ("feed: {mailbox: !!int lots}", "feed.mailbox can't be read as what it seems to be"),
    ],
)
def test_malformed_yaml_names_file_line_and_column(yaml: str, said: str) -> None:
    """And what the parser stumbled over."""
    assert said in refusal(yaml)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """Missing, a directory, not text, no name at all."""
    Path("latin.yaml").write_bytes(b"a: \xe9")
    for path, said in (
        ("none.yaml", "Can't read settings file none.yaml: No such file or directory"),
        (str(tmp_path), "Is a directory"),
        ("latin.yaml", "settings file latin.yaml is not UTF-8 text (byte 3)"),
        ("a\0b", "Can't read settings file"),
    ):
        assert said in refusal(CONFIG=path)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("DATABSE_URL", "Unknown variable TIDEGAUGE_DATABSE_URL. Did you mean TIDEGAUGE_DATABASE_URL?"),
        ("FEED__MAILBX", "Did you mean TIDEGAUGE_FEED__MAILBOX?"),
        ("CONFG", "Did you mean TIDEGAUGE_CONFIG?"),
        ("ENDPOINTS__BYBIT_SPOT__WSURL", "Did you mean TIDEGAUGE_ENDPOINTS__BYBIT_SPOT__WS_URL?"),
        ("QQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQ", "`.env.example` lists them all."),
        ("FEED", "TIDEGAUGE_FEED names a group of settings (TIDEGAUGE_FEED). Set one of them, such as TIDEGAUGE_FEED__BOOK_LEVELS_KEPT."),
        ("SYMBOLS", "such as TIDEGAUGE_SYMBOLS__<NAME>."),
        ("SYMBOLS____EXECUTION_SIZE", "Unknown variable TIDEGAUGE_SYMBOLS____EXECUTION_SIZE"),
        ("CRUNCH__STEP__HOLD_S", "crunch.step.hold_s is no longer a setting (TIDEGAUGE_CRUNCH__STEP__HOLD_S). Thresholds are rules now: write crunch.step.hold_s in config/rules.yaml"),
        ("CRUNCH__REFERENCE_NOTIONAL", "write crunch.reference_notional_quote in config/rules.yaml"),
        ("WINDOWS__SLOW", "windows.slow is no longer a setting (TIDEGAUGE_WINDOWS__SLOW)"),
        ("SYMBOLS__BTCUSDT__CEILING_SPREAD_BPS", "write symbols.BTCUSDT.crunch.ceiling_spread_bps in"),
        ("FEED__MAILBOX__X", "Unknown variable TIDEGAUGE_FEED__MAILBOX__X"),
        ("FEED__MAILBOX", "feed.mailbox is '1', but must be at least 16 and at most 1048576 (TIDEGAUGE_FEED__MAILBOX)"),
    ],
)  # fmt: skip
def test_a_variable_that_is_not_ours_to_read_is_refused(name: str, said: str) -> None:
    """A misspelt variable would otherwise do nothing, unseen."""
    assert said in refusal(**{name: "1"})


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("missing", "Can't read secret file missing: No such file or directory"),
        ("empty", "The secret file empty holds nothing (TIDEGAUGE_DATABASE_PASSWORD_FILE)"),
        ("two", "The secret file two holds more than one line"),
        (".", "Can't read secret file .: Is a directory"),
        ("binary", "secret file binary is not UTF-8 text"),
    ],
)
def test_a_secret_that_cannot_be_had_of_its_file_is_said(name: str, said: str) -> None:
    """And what else is in the file is not."""
    Path("empty").write_text("\n")
    Path("two").write_text("canary\ncanary\n")
    Path("binary").write_bytes(b"canary\xff")
    refused = refusal(DATABASE_PASSWORD_FILE=name)
    assert said in refused
    assert "canary" not in refused


def test_only_a_secret_has_a_file() -> None:
    """Anything else is a name that is not known."""
    assert "Unknown variable TIDEGAUGE_FEED__MAILBOX_FILE" in refusal(FEED__MAILBOX_FILE="x")


def test_one_setting_under_two_names_is_refused() -> None:
    """Which of them counts must not be a guess."""
    Path("password").write_text("x")
    said = refusal(DATABASE_PASSWORD="y", DATABASE_PASSWORD_FILE="password")
    assert said.startswith("database.password is set twice, by TIDEGAUGE_DATABASE_PASSWORD and by")
    said = refusal(DATABASE_URL="postgresql://a", DATABASE__URL="postgresql://b")
    assert said.startswith("database.url is set twice, by TIDEGAUGE_DATABASE_")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("OK=1\nTIDEGAUGE_PG_BIN='x", "Malformed line 2 in .env. Write NAME=value."),
        (
            "\nTIDEGAUGE_LEVEL=x",
            "Unknown variable TIDEGAUGE_LEVEL in .env, line 2. Did you mean TIDEGAUGE_LOGGING__LEVEL?",
        ),
        ("TIDEGAUGE_FEED__MAILBOX=1", "at most 1048576 (.env, line 1)"),
    ],
)
def test_what_is_wrong_in_dotenv_names_its_line(text: str, said: str) -> None:
    """The file and the line, never its text: it may be half a password."""
    assert said in refusal(dotenv=text)


@pytest.mark.parametrize(
    "environ",
    [
        {"DATABASE_URL": "mysql://u:canary@h"},
        {"DATABASE_URL": "postgresql://u:canary@h:port/x"},
        {"PROXY": "canary"},
        {"PROXY": "http://u:canary@"},
        {"ENDPOINTS__BINANCE__WS_URL": "http://u:canary@h"},
        {"DATABASE__PASWORD": "canary"},
        {"DATABASE_PASSWORD": "canary", "DATABASE_URL": "nonsense"},
    ],
)
def test_no_refusal_repeats_a_secret(environ: dict[str, str]) -> None:
    """Not even a mistyped one."""
    assert "canary" not in refusal(**environ)


@pytest.mark.parametrize(
    "yaml",
    [
        "database: {password: [canary]}",
        "database: {password: !!int canary}",
        "database: {pasword: canary}",
        "proxy: {canary: 1}",
    ],
)
def test_no_refusal_of_the_file_repeats_a_secret(yaml: str) -> None:
    """A password is not always text."""
    assert "canary" not in refusal(yaml)


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=200))
def test_any_file_at_all_is_settings_or_one_line(text: str) -> None:
    """Nothing but `OperatorError` escapes, whatever the file holds."""
    path = Path("any.yaml")
    path.write_text(text, encoding="utf-8")
    said = ""
    try:
        load_settings(config=path, environ={}, dotenv=None)
    except OperatorError as error:
        said = str(error)
    assert "\n" not in said


NAMES = st.sampled_from(
    ["feed", "mailbox", "symbols", "BTCUSDT", "instruments", "windows", "slow", "venues", "url",
     "database", "password", "endpoints", "binance", "ws_url", "readings", "notionals", "crunch", "zzz"]
)  # fmt: skip


@given(
    st.recursive(
        st.sampled_from(["1", "-1", "~", "x", "'http://h'", "[1, 2]", "1e400", ".inf", "true"]),
        lambda inner: st.dictionaries(NAMES, inner, min_size=1, max_size=3).map(
            lambda pairs: "{" + ", ".join(f"{key}: {value}" for key, value in pairs.items()) + "}"
        ),
        max_leaves=8,
    )
)
def test_any_tree_of_our_names_is_settings_or_one_line(text: str) -> None:
    """Groups where values belong, values where groups do, and every odd number."""
    test_any_file_at_all_is_settings_or_one_line.hypothesis.inner_test(text)  # type: ignore[attr-defined]


def test_a_name_of_the_world_outside_is_refused_alike() -> None:
    """Venues and symbols: the same sentence, for the CLI."""
    venues = ["binance", "bybit-spot", "hyperliquid"]
    said = str(unknown_name("venue", "binanse", venues))
    assert said == "Unknown venue 'binanse'. Did you mean 'binance'?"
    said = str(unknown_name("venue", "mtgox", venues))
    assert said == "Unknown venue 'mtgox'. Known: binance, bybit-spot, hyperliquid"


def test_nearest_looks_past_capitals() -> None:
    """And suggests nothing rather than nonsense."""
    assert nearest("btcusdT", ["BTCUSDT", "ETHUSDT"]) == "BTCUSDT"
    assert nearest("zzz", ["feed"]) is None


def test_a_shown_value_is_short_and_has_no_password() -> None:
    """It stands in the middle of a sentence."""
    assert len(shorten("x" * 500)) == 60
    assert "canary" not in shorten("http://u:canary@h")
