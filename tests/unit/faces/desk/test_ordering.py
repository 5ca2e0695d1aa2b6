"""Who orders, and in what words."""

import uuid

import pytest

from tidegauge.core.desk import OrderKind
from tidegauge.core.errors import OperatorError
from tidegauge.faces.desk.ordering import actor_of, new_order, whole


def test_who_orders_is_the_user_of_the_shell_unless_somebody_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nobody is no answer."""
    monkeypatch.setenv("USER", " mira ")
    assert (actor_of(None), actor_of("tom")) == ("mira", "tom")
    monkeypatch.delenv("USER")
    for by in (None, " "):
        with pytest.raises(OperatorError, match="Nobody says who orders it"):
            actor_of(by)
    with pytest.raises(OperatorError, match="--by has 101 characters"):
        actor_of("x" * 101)


def test_words_are_taken_as_they_are_or_not_at_all() -> None:
    """Nothing is cut off unseen; what a text of the database cannot hold is left out or refused."""
    assert whole("TEXT", "\x1b[31m'; --\0") == "\x1b[31m'; --"
    with pytest.raises(OperatorError, match="TEXT has 2,001 characters"):
        whole("TEXT", "x" * 2001)
    with pytest.raises(OperatorError, match="no text in UTF-8"):
        whole("TEXT", "\udcff")


def test_every_order_is_one_of_its_own() -> None:
    """To the microsecond, which is what the database holds."""
    one, two = (new_order(kind=OrderKind.COMMENT, actor="mira") for _ in range(2))
    assert uuid.UUID(one.id) != uuid.UUID(two.id)
    assert one.at % 1000 == 0
