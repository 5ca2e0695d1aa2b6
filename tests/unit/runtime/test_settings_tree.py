"""The tree's own rules: what fits together, and where data goes by default."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from tidegauge.runtime.settings import Settings, default_data_dir


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"readings": {"bands_bps": [50, 10]}}, "bands_bps must rise"),
        ({"readings": {"notionals": [5, 5]}}, "notionals must rise"),
        ({"feed": {"reconnect_cap_s": 0.5}}, "reconnect_cap_s must be at least"),
        ({"database": {"batch_rows": 9, "queue_rows": 3}}, "batch_rows (9) must not exceed"),
        ({"venues": []}, "at least 1"),
        ({"endpoints": {"binance": {"rest_url": "https://"}}}, "a URL with a host"),
        ({"proxy": "socks5://x"}, "begins with https:// or http://"),
        ({"database": {"url": "postgresql://h:99999/x"}}, "begins with postgresql://"),
        ({"data_dir": "~no-such-user-here/x"}, "home directory that is not known"),
        ({"data_dir": "a\0b"}, "must be a path"),
    ],
)
def test_what_does_not_fit_together_is_refused(given: dict[str, object], said: str) -> None:
    """Before anything starts, and without the value in the text."""
    with pytest.raises(ValidationError) as caught:
        Settings(**given)  # type: ignore[arg-type]
    assert said in str(caught.value)
    assert "input_value" not in str(caught.value)


def test_data_goes_where_the_platform_keeps_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """XDG on Linux, the Library on macOS, here for a user without a home."""
    home = Path.home()
    assert default_data_dir({}, "linux") == home / ".local/share/tidegauge"
    assert default_data_dir({"XDG_DATA_HOME": "/data"}, "linux") == Path("/data/tidegauge")
    assert default_data_dir({"XDG_DATA_HOME": "rel"}, "linux") == home / ".local/share/tidegauge"
    mac = home / "Library/Application Support/tidegauge"
    assert default_data_dir({"XDG_DATA_HOME": "/data"}, "darwin") == mac

    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    assert default_data_dir({}, "linux") == Path.cwd() / ".tidegauge"
