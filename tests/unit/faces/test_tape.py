"""The `tape` commands: what they print, and how they refuse."""

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from tests.support.own_tape import START, Run
from typer.testing import CliRunner

from tidegauge.core.errors import OperatorError
from tidegauge.core.instrument import SECOND
from tidegauge.faces.tape import _instant, app

RUNNER = CliRunner()


def tape(folder: Path, venue: str = "binance") -> Path:
    path = folder / f"{venue}.tsv"
    path.write_text(Run(venue).live_through().text(), encoding="utf-8")
    return path


def refusal(*arguments: object) -> str:
    """Return what a command that fails is refused for."""
    found = RUNNER.invoke(app, [*map(str, arguments)])
    assert isinstance(found.exception, OperatorError)
    return str(found.exception)


def test_verify_prints_a_row_for_each_book(tmp_path: Path) -> None:
    """And the same as JSON; the exit code says that all is well."""
    tape(tmp_path)
    tape(tmp_path, "okx")
    found = RUNNER.invoke(app, ["verify", str(tmp_path)])
    assert found.exit_code == 0
    assert "binance.tsv" in found.output
    _head, *rows = found.output.splitlines()
    assert len(rows) == 4
    assert all(row.rstrip().endswith(" ok") for row in rows)
    told = json.loads(RUNNER.invoke(app, ["verify", str(tmp_path), "--json"]).output)
    assert [row["good"] for row in told] == [True, True]


def test_verify_tells_the_first_difference_and_how_many_tapes_are_wrong(tmp_path: Path) -> None:
    """What is sound is still in the table."""
    sound, torn, foreign = tape(tmp_path), tmp_path / "y.tsv", tmp_path / "z.tsv"
    torn.write_bytes(sound.read_bytes()[:-9])
    foreign.write_text("notes\n")
    said = refusal("verify", sound, torn, foreign)
    assert said.startswith(f"{torn} is damaged: line ")
    assert said.endswith("(2 of 3 tapes are wrong)")


def test_info_tells_what_is_on_a_tape(tmp_path: Path) -> None:
    """For people and for programs; of a damaged one what comes before."""
    path = tape(tmp_path)
    said = RUNNER.invoke(app, ["info", str(path)]).output
    assert "format 1, by Tidegauge 0, run of binance, ended" in said
    assert "binance: BTCUSDT (our BTCUSDT)" in said
    assert "         lines kind and connection\n" in said
    (row,) = json.loads(RUNNER.invoke(app, ["info", str(path), "--json"]).output)
    assert row["header"]["run"] == "of binance"
    path.write_bytes(path.read_bytes()[:-9])
    assert "is damaged" in refusal("info", path)


def test_info_of_a_tape_of_nobody_we_know_fails(tmp_path: Path) -> None:
    """As `verify` does; what is on it is told all the same."""
    path = tmp_path / "x.tsv"
    path.write_text("1\trecv\twss://elsewhere.test/\t{}\n")
    found = RUNNER.invoke(app, ["info", str(path)])
    assert isinstance(found.exception, OperatorError)
    assert "no venue we know is on this tape" in str(found.exception)
    assert "1 lines of nobody we know" in found.output


def test_cut_writes_a_tape(tmp_path: Path) -> None:
    """And says what is on it; two different tapes cannot be cut as one."""
    path, out = tape(tmp_path), tmp_path / "out.tape.zst"
    first = datetime.fromtimestamp(START / SECOND, UTC)
    span = ("--from", first.isoformat(), "--to", f"{first:%Y-%m-%d}T23:59:59")
    found = RUNNER.invoke(app, ["cut", str(path), *span, "-o", str(out)])
    assert found.exit_code == 0, found.exception
    assert "that build the books" in found.output
    assert RUNNER.invoke(app, ["verify", str(out)]).exit_code == 0
    assert "is there already" in refusal("cut", path, *span, "-o", out)
    other = tmp_path / "o.tsv"
    other.write_text("1\topen\tx\t\n")
    assert "2 different tapes" in refusal("cut", path, other, *span, "-o", tmp_path / "n.tsv")
    back = ("--from", "12:00", "--to", "11:00")
    assert "--to is before --from" in refusal("cut", path, *back, "-o", tmp_path / "n.tsv")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("14:02", "2025-10-09T14:02:00"),
        ("14:02:03.000004", "2025-10-09T14:02:03.000004"),
        ("2025-10-10T14:02:03", "2025-10-10T14:02:03"),
        ("2025-10-10T14:02:03+02:00", "2025-10-10T12:02:03"),
        ("2025-10-10T12:02:03Z", "2025-10-10T12:02:03"),
    ],
)
def test_times_are_utc_and_may_leave_the_day_out(text: str, told: str) -> None:
    """To the microsecond, without a float."""
    moment = datetime.fromisoformat(told).replace(tzinfo=UTC)
    expected = int(moment.timestamp()) * SECOND + moment.microsecond * 1000
    assert _instant("--from", text, date(2025, 10, 9)) == expected


def test_what_is_no_time_is_refused() -> None:
    """With how to write one."""
    with pytest.raises(OperatorError, match="--to 'soon' is no time"):
        _instant("--to", "soon", date(2025, 10, 9))
