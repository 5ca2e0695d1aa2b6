"""A file of rules in which nothing is left out, and what is said of it when something is wrong."""

import re
from pathlib import Path

from tidegauge.core.errors import OperatorError
from tidegauge.runtime.rules.example import rules_yaml
from tidegauge.runtime.rules.load import LoadedRules, RulesRefused, load_rules
from tidegauge.runtime.settings import Settings

CHANNELS = ("pager", "team")
SETTINGS = Settings(data_dir=Path("unused"))
LEAF = re.compile(r"^( *)([a-z_0-9]+): (\S.*)$")


def whole_file() -> str:
    """Return the file of the repository, with its commented examples in force."""
    lines, inside = [], False
    for line in rules_yaml().splitlines():
        table = re.fullmatch(r"([a-z_]+): \{\}", line)
        inside = bool(table) or (inside and line.startswith("#   "))
        if table:
            lines.append(f"{table[1]}:")
        else:
            lines.append(line[1:] if inside else line)
    return "\n".join(lines) + "\n"


def loaded(
    text: str, path: Path = Path("rules.yaml"), settings: Settings = SETTINGS
) -> LoadedRules:
    """Write the text as a file of rules, and load it."""
    path.write_text(text, encoding="utf-8")
    return load_rules(path, settings, channels=CHANNELS)


def complaints(text: str, path: Path = Path("rules.yaml")) -> list[tuple[int, str]]:
    """Return the line and the words of all that is wrong; every one names the file."""
    try:
        loaded(text, path)
    except RulesRefused as refused:
        found = []
        for said in refused.complaints:
            assert "\n" not in said
            place, _, words = said.removeprefix(f"{path}:").partition(": ")
            found.append((int(place), words))
        return found
    except OperatorError as refusal:
        raise AssertionError(refusal) from None
    return []


def leaves(text: str) -> list[tuple[int, str, str]]:
    """Return (line, name, value) of every rule of a file that stands on a line of its own."""
    return [
        (number, found[2], found[3])
        for number, line in enumerate(text.splitlines(), 1)
        if (found := LEAF.match(line))
    ]


def with_line(text: str, number: int, line: str) -> str:
    """Return the text with one line replaced."""
    lines = text.splitlines()
    lines[number - 1] = line
    return "\n".join(lines) + "\n"


def line_of(text: str, part: str) -> int:
    """Return the line of the first place where the text has this part."""
    return text.count("\n", 0, text.index(part)) + 1
