"""docs/adding-a-venue.md, followed to the letter in a copy of the repository."""

import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GUIDE = "docs/adding-a-venue.md"
SCRIPT = "scripts/new_venue.py"
COPIED = ("src", "tests", "scripts", "docs")
WRITTEN = (
    "src/tidegauge/venues/gannet.py",
    "tests/fixtures/venues/gannet.jsonl",
    "tests/unit/venues/test_gannet.py",
)
PATIENCE_S = 300


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository in which the script has started the venue gannet."""
    folder = tmp_path_factory.mktemp("repository")
    for name in COPIED:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", folder)
    started = run(folder, SCRIPT, "gannet")
    assert started.returncode == 0, started.stderr
    return folder


def run(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run Python in a copy, with the copy's own package."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={"PYTHONPATH": str(folder / "src"), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def test_the_conformance_kit_and_its_own_test_pass_over_the_new_venue(copy: Path) -> None:
    """As it comes from the script, with nothing filled in; only a local venue it has not yet."""
    kit = ("-m", "pytest", "tests/unit/venues", "-k", "gannet", "-q", "-p", "no:cacheprovider")
    told = run(copy, *kit)
    assert told.returncode == 0, told.stdout[-3000:]
    (passed,) = re.findall(r"(\d+) passed", told.stdout)
    kit_only = (copy / "tests/unit/venues/test_conformance.py").read_text().count("\ndef test_")
    own = (copy / WRITTEN[2]).read_text().count("\ndef test_")
    assert int(passed) >= kit_only + own
    skipped = [line for line in told.stdout.splitlines() if line.startswith("SKIPPED")]
    assert all(line.endswith("it has no local venue") for line in skipped)


def test_the_new_venue_is_found_and_told_of(copy: Path) -> None:
    """No list was edited."""
    told = run(copy, "-m", "tidegauge", "venues", "gannet")
    assert told.returncode == 0, told.stderr
    assert "wss://stream.gannet.example" in told.stdout
    assert "petrel" not in told.stdout


def test_what_is_written_is_in_order(copy: Path) -> None:
    """By ruff, by its format, by the size of a venue, and with every mention renamed."""
    files = [path for path in WRITTEN if path.endswith(".py")]
    ruff = [sys.executable, "-m", "ruff"]
    for check in (["check"], ["format", "--check"]):
        subprocess.run([*ruff, *check, "--no-cache", *files], cwd=copy, check=True)
    assert len((copy / WRITTEN[0]).read_text().splitlines()) <= 250
    for path in WRITTEN:
        assert "petrel" not in (copy / path).read_text().lower()


def test_the_page_shows_the_code_that_is_written(copy: Path) -> None:
    """Every block of the page that has a file's name is in that file, letter for letter."""
    blocks = _blocks((ROOT / GUIDE).read_text())
    assert {path for path, _ in blocks} == {path.replace("gannet", "petrel") for path in WRITTEN}
    for path, code in blocks:
        there = (copy / path.replace("petrel", "gannet")).read_text()
        assert code.replace("petrel", "gannet").replace("Petrel", "Gannet") in there


def _blocks(page: str) -> Sequence[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    lines = iter(page.splitlines(keepends=True))
    for line in lines:
        if line.startswith("<!-- into "):
            assert next(lines).startswith("```")
            code = iter(lambda: next(lines), "```\n")
            found.append((line.split()[2], "".join(code)))
    return found


def test_what_is_there_is_not_written_over(copy: Path) -> None:
    """Run twice it says so, and leaves the first one as it is."""
    before = [(copy / path).read_text() for path in WRITTEN]
    again = run(copy, SCRIPT, "gannet")
    assert again.returncode == 1
    assert "gannet.py is there already" in again.stderr
    assert [(copy / path).read_text() for path in WRITTEN] == before
    taken = run(copy, SCRIPT, "bybit")
    assert (taken.returncode, taken.stdout) == (1, "")
    assert "src/tidegauge/venues/bybit is there already" in taken.stderr


@pytest.mark.parametrize("name", ["Gannet", "gan-net", "../gannet", "class", "7seas", ""])
def test_a_name_that_is_none_is_refused(copy: Path, name: str) -> None:
    """It becomes a file, a class and a setting."""
    told = run(copy, SCRIPT, name)
    assert told.returncode == 1
    assert "is no name for a venue" in told.stderr
    assert len(told.stderr.splitlines()) == 1


def test_every_file_and_folder_that_the_page_names_is_there() -> None:
    """A page that sends people to what is gone is worse than none."""
    page = (ROOT / GUIDE).read_text()
    named = re.findall(r"`((?:venues|wire|simulator|dialects|src|tests|scripts)/[\w./-]+)`", page)
    assert named
    package = ROOT / "src/tidegauge"
    for name in named:
        if "petrel" not in name:
            places = (ROOT / name, package / name, package / "simulator" / name)
            assert any(place.exists() for place in places), name
