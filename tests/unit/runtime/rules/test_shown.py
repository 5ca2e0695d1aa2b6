"""What is in force is shown with where it came from."""

from decimal import Decimal
from pathlib import Path

import pytest
from tests.support.rules_file import SETTINGS, line_of, loaded, whole_file

from tidegauge.core.errors import OperatorError
from tidegauge.runtime.rules.load import load_rules
from tidegauge.runtime.rules.shown import rule_rows, rule_rows_of, summary
from tidegauge.runtime.settings import Settings, SymbolSettings

TEXT = """\
crunch:
  high_share: 0.4
  bleed: {hold_s: 3}
divergence:
  taker_bps: {binance: 10}
symbols:
  BTCUSDT:
    crunch:
      clear_for_s: 60
    venues:
      binance:
        crunch: {high_share: 0.3}
"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_every_rule_has_its_origin() -> None:
    """FILE:LINE, or default; of a symbol only what is said of it."""
    rows = {row.key: (row.value, row.origin) for row in rule_rows(loaded(TEXT))}
    assert rows["crunch.high_share"] == ("0.4", "rules.yaml:2")
    assert rows["crunch.bleed.hold_s"] == ("3.0", "rules.yaml:3")
    assert rows["crunch.clear_for_s"] == ("30.0", "default")
    assert rows["divergence.taker_bps.binance"] == ("10.0", "rules.yaml:5")
    assert rows["symbols.BTCUSDT.crunch.clear_for_s"] == ("60.0", "rules.yaml:9")
    assert [key for key in rows if key.startswith("symbols.")] == [
        "symbols.BTCUSDT.crunch.clear_for_s",
        "symbols.BTCUSDT.venues.binance.crunch.high_share",
    ]


def test_the_built_in_rules_are_all_default() -> None:
    """A matcher shows what it asks; a list that is empty asks nothing."""
    rows = rule_rows(load_rules(None, SETTINGS))
    assert {row.origin for row in rows} == {"default"}
    assert "inhibitions.blind-when-dark.source.signals" in {row.key for row in rows}
    assert "inhibitions.blind-when-dark.source.symbols" not in {row.key for row in rows}


def test_a_symbol_shows_what_holds_for_it_and_for_its_books() -> None:
    """Its own rule, else the general one, each with the line that says it."""
    found = loaded(TEXT)
    rows = {row.key: (row.value, row.origin) for row in rule_rows_of(found, "BTCUSDT", SETTINGS)}
    assert rows["crunch.clear_for_s"] == ("60.0", "rules.yaml:9")
    assert rows["crunch.high_share"] == ("0.4", "rules.yaml:2")
    assert rows["windows.slow"] == ("3600", "default")
    assert rows["venues.binance.crunch.high_share"] == ("0.3", "rules.yaml:12")
    other = {row.key: row.value for row in rule_rows_of(found, "ETHUSDT", SETTINGS)}
    assert (other["crunch.clear_for_s"], other["crunch.high_share"]) == ("30.0", "0.4")
    assert not any(key.startswith("venues.") for key in other)


def test_the_size_to_execute_is_that_of_the_settings() -> None:
    """It says so."""
    settings = Settings(symbols={"BTCUSDT": SymbolSettings(execution_size=Decimal(7))})
    rows = rule_rows_of(load_rules(None, settings), "BTCUSDT", settings)
    assert ("stress.execution_size_quote", "7", "settings") in rows


def test_a_symbol_that_nobody_knows_is_refused() -> None:
    """With the nearest that is known."""
    with pytest.raises(OperatorError, match="Did you mean 'BTCUSDT'"):
        rule_rows_of(loaded(TEXT), "BTCUSD", SETTINGS)


def test_the_summary_says_what_is_judged_and_who_is_told() -> None:
    """In a few lines, which somebody reads before they go home."""
    assert list(summary(loaded(whole_file() + "\n"))) == [
        "9 signals, 11 rules not as built in, digest " + loaded(whole_file()).digest,
        "overrides: 1 symbol (BTCUSDT), 1 book",
        "3 inhibitions, 2 maintenance windows, 1 own action",
        (
            "incidents open from high; told when opened, escalated, reopened, resolved;"
            " told again after 900 s"
        ),
        "route pager: severities critical -> pager, and on",
        "route everything: everything else -> team",
    ]
    plain = list(summary(loaded("paging: {remind_after_s: null, told_of: []}")))
    assert plain[0].startswith("9 signals, 2 rules not as built in")
    assert "told when nothing; never told again" in plain[2]
    assert plain[-1] == "no route, and no channel is set: nobody is told of anything"
    told = list(summary(loaded("paging: {told_of: []}"), ("team",)))
    assert told[-1] == "no route: every incident goes to every channel (team)"
    beat = "heartbeat: {at_utc: 12:30, channels: [team]}\nroutes: {x: {channels: []}}"
    assert list(summary(loaded(beat)))[-2:] == [
        "route x: everything else -> nobody",
        "heartbeat: 12:30 UTC -> team",
    ]


def test_the_summary_names_the_symbols_that_are_not_watched() -> None:
    """And what may be a slip; what is watched is not known to who does not say it."""
    found = loaded("symbols: {SOLUSDT: {}, BTCUSTD: {}, ETHUSDT: {}}")
    said = "not watched by the settings: SOLUSDT, BTCUSTD (did you mean BTCUSDT?)"
    assert said in list(summary(found, (), ("BTCUSDT", "ETHUSDT")))
    assert not any("not watched" in line for line in summary(found))
    assert not any("not watched" in line for line in summary(found, (), tuple(found.tree.symbols)))


def test_the_line_shown_is_the_line_of_the_file() -> None:
    """For every rule that the whole file says."""
    text = whole_file()
    lines = text.splitlines()
    for row in rule_rows(loaded(text)):
        if row.key == "routes.everything.goes_on":  # it is left out there
            assert row.origin == "default"
            continue
        assert row.origin.startswith("rules.yaml:"), row
        name = row.key.rpartition(".")[2]
        assert f"{name}:" in lines[int(row.origin.partition(":")[2]) - 1], row
    assert line_of(text, "high_share") > 1
