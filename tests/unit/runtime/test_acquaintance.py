"""A database is known once it was reached, with the schema it had."""

from pathlib import Path

from tidegauge.runtime.acquaintance import FILE, KEPT, is_known, remember

URL = "postgresql://desk@db.example:5432/risk"


def test_a_database_is_known_after_it_was_reached(tmp_path: Path) -> None:
    """By its address, and for the schema it had; nothing of the address is written down."""
    assert not is_known(tmp_path, URL, 4)
    remember(tmp_path, URL, 4)
    assert is_known(tmp_path, URL, 4)
    assert not is_known(tmp_path, URL, 5)
    assert not is_known(tmp_path, URL + "2", 4)
    assert "example" not in (tmp_path / FILE).read_text()


def test_a_note_that_is_damaged_or_cannot_be_written_is_no_note(tmp_path: Path) -> None:
    """It is asked again, and nothing fails."""
    (tmp_path / FILE).write_text('["not", "it"]')
    assert not is_known(tmp_path, URL, 4)
    (tmp_path / FILE).write_text("{")
    assert not is_known(tmp_path, URL, 4)
    remember(tmp_path / FILE, URL, 4)
    remember(tmp_path, URL, 4)
    assert is_known(tmp_path, URL, 4)


def test_only_the_latest_are_remembered(tmp_path: Path) -> None:
    """The file stays small."""
    for number in range(KEPT + 1):
        remember(tmp_path, f"{URL}{number}", 4)
    assert not is_known(tmp_path, f"{URL}0", 4)
    assert is_known(tmp_path, f"{URL}{KEPT}", 4)
