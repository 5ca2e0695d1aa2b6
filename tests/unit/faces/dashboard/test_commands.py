"""What is sent to the desk, and what is not."""

from collections.abc import Mapping
from typing import Any

import pytest
from tests.support.scenes import scene_at

from tidegauge.faces.dashboard.commands import (
    acknowledging,
    actor,
    commenting,
    resolving,
    silencing,
)
from tidegauge.faces.dashboard.dialogs import OrderDialog
from tidegauge.faces.dashboard.orders import Told

SCENE = scene_at()
INCIDENT = SCENE.incidents[0]


class Desk:
    """Takes every order."""

    def __init__(self) -> None:
        self.given: list[tuple[str, Mapping[str, Any]]] = []

    async def give(self, path: str, body: Mapping[str, Any]) -> Told:
        self.given.append((path, body))
        return Told("done", "done")


async def ordered(dialog: OrderDialog, desk: Desk, **typed: str) -> Told:
    """Fill a dialog in and give its order."""
    values = {each.name: each.value for each in dialog.fields} | typed
    assert set(values) == {each.name for each in dialog.fields}
    told = await dialog.act(values)
    assert (told.word == "done") == bool(desk.given)
    return told


async def test_acknowledging_says_for_how_long_if_somebody_does() -> None:
    """Minutes become seconds; without them the rules decide."""
    desk = Desk()
    await ordered(acknowledging(INCIDENT, desk.give), desk, minutes="30", comment=" mine ")
    await ordered(acknowledging(INCIDENT, desk.give), desk)
    assert desk.given == [
        ("/incidents/INC-1/acknowledge", {"comment": "mine", "until_s": 1800.0}),
        ("/incidents/INC-1/acknowledge", {"comment": ""}),
    ]


@pytest.mark.parametrize("minutes", ["soon", "0", "-1", "nan", "inf", "43201"])
async def test_odd_spans_are_refused_here(minutes: str) -> None:
    """Nothing is sent."""
    desk = Desk()
    told = await ordered(acknowledging(INCIDENT, desk.give), desk, minutes=minutes)
    assert told.word == "refused"
    told = await ordered(silencing(SCENE, INCIDENT, desk.give), desk, minutes=minutes, comment="x")
    assert told.word == "refused"


async def test_a_comment_and_an_end_need_words() -> None:
    """Blanks are none."""
    for dialog in (commenting, resolving):
        desk = Desk()
        assert (await ordered(dialog(INCIDENT, desk.give), desk, comment="  ")).word == "refused"
        await ordered(dialog(INCIDENT, desk.give), desk, comment="seen")
        assert desk.given[0][1] == {"comment": "seen"}
    assert "1 of its alerts still fire" in resolving(INCIDENT, Desk().give).about


async def test_a_silence_is_proposed_of_the_incident_and_never_of_everything() -> None:
    """Its symbol and the signals of its alerts; emptied fields ask nothing."""
    desk = Desk()
    await ordered(silencing(SCENE, INCIDENT, desk.give), desk, comment="maintenance")
    assert desk.given == [
        (
            "/silences",
            {
                "for_s": 3600.0,
                "signals": ["liquidity_crunch"],
                "symbols": ["BTCUSDT"],
                "venues": [],
                "comment": "maintenance",
            },
        )
    ]
    empty = silencing(SCENE, None, Desk().give)
    told = await ordered(empty, Desk(), symbols=" , ", signals="", comment="x")
    assert "everything" in told.said


def test_the_user_of_the_shell_orders() -> None:
    """Where nobody knows who that is, the API says whose token it was."""
    assert actor({"USER": " ann "}) == "ann"
    assert actor({}) == ""
