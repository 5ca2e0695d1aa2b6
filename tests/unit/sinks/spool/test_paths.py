"""The files of a lane on disk."""

from pathlib import Path

from tidegauge.sinks.spool.paths import (
    address_of,
    files_of,
    has_log,
    name_of,
    paths_of,
    put_aside,
    remove_files,
    size_of,
    sync_folder,
)


def test_files_are_found_in_the_order_of_their_rows(tmp_path: Path) -> None:
    """Other files, other lanes and files that are being made are not theirs."""
    for first in (10**12, 999_999_999_999, 1, 30):
        tmp_path.joinpath(name_of("readings", first)).touch()
    for name in ("lock", "records-000000000001.sqlite3", "readings-000000000099.sqlite3.new"):
        tmp_path.joinpath(name).touch()
    tmp_path.joinpath("readings-000000000007.sqlite3-wal").touch()  # its file is gone
    assert [first for _path, first in paths_of(tmp_path, "readings")] == [
        *(1, 7, 30, 999_999_999_999, 10**12)
    ]
    assert paths_of(tmp_path, "readings")[1][0].name == "readings-000000000007.sqlite3"


def test_a_size_is_that_of_a_file_and_its_log(tmp_path: Path) -> None:
    """What is not there takes nothing."""
    path = tmp_path / "x.sqlite3"
    assert (size_of(path), has_log(path)) == (0, False)
    path.write_bytes(bytes(10))
    files_of(path)[1].touch()
    assert (size_of(path), has_log(path)) == (10, False)
    files_of(path)[1].write_bytes(bytes(5))
    files_of(path)[2].write_bytes(bytes(7))
    assert (size_of(path), has_log(path)) == (15, True)
    remove_files(path)
    assert list(tmp_path.iterdir()) == []
    remove_files(path)


def test_an_address_holds_any_name(tmp_path: Path) -> None:
    """A data directory may have a question mark in its name."""
    path = tmp_path / "a?b#c%20d" / "x.sqlite3"
    assert address_of(path, "mode=ro").endswith("a%3Fb%23c%2520d/x.sqlite3?mode=ro")


def test_what_is_put_aside_takes_no_others_place(tmp_path: Path) -> None:
    """Each damaged file is kept, with its log; where there is none no folder is made."""
    path, aside = tmp_path / "x.sqlite3", tmp_path / "damaged"
    put_aside(path, aside, "a")
    assert not aside.exists()
    for content in (b"1", b"2", b"3"):
        for each in files_of(path):
            each.write_bytes(content)
        put_aside(path, aside, "a")
    kept = {each.name: each.read_bytes() for each in aside.iterdir()}
    assert kept == {
        "a-x.sqlite3": b"1",
        "2-a-x.sqlite3": b"2",
        "3-a-x.sqlite3": b"3",
        "a-x.sqlite3-wal": b"1",
        "2-a-x.sqlite3-wal": b"2",
        "3-a-x.sqlite3-wal": b"3",
    }


def test_the_names_of_a_folder_are_made_to_last(tmp_path: Path) -> None:
    """No file is left open for it."""
    before = len(list(Path("/proc/self/fd").iterdir()))
    sync_folder(tmp_path)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
