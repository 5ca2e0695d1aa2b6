"""How psql is run."""

from pathlib import Path

import pytest

from tidegauge.core.errors import OperatorError
from tidegauge.sinks.connect import database_at
from tidegauge.sinks.psql import find_client, psql_call


def program(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "psql").write_text("#!/bin/sh\n")
    (folder / "psql").chmod(0o755)
    return folder / "psql"


def test_the_servers_own_psql_comes_first(tmp_path: Path) -> None:
    """Else the one on the PATH, else a line that says what to install."""
    own, path = program(tmp_path / "own"), program(tmp_path / "path")
    assert find_client("psql", own.parent, str(path.parent)) == own
    assert find_client("psql", tmp_path / "none", str(path.parent)) == path
    with pytest.raises(OperatorError, match="postgresql-client"):
        find_client("psql", None, str(tmp_path / "none"))


def test_a_program_is_named_and_not_a_path(tmp_path: Path) -> None:
    """Only what PostgreSQL brings, or what the operator's PATH has, is given the password."""
    with pytest.raises(OperatorError, match="is a path"):
        find_client("../psql", tmp_path, None)


def test_a_password_goes_by_a_private_file_that_does_not_stay(tmp_path: Path) -> None:
    """Its colons and backslashes escaped, as the file's format wants."""
    database = database_at("postgresql://me@h/db", r"a:b\c")
    with psql_call(database, {"PATH": str(program(tmp_path / "bin").parent)}, ("-l",)) as call:
        file = Path(call.env["PGPASSFILE"])
        assert file.read_text() == "*:*:*:*:a\\:b\\\\c\n"
        assert file.stat().st_mode & 0o777 == 0o600
        assert call.argv[1:] == ("--dbname=postgresql://me@h/db", "-l")
    assert not file.exists()


def test_without_a_password_there_is_no_file(tmp_path: Path) -> None:
    """A unix socket with peer authentication needs none."""
    database = database_at("postgresql:///db")
    with psql_call(database, {"PATH": str(program(tmp_path / "bin").parent)}) as call:
        assert "PGPASSFILE" not in call.env
