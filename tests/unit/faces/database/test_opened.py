"""How the answers of `tidegauge db` are written."""

import pytest

from tidegauge.faces.database import opened


def test_a_table_is_told_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    """What somebody named is no markup, and steers no terminal."""
    opened.print_table(("name", "count"), [("[red]\x1b[2J", "7")], right="lr")
    assert capsys.readouterr().out.split() == ["name", "count", "[red]\\x1b[2J", "7"]


@pytest.mark.parametrize(
    ("count", "shown"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 kB"), (15 * 1024**2, "15 MB"), (None, "-")],
)
def test_sizes_are_short(count: int | None, shown: str) -> None:
    """With their unit; unknown is a dash."""
    assert opened.size(count) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.04, "0.0 s"), (59.4, "59 s"), (119, "119 s"), (120, "2 min"), (7300, "2 h"), (2e5, "2 d")],
)
def test_spans_are_short(seconds: float, shown: str) -> None:
    """In the largest unit that has two of it."""
    assert opened.span(seconds) == shown
