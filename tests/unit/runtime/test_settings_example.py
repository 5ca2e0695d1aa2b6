"""The files that show the settings show them as they are."""

import re
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from tidegauge.runtime.settings import Settings, load_settings
from tidegauge.runtime.settings_example import env_example, settings_yaml
from tidegauge.runtime.settings_schema import ALIASES, NOT_SETTINGS, keys, node_of, variable

REPOSITORY = Path(__file__).resolve().parents[3]
REWRITE = "run `python -m tidegauge.runtime.settings_example`"


def test_the_files_are_what_the_tree_says() -> None:
    """A setting that is added, renamed or changed is so in both."""
    found = (REPOSITORY / "config/settings.yaml").read_text(encoding="utf-8")
    assert found == settings_yaml(), REWRITE
    assert (REPOSITORY / ".env.example").read_text(encoding="utf-8") == env_example(), REWRITE


def test_the_settings_file_is_the_built_in_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading it changes nothing: it is a copy to begin from."""
    monkeypatch.chdir(tmp_path)
    loaded = load_settings(config=REPOSITORY / "config/settings.yaml", environ={}, dotenv=None)
    assert loaded.settings == Settings(data_dir=loaded.settings.data_dir)


def test_the_settings_file_names_every_setting_with_a_comment() -> None:
    """What can't be set there (secrets, the data directory) is named in a comment."""
    text = (REPOSITORY / "config/settings.yaml").read_text(encoding="utf-8")
    for key, _node in keys(node_of(Settings)):
        name = key.rpartition(".")[2]
        assert name == "<name>" or re.search(rf"^[ #]*{name}:", text, re.MULTILINE), key
    lines = text.splitlines()
    for above, line in pairwise(lines):
        named = re.match(r"^ *([a-z_]+):", line)
        if named and named[1] not in ("binance", "hyperliquid"):
            assert above.lstrip().startswith("#"), line
    assert set(yaml.safe_load(text)) <= set(Settings.model_fields)


def test_the_example_lists_every_variable_once() -> None:
    """Those of the tree, by their short names where they have one, and those that are none."""
    text = (REPOSITORY / ".env.example").read_text(encoding="utf-8")
    listed = re.findall(r"^#(TIDEGAUGE_\S+?)=", text, re.MULTILINE)
    of_tree = [variable(key).replace("<name>", "<NAME>") for key, _node in keys(node_of(Settings))]
    assert listed == [*of_tree, *(f"TIDEGAUGE_{name}" for name in NOT_SETTINGS)]
    assert {f"TIDEGAUGE_{name}" for name in ALIASES} <= set(listed)


def test_the_example_uncommented_is_the_built_in_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each default there is one that the loader reads back as it is."""
    monkeypatch.chdir(tmp_path)
    text = (REPOSITORY / ".env.example").read_text(encoding="utf-8")
    lines = [line[1:] for line in text.splitlines() if re.match(r"#TIDEGAUGE_[A-Z_]+=.", line)]
    Path(".env").write_text("\n".join(lines), encoding="utf-8")
    loaded = load_settings(environ={})
    assert len(lines) > 30
    assert loaded.settings == Settings(data_dir=loaded.settings.data_dir)
