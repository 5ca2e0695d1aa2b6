"""What every `tidegauge db` command begins with: its settings, and how its answer is written."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from tidegauge.runtime.settings import Settings, load_settings

from .. import figures, running
from ..logs import log_to_terminal

AsJson = Annotated[bool, typer.Option("--json", help="Print as JSON.")]

KILO = 1024


def settings_of(config: Path | None, data_dir: Path | None) -> Settings:
    """Return the settings, with the data directory that a flag named."""
    flags: dict[str, Any] = {} if data_dir is None else {"data_dir": str(data_dir)}
    settings = load_settings(config=config, flags=flags).settings
    log_to_terminal(settings, least="warning")
    return settings


def print_json(answer: object) -> None:
    """Print what a program asked for."""
    typer.echo(msgspec.json.format(msgspec.json.encode(answer), indent=2).decode())


GAP, LEAST_WORDS = 2, 24
"""Between two cells of a list, and what is left at least for the words at its end."""


def print_table(head: tuple[str, ...], rows: list[tuple[str, ...]], *, right: str = "") -> None:
    """Print a table. `right`: an `r` for each column of numbers. Without names there is no head."""
    table = Table(
        box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0), show_header=any(head)
    )
    for place, name in enumerate(head):
        number = right[place : place + 1] == "r"
        table.add_column(name, justify="right" if number else "left", overflow="fold")
    for row in rows:
        # As Text: what a venue named must not be read as markup.
        table.add_row(*(Text(figures.printable(cell)) for cell in row))
    running.console_for(plain=False).print(table)


def print_list(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    """Print a row a line, whose last cell is words.

    On a terminal what does not fit is cut, the first cell never; where it is narrow the cells before
    the last are left out from the right. Elsewhere nothing is cut and nothing wrapped, for `grep`.
    """
    console = running.console_for(plain=False)
    lines = [head, *(tuple(map(figures.printable, row)) for row in rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(head) - 1)]
    if console.is_terminal:
        while len(widths) > 1 and sum(widths) + GAP * len(widths) + LEAST_WORDS > console.width:
            widths.pop()
    for number, line in enumerate(lines):
        cells = [cell.ljust(width) for cell, width in zip(line[:-1], widths, strict=False)]
        text = Text((" " * GAP).join([*cells, line[-1]]), style="" if number else "bold")
        if console.is_terminal:
            text.truncate(console.width, overflow="ellipsis")
        console.print(text, soft_wrap=True, highlight=False)


@contextmanager
def working(what: str) -> Iterator[Callable[[str], None]]:
    """Show on standard error, if somebody looks, that something goes on; what is lent says more."""
    if not sys.stderr.isatty():
        yield lambda _what: None
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what)
        yield lambda what: progress.update(task, description=what)


def size(count: int | None) -> str:
    """Write a size in bytes as people say it."""
    if count is None:
        return figures.UNKNOWN
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < KILO:
            return f"{value:.0f} {unit}" if value >= 10 or unit == "B" else f"{value:.1f} {unit}"  # noqa: PLR2004
        value /= KILO
    return f"{value:.1f} TB"


def span(seconds: float) -> str:
    """Write a span as people say it, in its largest unit."""
    for unit, name in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if abs(seconds) >= 2 * unit:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds:.0f} s" if abs(seconds) >= 10 else f"{seconds:.1f} s"  # noqa: PLR2004
