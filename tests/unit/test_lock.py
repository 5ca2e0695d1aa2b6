"""The lock files: every package by its hash, within what pyproject.toml asks for, and from nowhere in particular."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
EVERYTHING, RUNNING = "requirements.lock", "requirements-run.lock"
"""What CI installs, and the part of it that a running Tidegauge needs: what its image is made of."""

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
BUILT_BY = PROJECT["build-system"]["requires"]
ASKED = {
    EVERYTHING: [
        *PROJECT["project"]["dependencies"],
        *PROJECT["project"]["optional-dependencies"]["dev"],
        *BUILT_BY,
    ],
    RUNNING: [*PROJECT["project"]["dependencies"], *BUILT_BY],
}
ENTRY = re.compile(
    r"^(?P<what>[^\s#].*?) \\\n(?P<hashes>(?:    --hash=\S+(?: \\)?\n)+)", re.MULTILINE
)
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def locked(name: str) -> dict[str, tuple[str, set[str]]]:
    """Return version and hashes of each package of a lock file."""
    found: dict[str, tuple[str, set[str]]] = {}
    for match in ENTRY.finditer((ROOT / name).read_text(encoding="utf-8")):
        requirement = Requirement(match["what"])
        (pin,) = requirement.specifier
        assert pin.operator == "=="
        hashes = set(match["hashes"].split()) - {"\\"}
        found[canonicalize_name(requirement.name)] = (pin.version, hashes)
    return found


@pytest.mark.parametrize("name", ASKED)
def test_every_package_is_pinned_by_its_hashes(name: str) -> None:
    """No line is anything else: no option, no address, no path."""
    text = (ROOT / name).read_text(encoding="utf-8")
    found = locked(name)
    lines = [line for line in text.splitlines() if line[:1] not in ("", " ", "#")]
    assert len(found) == len(lines) > 50
    for package, (_version, hashes) in found.items():
        assert hashes, package
        assert all(HASH.fullmatch(each) for each in hashes), package
    assert "://" not in text
    assert not re.search(r"^\s*(-[ief] |--(?!hash))", text, re.MULTILINE)


@pytest.mark.parametrize("name", ASKED)
def test_what_the_project_asks_for_is_locked_within_its_ranges(name: str) -> None:
    """A range that was moved and not locked again would install something else in CI than here."""
    found = locked(name)
    for text in ASKED[name]:
        asked = Requirement(text)
        version, _hashes = found[canonicalize_name(asked.name)]
        assert asked.specifier.contains(version), f"{text}, and locked is {version}: make lock"


def test_what_runs_is_a_part_of_what_is_tested() -> None:
    """The same versions of the same files, and no tool of ours among them."""
    everything, running = locked(EVERYTHING), locked(RUNNING)
    assert {name: everything.get(name) for name in running} == running
    assert not {"pytest", "mypy", "ruff", "playwright", "pip-tools", "hypothesis"} & set(running)
