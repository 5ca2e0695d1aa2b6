"""The questions of `questions/`: read from their files, and told as a statement with parameters.

A file is a comment, defaults, and one statement:

    -- What is asked, as one sentence?
    --
    -- How it is answered.
    --
    -- Columns
    --   at      what a column means
    -- Parameters
    --   symbol  what a parameter means
    --   size    and its default (500000)
    \\if :{?size} \\else \\set size 500000 \\endif
    SELECT ... WHERE symbol = :'symbol' AND notional = :'size'::numeric

psql puts values in as quoted literals. Here they travel beside the statement, as text: `:'size'`
becomes `$2::text`, so that both read a value in the same way.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from itertools import takewhile

from tidegauge.core.errors import OperatorError

DEFAULT = re.compile(r"\\if :\{\?(\w+)\} \\else \\set (\w+) ('(?:[^']|'')*'|\S+) \\endif", re.ASCII)
TOKEN = re.compile(r"--[^\n]*|'(?:[^']|'')*'|:'(\w+)'", re.ASCII)
OWN_OPTIONS = ("symbol", "from", "to", "venue")
"""Parameters that the command line has an option for; the others go by --param."""

READINGS = {"v_readings", "v_depth", "v_slippage"}

ENTRY = re.compile(r"(\w+(?:, \w+)*)(?:\s{2,}(.*))?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A column or a parameter, and what it means. `default` is of a parameter; None: must be given."""

    name: str
    meaning: str
    default: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question: what its file says, and the statement that answers it.

    `order` names the parameters by the statement's $1, $2, ...; `text` is the file as it is.
    """

    name: str
    title: str
    about: str
    columns: tuple[Entry, ...]
    parameters: tuple[Entry, ...]
    statement: str
    order: tuple[str, ...]
    text: str

    @property
    def rolled(self) -> bool:
        """Whether rollups answer it, and no readings: they outlive them, and come a little later."""
        read = set(re.findall(r"FROM tidegauge\.(\w+)", self.statement))
        return any(name.endswith(("minutes", "hours")) for name in read) and not read & READINGS

    def values(self, given: Mapping[str, str]) -> tuple[str, ...]:
        """Return the values of $1, $2, ... with defaults filled in.

        Raises `OperatorError` for a parameter that is missing, or that it has not.
        """
        known = {each.name: each.default for each in self.parameters}
        for name in given:
            if name not in known:
                raise OperatorError(
                    f"{self.name} has no parameter {name!r}",
                    fix=f"It takes {', '.join(known) or 'none'}",
                )
        filled = {**known, **given}
        missing = [name for name, value in filled.items() if value is None]
        if missing:
            raise OperatorError(
                f"{self.name} needs {' and '.join(missing)}",
                fix=f"Add {option_of(missing[0])}; `tidegauge sql {self.name} --show` explains it",
            )
        return tuple(str(filled[name]) for name in self.order)


def option_of(name: str) -> str:
    """Return how a parameter is given on the command line."""
    return f"--{name}" if name in OWN_OPTIONS else f"--param {name}=..."


@cache
def questions() -> tuple[Question, ...]:
    """Return every question, by name."""
    folder = files("tidegauge.sinks.questions")
    found = sorted(each.name for each in folder.iterdir() if each.name.endswith(".sql"))
    return tuple(
        read_question(name.removesuffix(".sql"), folder.joinpath(name).read_text("utf-8"))
        for name in found
    )


def question(name: str) -> Question:
    """Return the question of that name; underscores do for hyphens.

    Raises `OperatorError` with the nearest names, when there is none.
    """
    known = {each.name: each for each in questions()}
    wanted = name.strip().lower().replace("_", "-").removesuffix(".sql")
    if wanted in known:
        return known[wanted]
    near = get_close_matches(wanted, known, n=3, cutoff=0.5)
    fix = f"Did you mean {' or '.join(near)}? " if near else ""
    raise OperatorError(f"There is no question {name!r}", fix=f"{fix}`tidegauge sql` lists them")


def read_question(name: str, text: str) -> Question:
    """Read a file. Raises `ValueError` where it is not written as this module says."""
    lines = text.splitlines()
    size = next((at for at, line in enumerate(lines) if not line.startswith("--")), len(lines))
    head = [line[2:].removeprefix(" ") for line in lines[:size]]
    defaults: dict[str, str] = {}
    body: list[str] = []
    for line in lines[size:]:
        if not line.startswith("\\"):
            body.append(line)
            continue
        found = DEFAULT.fullmatch(line)
        if found is None or found[1] != found[2]:
            raise ValueError(f"{name}: not a default: {line}")
        defaults[found[1]] = _unquoted(found[3])
    statement, order = _numbered("\n".join(body).strip().removesuffix(";"))
    return Question(
        name=name,
        title=head[0] if head else "",
        about=_about(head),
        columns=tuple(_entries(head, "Columns", {})),
        parameters=tuple(_entries(head, "Parameters", defaults)),
        statement=statement,
        order=order,
        text=text,
    )


def _numbered(sql: str) -> tuple[str, tuple[str, ...]]:
    """Return the statement with $1, $2, ... in place of :'name', and the names in that order."""
    order: dict[str, int] = {}

    def number(found: re.Match[str]) -> str:
        if found[1] is None:  # a comment or a literal
            return found[0]
        return f"${order.setdefault(found[1], len(order) + 1)}::text"

    return TOKEN.sub(number, sql), tuple(order)


def _unquoted(word: str) -> str:
    return word[1:-1].replace("''", "'") if word.startswith("'") else word


def _about(head: list[str]) -> str:
    """Return what stands between the question and its columns, as one line a paragraph."""
    end = head.index("Columns") if "Columns" in head else len(head)
    paragraphs = "\n".join(head[1:end]).strip().split("\n\n")
    return "\n".join(" ".join(each.split()) for each in paragraphs)


def _entries(head: list[str], section: str, defaults: Mapping[str, str]) -> list[Entry]:
    """Return the entries of a section; a line that is indented further goes on with the last one."""
    if section not in head:
        return []
    told: list[str] = []
    for line in takewhile(lambda line: line.startswith("  "), head[head.index(section) + 1 :]):
        if line.startswith("   ") and told:
            told[-1] += f" {line.strip()}"
        else:
            told.append(line.strip())
    found: list[Entry] = []
    for line in told:
        entry = ENTRY.fullmatch(line)
        if entry is None:
            raise ValueError(f"not an entry: {line}")
        found += (
            Entry(name=name, meaning=entry[2] or "", default=defaults.get(name))
            for name in entry[1].split(", ")
        )
    return found
