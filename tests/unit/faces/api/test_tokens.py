"""The tokens of a data directory: made once, whole, and for their owner alone."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tidegauge.core.errors import OperatorError
from tidegauge.faces.api.tokens import FILE, tokens_in, tokens_made, tokens_renewed


def test_tokens_are_made_once_and_for_their_owner_alone(tmp_path: Path) -> None:
    """Three values, none like another, none in a repr."""
    made = tokens_made(tmp_path / "new" / "folder")
    path = tmp_path / "new" / "folder" / FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert tokens_made(path.parent) == tokens_in(path.parent) == made
    values = {made.read, made.operate, made.secret}
    assert len(values) == 3
    assert min(map(len, values)) >= 43
    assert not any(value in repr(made) for value in values)


def test_processes_that_start_at_once_use_the_same_tokens(tmp_path: Path) -> None:
    """One makes them; the others find them, never half of them."""
    with ThreadPoolExecutor(16) as pool:
        made = list(pool.map(tokens_made, [tmp_path] * 64))
    assert all(each == made[0] for each in made)
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_new_tokens_are_others(tmp_path: Path) -> None:
    """None of the three stays, and nobody else may read them either."""
    old, new = tokens_made(tmp_path), tokens_renewed(tmp_path)
    assert not {old.read, old.operate, old.secret} & {new.read, new.operate, new.secret}
    assert tokens_in(tmp_path) == new
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o601])
def test_tokens_that_others_may_read_are_not_used(tmp_path: Path, mode: int) -> None:
    """Whoever is not their owner may know them by now."""
    tokens_made(tmp_path)
    (tmp_path / FILE).chmod(mode)
    with pytest.raises(OperatorError, match=rf"Others may read .* \(mode {mode:04o}\)"):
        tokens_made(tmp_path)


def test_a_link_or_a_pipe_is_no_file_of_tokens(tmp_path: Path) -> None:
    """Neither is followed, and a pipe is not waited for."""
    (tmp_path / "elsewhere").write_text("read=x\n")
    (tmp_path / FILE).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OperatorError, match="can't be read"):
        tokens_in(tmp_path)
    (tmp_path / FILE).unlink()
    os.mkfifo(tmp_path / FILE, 0o600)
    with pytest.raises(OperatorError, match="is no file"):
        tokens_in(tmp_path)


@pytest.mark.parametrize(
    "text", ["", "read=short\noperate=short\nsecret=short\n", "\xff", "read\n", "read=" + "a" * 43]
)
def test_a_file_that_holds_no_tokens_is_refused(tmp_path: Path, text: str) -> None:
    """It says what would put it right; an empty token would let everybody in."""
    path = tmp_path / FILE
    path.write_text(text, encoding="latin-1")
    path.chmod(0o600)
    with pytest.raises(OperatorError, match="token --new"):
        tokens_in(tmp_path)


def test_the_same_value_twice_is_refused(tmp_path: Path) -> None:
    """A token that reads would operate."""
    path = tmp_path / FILE
    path.write_text("".join(f"{name}={'a' * 43}\n" for name in ("read", "operate", "secret")))
    path.chmod(0o600)
    with pytest.raises(OperatorError, match="each of its own"):
        tokens_in(tmp_path)


def test_a_folder_without_tokens_says_who_makes_them(tmp_path: Path) -> None:
    """For the commands that only read them."""
    with pytest.raises(OperatorError, match="tidegauge serve"):
        tokens_in(tmp_path)
