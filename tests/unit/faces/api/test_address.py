"""One serves a data directory, and whoever looks for it finds that one, or nobody."""

from pathlib import Path

import pytest

from tidegauge.core.errors import OperatorError
from tidegauge.faces.api.address import FILE, address_of, claimed


def test_the_address_is_known_while_it_is_served(tmp_path: Path) -> None:
    """Neither before nor afterwards."""
    assert address_of(tmp_path) is None
    with claimed(tmp_path) as path:
        assert address_of(tmp_path) is None
        path.write_text("http://127.0.0.1:8787", encoding="utf-8")
        assert address_of(tmp_path) == "http://127.0.0.1:8787"
    assert address_of(tmp_path) is None


def test_what_a_server_left_that_died_leads_nobody_astray(tmp_path: Path) -> None:
    """Somebody else may have its port by now."""
    (tmp_path / FILE).write_text("http://127.0.0.1:8787", encoding="utf-8")
    assert address_of(tmp_path) is None
    with claimed(tmp_path):
        assert address_of(tmp_path) is None


def test_there_is_one_for_a_data_directory(tmp_path: Path) -> None:
    """The second is told where the first is."""
    with claimed(tmp_path) as path:
        path.write_text("http://127.0.0.1:8787", encoding="utf-8")
        with pytest.raises(OperatorError, match=r"served already, at http://127\.0\.0\.1:8787"):
            claimed(tmp_path).__enter__()
    with claimed(tmp_path):
        pass


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """With what the system says."""
    with pytest.raises(OperatorError, match="can't be written"):
        claimed(tmp_path / "none").__enter__()
