"""A password in a URL is masked wherever the URL stands."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegauge.runtime.redaction import MASK, SECRET_NAME, mask_urls, url_secrets

UNRESERVED = st.text("abcdefghijklmnopqrstuvwxyzABCDEF0123456789-._~!$&*+,;=@:/%'?#", min_size=1)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("postgresql://u:pw@host/db", f"postgresql://u:{MASK}@host/db"),
        ("postgres://:pw@host", f"postgres://:{MASK}@host"),
        ("http://u:p@ss:w/rd@proxy:3128", f"http://u:{MASK}@proxy:3128"),
        ("see 'https://a:b@c/d', then", f"see 'https://a:{MASK}@c/d', then"),
        ("two http://a:b@c http://d:e@f", f"two http://a:{MASK}@c http://d:{MASK}@f"),
        ("wss://h/ws?token=abc&x=1", f"wss://h/ws?token={MASK}&x=1"),
        ("https://h:443/path", "https://h:443/path"),
        ("https://user@host/path", "https://user@host/path"),
        ("no url: a:b@c", "no url: a:b@c"),
    ],
)
def test_only_the_secret_of_a_url_is_masked(text: str, masked: str) -> None:
    """Host, user and the rest stay readable: they are what the operator looks for."""
    assert mask_urls(text) == masked


@given(UNRESERVED, st.sampled_from(["", "/db", "/db?sslmode=require", ":5432/x"]))
def test_no_password_survives_however_it_is_written(password: str, rest: str) -> None:
    """Even one that should have been percent-encoded and was not."""
    canary = f"canary{password}canary"
    assert "canary" not in mask_urls(f"failed: postgresql://user:{canary}@host{rest} (x)")


@pytest.mark.parametrize(
    "name", ["password", "DB_PASSWORD", "pg_passwd", "client_secret", "token", "Authorization",
             "api_key", "apikey", "passphrase", "private_key", "authorisation"],
)  # fmt: skip
def test_a_key_that_speaks_of_a_secret_is_known(name: str) -> None:
    """By its name alone."""
    assert SECRET_NAME.search(name)


@pytest.mark.parametrize("name", ["venue", "key", "symbol", "passed", "monkey", "database"])
def test_an_ordinary_key_is_not_taken_for_one(name: str) -> None:
    """Masking what must be read would be a fault too."""
    assert not SECRET_NAME.search(name)


def test_a_secret_is_known_as_written_and_as_decoded() -> None:
    """A driver may repeat either."""
    assert url_secrets("postgres://u:a%40b@h") == ("a%40b", "a@b")
    assert url_secrets("postgres://u@h") == ()
    assert url_secrets("http://[broken") == ()
