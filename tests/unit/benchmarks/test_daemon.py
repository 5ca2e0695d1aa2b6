"""A machine without PostgreSQL: the parts that need one say so, and the rest runs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from benchmarks import daemon, sockets, storing
from benchmarks.parts import QUICK, Missing, Part

from tidegauge.core.errors import OperatorError


@asynccontextmanager
async def refusing(**_asked: object) -> AsyncIterator[None]:
    """A database that cannot be had."""
    raise OperatorError("PostgreSQL's programs are not here", fix="install them")
    yield


@pytest.mark.parametrize("part", [storing.PART, sockets.PART], ids=lambda part: part.name)
def test_without_postgresql_a_part_says_so(part: Part, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no error: the figures of the other parts are as good without it."""
    monkeypatch.setattr(daemon, "open_database", refusing)
    with pytest.raises(Missing, match="no PostgreSQL: PostgreSQL's programs are not here"):
        part.run(QUICK)
