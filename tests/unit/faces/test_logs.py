"""Where a command's log goes."""

import json
import logging
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from tidegauge.core.errors import OperatorError
from tidegauge.faces.logs import LOG_NAME, log_to_file, log_to_terminal
from tidegauge.runtime.logging import LogHandler
from tidegauge.runtime.settings import Settings


@pytest.fixture(autouse=True)
def _put_back() -> Iterator[None]:
    """Leave the root logger as it was."""
    yield
    root = logging.getLogger()
    for handler in [each for each in root.handlers if isinstance(each, LogHandler)]:
        root.removeHandler(handler)
        if str(getattr(handler.stream, "name", "")).endswith(LOG_NAME):
            handler.stream.close()
    structlog.reset_defaults()


def test_a_live_view_sends_the_log_to_a_private_file(tmp_path: Path) -> None:
    """JSON lines, in the data directory, for its owner only."""
    path = log_to_file(Settings(data_dir=tmp_path / "data"))
    structlog.get_logger("here").warning("link_closed", venue="binance")
    line = json.loads(path.read_text().splitlines()[-1])
    assert (line["event"], line["venue"]) == ("link_closed", "binance")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_folder_that_cannot_be_made_is_one_line_with_what_to_do(tmp_path: Path) -> None:
    """A file where the folder should be."""
    (tmp_path / "data").write_text("")
    with pytest.raises(OperatorError, match="--data-dir"):
        log_to_file(Settings(data_dir=tmp_path / "data" / "below"))


def test_a_command_may_ask_for_warnings_only(capsys: pytest.CaptureFixture[str]) -> None:
    """`tidegauge db` prints its answer, not how it came by it."""
    log_to_terminal(Settings(), least="warning")
    logger = structlog.get_logger("here")
    logger.info("embedded_postgres_started")
    logger.warning("disk_nearly_full")
    said = capsys.readouterr()
    assert said.out == ""
    assert "disk_nearly_full" in said.err
    assert "embedded_postgres_started" not in said.err
