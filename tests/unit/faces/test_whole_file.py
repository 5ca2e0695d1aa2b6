"""A file that is there whole, or not at all."""

from pathlib import Path

import pytest

from tidegauge.core.errors import OperatorError
from tidegauge.faces.whole_file import whole_file


def test_a_file_appears_when_it_is_whole(tmp_path: Path) -> None:
    """Until then there is another name beside it; others may read it as any file."""
    path = tmp_path / "rows.csv"
    with whole_file(path, force=False) as part:
        part.write_text("all of it")
        assert not path.exists()
    assert path.read_text() == "all of it"
    plain = tmp_path / "plain"
    plain.touch()
    assert path.stat().st_mode == plain.stat().st_mode
    assert sorted(each.name for each in tmp_path.iterdir()) == ["plain", "rows.csv"]


def test_what_fails_leaves_what_was_there(tmp_path: Path) -> None:
    """And nothing beside it."""
    path = tmp_path / "rows.csv"
    path.write_text("before")

    def fail() -> None:
        with whole_file(path, force=True) as part:
            part.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_is_not_replaced_unasked(tmp_path: Path) -> None:
    """The line says how."""
    path = tmp_path / "rows.csv"
    path.write_text("before")
    with pytest.raises(OperatorError, match=r"is there already.*--force"):
        whole_file(path, force=False).__enter__()
    with whole_file(path, force=True) as part:
        part.write_text("after")
    assert path.read_text() == "after"


def test_a_place_that_is_not_is_refused(tmp_path: Path) -> None:
    """A folder that is missing, and one that has the name."""
    with pytest.raises(OperatorError, match="no folder"):
        whole_file(tmp_path / "none" / "x", force=False).__enter__()
    with pytest.raises(OperatorError, match="is a folder"), whole_file(tmp_path, force=True):
        pass
