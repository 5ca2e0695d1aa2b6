"""A database's URL: read, refused, and never shown with its secrets."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegauge.core.errors import OperatorError
from tidegauge.sinks.address import mask, read_address

SECRETS = st.text(min_size=4, max_size=20).map(lambda each: f"s3{each}cret")


@given(SECRETS, st.booleans())
def test_no_password_survives_masking(secret: str, encoded: bool) -> None:
    """Properly written or not, before the host or among the parameters."""
    written = quote(secret, safe="") if encoded else secret
    for url in (
        f"postgresql://user:{written}@host:5432/db?sslmode=require",
        f"postgres://user:{written}@[::1]/db",
        f"postgresql://user@host/db?password={quote(secret, safe='')}&sslmode=require",
        f"POSTGRESQL://user:{written}@host/db?sslpassword={quote(secret, safe='')}",
        f"postgres:/user:{written}@host/db",
        written,
    ):
        assert secret not in mask(url)
        assert written not in mask(url)


@given(SECRETS)
def test_no_refusal_holds_the_password(secret: str) -> None:
    """An unencoded password may break the URL; what is said of it is masked."""
    said = ""
    try:
        address = read_address(f"postgresql://user:{secret}@host/db")
        said = f"{address} {address.url} {address.describe}"
    except OperatorError as error:
        said = str(error)
    assert secret not in said


def test_masking_leaves_the_rest_readable() -> None:
    """Who, where and what stay."""
    assert mask("postgresql://me:pw@h:5432/db?a=1") == "postgresql://me:***@h:5432/db?a=1"
    assert mask("postgresql://me@h/db") == "postgresql://me@h/db"
    assert mask("hunter2") == "***"


def test_a_password_is_taken_from_where_it_is() -> None:
    """The setting wins over the URL, and an encoded one is decoded."""
    assert read_address("postgresql://me:p%40ss@h/db").password == "p@ss"
    assert read_address("postgresql://me:other@h/db", "mine").password == "mine"
    assert read_address("postgresql://me@h/db?password=p%2Fw").password == "p/w"
    address = read_address("postgresql://me:pw@h:5433/db?password=x&sslmode=require")
    assert address.url == "postgresql://me@h:5433/db?sslmode=require"
    assert address.describe == "PostgreSQL at h:5433, db as me"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me@h/db",
        "postgresql://h/db",
        "postgres://me:@h:5432/db",
        "postgresql://me@h1:5432,h2:5432/db",
    ],
)
def test_a_password_that_is_needed_is_asked_for_by_name(url: str) -> None:
    """At once, without asking the server."""
    with pytest.raises(OperatorError, match="TIDEGAUGE_DATABASE_PASSWORD"):
        read_address(url)
    assert read_address(url, "pw").password == "pw"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql:///db",
        "postgresql:///db?host=/var/run/postgresql",
        "postgresql://me@h/db?sslcert=/etc/me.crt&sslkey=/etc/me.key",
        "postgresql://me@h/db?passfile=/etc/pgpass",
    ],
)
def test_a_password_is_not_asked_for_where_none_is_needed(url: str) -> None:
    """A unix socket, a certificate, a password file."""
    assert read_address(url).password is None


@pytest.mark.parametrize(
    "url",
    [
        "mysql://me:pw@h/db",
        "me:pw@h/db",
        "postgresql://me:p/w@h/db",
        "postgresql://me:12/34@h/db",
        "postgresql://me:p#w@h/db",
        "postgresql://me:pw@h:port/db",
        "postgresql://me:pw@[::1/db",
        "postgresql://me:pw@h h/db",
    ],
)
def test_a_url_that_cannot_be_read_is_one_line(url: str) -> None:
    """It names the variable, shows the form, and repeats no secret."""
    with pytest.raises(OperatorError, match="TIDEGAUGE_DATABASE_URL") as raised:
        read_address(url)
    assert "\n" not in str(raised.value)
    assert "p/w" not in str(raised.value)
    assert "postgresql://user@host:5432/database" in str(raised.value)
