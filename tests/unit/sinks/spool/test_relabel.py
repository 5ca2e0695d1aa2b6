"""What daemons left, sent to another database than it was meant for."""

from pathlib import Path

from tests.support.spool import rows

from tidegauge.sinks.spool import ROOT, Spool, survey
from tidegauge.sinks.spool.label import LABEL, Label, read_label, write_label
from tidegauge.sinks.spool.relabel import foreign, relabel


def opened(data_dir: Path, name: str, database: str) -> Spool:
    spool = Spool(data_dir / ROOT, name, database=database)
    spool.open()
    spool.append(rows(3))
    return spool


def test_only_what_is_left_for_others_is_foreign(tmp_path: Path) -> None:
    """Not our own, not that of the living, not what anybody may take; but what cannot be read."""
    for name, database in (("a", "one"), ("b", "two"), ("c", ""), ("d", "one")):
        opened(tmp_path, name, database).close()
    (tmp_path / ROOT / "d" / LABEL).write_bytes(b"?")
    alive = opened(tmp_path, "e", "three")
    found = foreign(tmp_path, "one")
    assert [(each.folder.name, each.database, each.rows) for each in found] == [
        ("b", "two", 3),
        ("d", None, 3),
    ]
    assert [each.folder.name for each in relabel(found, "one")] == ["b", "d"]
    assert foreign(tmp_path, "one") == []
    alive.close()


def test_the_living_keep_their_label(tmp_path: Path) -> None:
    """Also when they were dead as one looked."""
    opened(tmp_path, "a", "one").close()
    found = survey(tmp_path).folders
    alive = Spool(tmp_path / ROOT, "b", database="one")
    alive.open()
    assert alive.waiting == 3
    assert relabel(found, "two") == []
    assert read_label(tmp_path / ROOT / "a") == Label(database="one")
    alive.close()


def test_the_format_stays_what_it_is(tmp_path: Path) -> None:
    """Rows that a newer version kept are not made older by another label."""
    opened(tmp_path, "a", "one").close()
    write_label(tmp_path / ROOT / "a", Label(database="one", format=99))
    [done] = relabel(survey(tmp_path).folders, "two")
    assert done.newer
    assert read_label(done.folder) == Label(database="two", format=99)


def test_a_folder_that_went_or_is_not_wanted_is_passed_over(tmp_path: Path) -> None:
    """Nothing is made in its place."""
    opened(tmp_path, "a", "one").close()
    found = survey(tmp_path).folders
    assert relabel(found, "two", wanted=lambda label: label is None) == []
    (tmp_path / ROOT / "a").rename(tmp_path / "elsewhere")
    assert relabel(found, "two") == []
    assert not (tmp_path / ROOT / "a").exists()
