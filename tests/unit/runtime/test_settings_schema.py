"""The tree as data: every place can be found, described and named."""

from tidegauge.runtime.settings_schema import NodeKind, keys, node_of, variable, written
from tidegauge.runtime.settings_tree import Settings

ROOT = node_of(Settings)


def test_every_place_knows_its_kind() -> None:
    """A section has fixed names, a table the operator's, a value none."""
    for path, kind in (
        (("feed",), NodeKind.SECTION),
        (("symbols",), NodeKind.TABLE),
        (("symbols", "BTCUSDT"), NodeKind.SECTION),
        (("symbols", "BTCUSDT", "instruments"), NodeKind.TABLE),
        (("symbols", "BTCUSDT", "instruments", "x"), NodeKind.VALUE),
        (("feed", "mailbox"), NodeKind.VALUE),
        (("readings", "bands_bps", 0), NodeKind.VALUE),
    ):
        node = ROOT.at(path)
        assert node is not None
        assert node.kind is kind


def test_there_is_nothing_below_a_value() -> None:
    """Nor at a name that is not known, nor inside what is no list."""
    assert ROOT.at(("feed", "mailbox", "x")) is None
    assert ROOT.at(("nope", "mailbox")) is None
    assert ROOT.at(("feed", "mailbox", 0)) is None


def test_every_setting_has_a_meaning() -> None:
    """It is what `.env.example`, the file and the documents say of it."""
    for key, node in keys(ROOT):
        assert len(node.description) > 5, key


def test_every_number_has_an_upper_limit() -> None:
    """A number too large is a typing error, and is told as one."""
    for key, node in keys(ROOT):
        if node.annotation in (int, float):
            assert len(node.limits) == 2, key


def test_a_variable_is_the_key_in_capitals_or_its_short_name() -> None:
    """A hyphen can't stand in a variable's name."""
    assert variable("feed.mailbox") == "TIDEGAUGE_FEED__MAILBOX"
    assert variable("database.url") == "TIDEGAUGE_DATABASE_URL"
    assert variable("endpoints.bybit-spot.ws_url") == "TIDEGAUGE_ENDPOINTS__BYBIT_SPOT__WS_URL"


def test_no_two_settings_share_a_variable() -> None:
    """Short names included."""
    names = [variable(key) for key, _node in keys(ROOT)]
    assert len(names) == len(set(names))


def test_values_are_written_as_variables_hold_them() -> None:
    """Lists with commas, groups with semicolons, None as a word."""
    assert written(None) == "none"
    assert written((1, 2)) == "1,2"
    assert written((("A", "B"), ("C", "D"))) == "A,B;C,D"
