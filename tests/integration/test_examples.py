"""The library examples run, and print what they say they print."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.py"))

PRINTS = {
    "slippage_of_a_sale.py": "can be filled",
    "watch_local_venues.py": "a sale of 500,000:",
}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_an_example_runs_as_its_docstring_says(example: Path) -> None:
    """Run as a user would run it; each prints its point and leaves no complaint."""
    done = subprocess.run(
        [sys.executable, "-W", "error", str(example)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert PRINTS[example.name] in done.stdout
