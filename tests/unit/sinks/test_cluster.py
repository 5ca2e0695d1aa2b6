"""Where the embedded server lives."""

from pathlib import Path

import pytest

from tidegauge.core.errors import OperatorError
from tidegauge.sinks.cluster import Home, explaining, last_complaint, locate
from tidegauge.sinks.commands import Account

ACCOUNT = Account.unprivileged()


def test_a_home_is_always_at_the_same_place(tmp_path: Path) -> None:
    """Also when another home had to be found for it."""
    assert locate(tmp_path) == locate(tmp_path)
    assert locate(Path("/tmp")).folder == Path("/tmp").resolve() / "postgres"


def test_a_socket_path_is_short_enough() -> None:
    """Beside the cluster while that is short, else in a folder of its own, always the same."""
    near = Home(Path("/srv/tidegauge"), ACCOUNT)
    far = Home(Path("/srv") / ("deep" * 30), ACCOUNT)
    assert near.socket_folder == near.folder
    assert len(str(far.socket_folder / ".s.PGSQL.65535.lock")) < 100
    assert far.socket_folder == Home(far.folder, ACCOUNT).socket_folder


def test_the_last_complaint_is_the_loud_line() -> None:
    """Not the hint after it; and never several lines."""
    said = "LOG: starting\nFATAL:  could not map shared memory\nHINT: reduce it\n"
    assert last_complaint(said) == "FATAL:  could not map shared memory"
    assert last_complaint("one\ntwo\n") == "two"
    assert last_complaint("") == "it said nothing"


def test_a_refusal_of_the_file_system_says_what_and_where() -> None:
    """And what to do."""
    line = r"/srv: Permission denied\. .*TIDEGAUGE_DATA_DIR"
    with pytest.raises(OperatorError, match=line), explaining(Path("/srv")):
        raise PermissionError(13, "Permission denied")


def test_a_version_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    """A damaged cluster is not an absent one: it must not be made anew."""
    home = Home(tmp_path, ACCOUNT)
    assert home.major is None
    home.cluster.mkdir()
    (home.cluster / "PG_VERSION").write_text("\0\0")
    with pytest.raises(OperatorError, match="damaged"):
        _ = home.major
