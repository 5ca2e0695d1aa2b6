"""Whatever is damaged in a file of rules is told with its line, and all of it at once."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.rules_file import (
    LEAF,
    complaints,
    leaves,
    line_of,
    loaded,
    whole_file,
    with_line,
)

from tidegauge.core.errors import OperatorError
from tidegauge.runtime.rules.draft import ROOT, read_draft
from tidegauge.runtime.rules.tree import RuleTree
from tidegauge.runtime.settings_schema import keys

WHOLE = whole_file()
LEAVES = leaves(WHOLE)
NUMBERS = [each for each in LEAVES if each[2].replace(".", "").isdigit() and "at_" not in each[1]]
"""The rules that are numbers of one sign."""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def damaged(places: list[tuple[int, str, str]], new: str) -> str:
    """Return the file with each of these rules written as `new`, of {name} and {value}."""
    lines = WHOLE.splitlines()
    for number, name, value in places:
        indent = lines[number - 1].partition(name)[0]
        lines[number - 1] = indent + new.format(name=name, value=value)
    return "\n".join(lines) + "\n"


def test_the_file_to_damage_is_sound_and_whole() -> None:
    """Each rule of the tree stands in it, most on a line of their own."""
    assert complaints(WHOLE) == []
    assert len(LEAVES) > 120
    assert len(NUMBERS) > 90
    assert len(list(keys(ROOT))) > 100


@pytest.mark.parametrize(
    ("places", "new", "said"),
    [
        (NUMBERS, "{name}zq: {value}", "Unknown rule"),
        (NUMBERS, "{name}: [[1]]", "but must be"),
        (NUMBERS, "{name}: lots", "but must be"),
        (NUMBERS, "{name}: .nan", "but must be"),
        (NUMBERS, "{name}: .inf", "but must be"),
        (NUMBERS, "{name}: -1", "but must be at least|but must be more than"),
        (NUMBERS, "{name}: 9999999999999", "but must be at most|and at most|and less than"),
        (NUMBERS, "{name}: true", "but must be a number"),
        (NUMBERS, "{name}: 2001-99-01", "but must be"),
    ],
    ids=["misspelt", "list", "text", "nan", "infinite", "negative", "huge", "truth", "date"],
)
def test_every_number_that_is_damaged_is_told_with_its_line(
    places: list[tuple[int, str, str]], new: str, said: str
) -> None:
    """All of them at the same time: each line is named once, and no other is."""
    found = complaints(damaged(places, new))
    assert [line for line, _words in found] == [number for number, _name, _value in places]
    for (_line, words), (_number, name, _value) in zip(found, places, strict=True):
        assert any(each in words for each in said.split("|")), words
        assert name in words


@given(place=st.sampled_from(LEAVES), damage=st.sampled_from(["misspelt", "twice", "mapping"]))
def test_any_rule_that_is_damaged_alone_is_told_with_its_line(
    place: tuple[int, str, str], damage: str
) -> None:
    """Tables too: a name nobody knows, a name said again, a group in the place of a value."""
    number, name, value = place
    line = WHOLE.splitlines()[number - 1]
    if damage == "misspelt":
        found = complaints(with_line(WHOLE, number, line.replace(f"{name}:", f"{name}zq:", 1)))
    elif damage == "twice":
        found = complaints(with_line(WHOLE, number, f"{line}\n{line}"))
        number += 1
    else:
        table = value == "{}" or value.startswith("{")
        wrong = "7" if table else "{zq: {zq: 1}}"
        found = complaints(with_line(WHOLE, number, line.replace(value, wrong, 1)))
    assert found
    # What needs the name that is gone may be told of beside it, at the group that misses it.
    assert number in [at for at, _words in found], (line, found)
    assert LEAF.match(line)


FALSE = [
    ("high_share: 0.5", "high_share: 0.8", "high_share (0.8) must not exceed critical_share (0.7)"),
    ("slow: 3600", "slow: 299", "fast (300) must not exceed slow (299)"),
    ("min_samples: 300", "min_samples: 4000", "min_samples (4000) must not exceed slow (3600)"),
    ("pause_bps: 60.0", "pause_bps: 20", "widen_bps (30) must not exceed pause_bps (20)"),
    ("judged_haircut: 0.5", "judged_haircut: 0.4", "must be one of haircuts"),
    ("at_100: 1.2", "at_100: 0.1", "at_0 (0.2) must be below at_100 (0.1)"),
    ("stressed_from: 55.0", "stressed_from: 20", "must not exceed stressed_from (20)"),
    ("watch_share: 0.75", "watch_share: 0.3", "must not exceed watch_share (0.3)"),
    ("settle_for_s: 60.0", "settle_for_s: 601", "must not exceed reopen_within_s (600)"),
    ("opens_from: high", "opens_from: hihg", "but must be one of info, warning, high, critical; did you mean 'high'?"),
    ("told_of: [opened,", "told_of: [opend,", "did you mean 'opened'?"),
    ("told_of: [opened,", "told_of: [escalated,", "must name 'escalated' only once"),
    ("at_utc: null", "at_utc: 9 am", "must be a time of the day such as 09:30"),
    ("at_utc: null", "at_utc: 12:30", "at_utc and channels belong together"),
    ("{critical: hedge}", "{critical: hegde}", "did you mean 'hedge'?"),
    ("{critical: hedge}", "{critcal: hedge}", "its name must be 'info', 'warning', 'high' or"),
    ("liquidity_crunch: {critical", "liquidity_crnch: {critical", "Did you mean 'liquidity_crunch'?"),
    ("source: {signals: [venue_down]}", "source: {signals: [venue_dwn]}", "Unknown signal 'venue_dwn'. Did you mean 'venue_down'?"),
    ("source: {signals: [venue_down]}", "source: {signals: [foo*]}", "No signal fits 'foo*'. Known: "),
    ("source: {signals: [venue_down]}", "source: {signls: [venue_down]}", "Unknown rule 'inhibitions.market-of-a-venue-down.source.signls'. Did you mean"),
    ("target: {signals: [venue_degraded]}", "target: {signals: [venue_*]}", "may inhibit itself"),
    ("target: {signals: [venue_degraded]}", "taget: {signals: [venue_degraded]}", "Unknown rule"),
    ("equal: [symbol]", "equal: [side]", "but must be one of symbol, venue"),
    ("venues: [binance]", "venues: [binanse]", "Unknown venue 'binanse'. Did you mean 'binance'?"),
    ("venues: [binance]", "venues: [okx]", "In the settings (venues): binance, binance-futures"),
    ("symbols: [ETH*]", "symbols: [SOL*]", "No symbol fits 'SOL*'. In the settings (symbols): BTCUSDT, ETHUSDT"),
    ("until_utc: 2026-12-01T04:00", "until_utc: 2026-12-01T01:00", "until_utc must be after from_utc"),
    ("until_utc: 2026-12-01T04:00", "until_utc: 2026-12-41T04:00", "must be a time in UTC"),
    ("until_utc: 2026-12-01T04:00", "hours_utc: 01:00-02:00", "from_utc and hours_utc exclude each other"),
    ("hours_utc: 23:00-04:00", "hours_utc: 23-4", "must be two times of the day"),
    ("days: [sat, sun]", "days: [sat, son]", "must be one of mon, tue"),
    ("days: [sat, sun]", "from_utc: 2026-12-01T01:00", "exclude each other"),
    ("severities: [critical]", "severities: [dire]", "must be one of info, warning, high, critical"),
    ("channels: [pager]", "channels: [pagr]", "Unknown channel 'pagr'. Did you mean 'pager'?"),
    ("channels: [pager]", "channels: [pager, pager]", "must name 'pager' only once"),
    ("goes_on: true", "goes_on: perhaps", "goes_on is 'perhaps'"),
    ("match: {}", "match: 3", "must be a group of rules"),
    ("  everything:", "  pager:", "routes.pager is set twice"),
    ("  everything:", "  every thing:", "its name must be of letters"),
    ("  BTCUSDT:", "  BTC USDT:", "'BTC USDT' is not a symbol. Write it like BTCUSDT"),
    ("symbols: [ETH*]", "symbols: [ETHUSD]", "Unknown symbol 'ETHUSD'. Did you mean 'ETHUSDT'?"),
    ("ceiling_spread_bps: 5}", "ceiling_spred_bps: 5}", "Did you mean 'symbols.BTCUSDT.crunch.ceiling_spread_bps'?"),
    ("unsafe_share: 0.04", "unsafe_share: 0.01", "elevated_share (0.02) must not exceed unsafe_share (0.01)"),
    ("widen_bps: 20}", "taker_bps: {mtgox: 1}}", "Unknown venue name 'mtgox'. Known: binance"),
    ("      binance:", "      kraken:", "Unknown venue 'kraken'. In the settings (venues)"),
    ("clear_for_s: 60", "clear_for_s: -60", "symbols.BTCUSDT.venues.binance.crunch.clear_for_s is -60"),
    ("taker_bps: {}", "taker_bps: {binanc: 1}", "Unknown venue name 'binanc'. Did you mean 'binance'?"),
    ("rates: {}", "rates: {EUR: 1.1}", "Unknown quote 'EUR'. In the settings (quotes_alike): USD"),
    ("limits_quote: {}", "limits_quote: {DOGE: 1}", "Unknown asset 'DOGE'"),
    ("symbols:\n", "symbls:\n", "Unknown rule 'symbls'. Did you mean 'symbols'?"),
    ("crunch:\n", "crunch: 5\nx:\n", "crunch must be a group of rules"),
    ("routes:\n", "routes: [1]\nx:\n", "routes must be a group of rules"),
    ("routes:\n", "\troutes:\n", "Malformed YAML, column 1"),
]  # fmt: skip
"""What stands in the file, what is written in its place, and what must be said of that line."""


@pytest.mark.parametrize(("old", "new", "said"), FALSE, ids=[each[1] for each in FALSE])
def test_each_kind_of_mistake_names_its_line(old: str, new: str, said: str) -> None:
    """And what is wrong, what is allowed, and the nearest name where there is one."""
    number = line_of(WHOLE, old)
    found = complaints(WHOLE.replace(old, new, 1))
    assert any(at == number and said in words for at, words in found), found


def test_an_order_that_is_broken_in_two_lines_names_the_later() -> None:
    """It is the one that was written last."""
    text = "crunch:\n  high_share: 0.6\n  clear_for_s: 9\n  critical_share: 0.55\n"
    assert complaints(text) == [
        (4, "crunch: high_share (0.6) must not exceed critical_share (0.55)")
    ]


def test_what_a_symbol_has_from_the_general_rules_is_told_once() -> None:
    """At the line of the general rule, however many symbols share it."""
    text = (
        "crunch: {clear_share: 2}\ndivergence: {taker_bps: {mtgox: 3}}\n"
        "symbols:\n  BTCUSDT:\n    crunch: {high_share: 0.4}\n    divergence: {widen_bps: 11}\n"
    )
    assert [line for line, _words in complaints(text)] == [1, 2]


def test_an_override_must_fit_the_general_rules() -> None:
    """The other half of an order may be said elsewhere."""
    text = "symbols:\n  BTCUSDT:\n    crunch:\n      high_share: 0.9\n"
    assert complaints(text) == [
        (
            4,
            "symbols.BTCUSDT.crunch: high_share (0.9) must not exceed critical_share (0.7)",
        )
    ]


def test_an_item_of_a_list_has_its_own_line() -> None:
    """Long lists are written one below the other."""
    text = "routes:\n  x:\n    match:\n      venues:\n        - binance\n        - binanse\n    channels: []\n"
    assert complaints(text) == [(6, "Unknown venue 'binanse'. Did you mean 'binance'?")]


def test_times_need_no_quotes() -> None:
    """YAML 1.1 would take 12:30 for the number 750, and a date for a date."""
    text = (
        "heartbeat: {at_utc: 12:30, channels: [team]}\nmaintenance:\n  x:\n    match: {}\n"
        "    from_utc: 2026-12-01T10:00:00\n    until_utc: 2026-12-01 12:00:00\n"
    )
    tree = loaded(text).tree
    assert tree.heartbeat.at_utc == "12:30"
    assert tree.maintenance["x"].until_utc == "2026-12-01 12:00:00"


def test_what_is_left_out_keeps_its_default() -> None:
    """An empty file, a heading alone, half of a part of the score."""
    for text in ("", "# nothing\n", "crunch:\nsymbols:\nroutes:\n", "symbols:\n  BTCUSDT:\n"):
        assert loaded(text).tree.model_copy(update={"symbols": {}}) == RuleTree()
    part = loaded("composite: {parts: {crunch: {weight: 0.5}}}").tree.composite.parts.crunch
    assert (part.at_0, part.at_100, part.weight) == (0.2, 1.2, 0.5)


def test_a_table_in_the_file_stands_in_place_of_the_built_in_one() -> None:
    """What the file shows is what there is; for a symbol it adds to the general one."""
    assert loaded("inhibitions: {}").tree.inhibitions == {}
    tree = loaded(
        "divergence: {taker_bps: {binance: 10, okx: 8}}\n"
        "symbols: {btcusdt: {divergence: {taker_bps: {okx: 5}}}}"
    ).tree
    own = tree.symbols["BTCUSDT"].divergence
    assert own is not None
    assert own.taker_bps == {"binance": 10, "okx": 5}


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """There is no line to name."""
    with pytest.raises(OperatorError, match=r"Can't read rules file none\.yaml"):
        read_draft(Path("none.yaml"))
    (tmp_path / "latin.yaml").write_bytes(b"a: \xe9")
    with pytest.raises(OperatorError, match=r"rules file latin\.yaml is not UTF-8"):
        read_draft(Path("latin.yaml"))


NAMES = st.sampled_from(
    ["crunch", "step", "hold_s", "symbols", "BTCUSDT", "venues", "binance", "routes", "match",
     "channels", "signals", "inhibitions", "source", "target", "maintenance", "hours_utc", "days",
     "actions", "divergence", "high", "taker_bps", "composite", "parts", "weight", "a.b", "zzz",
     "paging", "remind_after_s", "heartbeat", "at_utc", "fallback_bands_bps", "haircuts", "stress"]
)  # fmt: skip
VALUES = st.sampled_from(
    ["1", "-1", "~", "x", "[1, 2]", "1e400", ".inf", ".nan", "true", "on", "12:30", "[binance]",
     "['*']", "2026-12-01", "0x10", "23:00-01:00", "[[]]", "''", "{}", '"\\0"', "high"]
)  # fmt: skip


@given(
    st.recursive(
        VALUES,
        lambda inner: st.dictionaries(NAMES, inner, min_size=1, max_size=4).map(
            lambda pairs: "{" + ", ".join(f"{key}: {value}" for key, value in pairs.items()) + "}"
        ),
        max_leaves=16,
    )
)
def test_any_tree_of_our_names_is_rules_or_lines(text: str) -> None:
    """Nothing but a refusal escapes, whatever the file holds, and each line of it is one."""
    for line, _words in complaints(text):
        assert line == 1


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=200))
def test_any_file_at_all_is_rules_or_lines(text: str) -> None:
    """Control characters and all."""
    complaints(text)
