"""Finding PostgreSQL's programs."""

from pathlib import Path

import pytest

from tidegauge.core.errors import OperatorError
from tidegauge.sinks import binaries
from tidegauge.sinks.binaries import find_binaries


def test_the_wheels_newest_programs_are_taken() -> None:
    """Unless the cluster was made by an older one that is there too."""
    newest = find_binaries(None)
    assert newest.major >= 18
    assert newest.program("initdb").is_file()
    assert find_binaries(None, newest.major) == newest


def test_a_folder_that_was_given_is_taken() -> None:
    """As the folder of programs or as the one above it."""
    folder = find_binaries(None).folder
    assert find_binaries(folder).folder == folder
    assert find_binaries(folder.parent).folder == folder


def test_a_cluster_of_another_version_is_refused() -> None:
    """Both versions are named."""
    with pytest.raises(OperatorError, match="made by PostgreSQL 12"):
        find_binaries(None, 12)


def script(folder: Path, name: str, body: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{body}\n")
    (folder / name).chmod(0o755)


def test_programs_that_cannot_serve_are_told(tmp_path: Path) -> None:
    """Incomplete, broken, too old: each says so, and what to point at instead."""
    script(tmp_path, "postgres", "echo 'postgres (PostgreSQL) 14.2'")
    with pytest.raises(OperatorError, match="has no initdb, pg_isready"):
        find_binaries(tmp_path)
    for name in ("initdb", "pg_isready"):
        script(tmp_path, name, "true")
    with pytest.raises(OperatorError, match="holds PostgreSQL 14, too old"):
        find_binaries(tmp_path)
    script(tmp_path, "postgres", "exit 1")
    with pytest.raises(OperatorError, match=r"does not run.*TIDEGAUGE_PG_BIN"):
        find_binaries(tmp_path)


def test_a_platform_without_the_wheel_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the two ways out."""
    monkeypatch.setattr(binaries, "WHEEL", "no-such-package")
    with pytest.raises(OperatorError, match=r"TIDEGAUGE_PG_BIN.*TIDEGAUGE_DATABASE_URL"):
        find_binaries(None)
