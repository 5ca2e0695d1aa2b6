"""The file that shows the rules shows them as they are."""

import re
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from tests.support.rules_file import CHANNELS, SETTINGS, loaded, whole_file

from tidegauge.risk.ruleset import RuleSet
from tidegauge.runtime.rules.draft import ROOT
from tidegauge.runtime.rules.example import SAMPLE, rules_yaml
from tidegauge.runtime.rules.load import load_rules
from tidegauge.runtime.rules.tree import RuleTree
from tidegauge.runtime.settings_schema import keys

REPOSITORY = Path(__file__).resolve().parents[4]
FILE = REPOSITORY / "config/rules.yaml"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_file_is_what_the_tree_says() -> None:
    """A rule that is added, renamed or changed is so in the file."""
    rewrite = "run `python -m tidegauge.runtime.rules.example`"
    assert FILE.read_text(encoding="utf-8") == rules_yaml(), rewrite


def test_the_file_is_the_built_in_rules() -> None:
    """Reading it changes nothing: it is a copy to begin from."""
    found = load_rules(FILE, SETTINGS, channels=CHANNELS)
    assert found.tree == RuleTree()
    assert found.rules == RuleSet()
    assert found.digest == load_rules(None, SETTINGS).digest


def test_the_file_names_every_rule_with_a_comment() -> None:
    """Those of the tables, which are empty by default, above them."""
    text = rules_yaml()
    for key, _node in keys(ROOT):
        name = key.rpartition(".")[2]
        assert name == "<name>" or re.search(rf"^[ #]*{name}:", text, re.MULTILINE), key
    within = text[: text.index("inhibitions:\n")]
    for above, line in pairwise(within.splitlines()):
        if re.match(r"^ *[a-z_0-9]+:", line):
            assert above.lstrip().startswith("#"), line


def test_the_examples_in_comments_can_be_used_as_they_stand() -> None:
    """Without the sign in front of them they are rules that load."""
    tree = loaded(whole_file()).tree
    for name in ("actions", "maintenance", "routes"):
        assert getattr(tree, name) == getattr(SAMPLE, name)
    own = tree.symbols["BTCUSDT"]
    assert own.crunch is not None
    assert own.crunch.floor_depth_quote == 2_000_000
    book = own.venues["binance"].crunch
    assert book is not None
    assert (book.clear_for_s, book.floor_depth_quote) == (60.0, Decimal(2_000_000))
