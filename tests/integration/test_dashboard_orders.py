"""What came of an order, over a real socket, whatever the API answers."""

from typing import Any

import pytest
from tests.support.standing_api import TOKEN, standing_in

from tidegauge.faces.dashboard.access import Access
from tidegauge.faces.dashboard.orders import Told, asked, ordered


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ((200, {"done": True, "said": "you have it"}), Told("done", "you have it")),
        ((202, {"waits": True, "said": "no daemon yet"}), Told("waits", "no daemon yet")),
        ((409, {"detail": "ann has it"}), Told("refused", "ann has it")),
        ((401, {"title": "Unauthorized"}), Told("refused", "Unauthorized")),
        (
            (422, {"detail": "odd", "errors": [{"field": "for_s", "message": "too long"}, 7]}),
            Told("refused", "odd; for_s: too long"),
        ),
        ((500, {"title": "Oh"}), Told("failed", "Oh")),
        ((200, {}), Told("refused", "it says 200")),
        ((302, {}), Told("refused", "it says 302")),
        ((200, []), Told("failed", "the API answers 200 with what is no object")),
    ],
)
async def test_each_answer_has_one_meaning(answer: tuple[int, Any], told: Told) -> None:
    """Done, waits, refused with the reason, or failed."""
    async with standing_in(answer=answer) as served:
        assert await ordered(Access(served.url, TOKEN), "/silences", {"comment": "x"}) == told
        assert served.orders == [("/silences", {"comment": "x"})]


async def test_nobody_knows_what_became_of_an_order_without_an_answer() -> None:
    """And it says so; a question without an answer is none."""
    async with standing_in() as served:
        await served.stop()
        access = Access(served.url, TOKEN)
        told = await ordered(access, "/silences", {})
        assert told.word == "failed"
        assert told.said.startswith("it may or may not have been carried out")
        assert TOKEN not in told.said
        assert await asked(access, "/history/binance/BTCUSDT") is None
