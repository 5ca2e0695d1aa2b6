"""From the settings to pages that arrive."""

from pathlib import Path

from tests.support.database import until
from tests.support.pages import a_page
from tests.support.receivers import receiving

from tidegauge.core.desk import Arrival, Delivery
from tidegauge.runtime.notifying import dead_man_of, notifying, wired
from tidegauge.runtime.settings import Settings
from tidegauge.sinks.notify.http import HttpChannel
from tidegauge.sinks.notify.mail import MailChannel

MAIL = "smtps://mail.example.com?from=a@example.com&to=b@example.com"


def settings(tmp_path: Path, **notify: object) -> Settings:
    return Settings(data_dir=tmp_path, notify=notify)  # type: ignore[arg-type]


async def test_pages_and_signs_of_life_go_to_what_is_set(tmp_path: Path) -> None:
    """And how each page fares is told."""
    told: list[Delivery] = []
    async with receiving() as hook:
        found = settings(
            tmp_path,
            channels={"desk": {"url": f"{hook.url}/desk"}},
            allow_hosts=("127.0.0.1",),
            dead_man_url=f"{hook.url}/alive",
        )
        async with notifying(found, "run", healthy=lambda: True, told=told.append) as notifier:
            notifier.submit(a_page(1, "desk"))
            await until(lambda: {"/desk", "/alive"} <= {each.path for each in hook.requests})
            await until(lambda: bool(told))
    assert [(each.channel, each.arrival) for each in told] == [("desk", Arrival.SENT)]


async def test_with_nothing_set_nothing_is_told_and_nothing_fails(tmp_path: Path) -> None:
    """A page for a channel that is not there waits, and is given up a day later."""
    told: list[Delivery] = []
    found = settings(tmp_path)
    assert wired(found) == {}
    assert dead_man_of(found, lambda: True) is None
    async with notifying(found, "run", healthy=lambda: True, told=told.append) as notifier:
        await notifier.put(a_page(1, "slack"))
    assert (tmp_path / "outbox.sqlite3").exists()
    assert told == []


async def test_each_service_gets_its_channel_with_what_is_set_of_it(tmp_path: Path) -> None:
    """Time, fallback, and who speaks."""
    found = settings(
        tmp_path,
        channels={
            "slack": {
                "url": "https://hooks.slack.com/services/T/B/X",
                "fallback": "mail",
                "fallback_after_s": 7,
                "timeout_s": 3,
            },
            "mail": {"url": MAIL},
        },
    )
    slack, mail = wired(found)["slack"], wired(found)["mail"]
    assert isinstance(slack.channel, HttpChannel)
    assert isinstance(mail.channel, MailChannel)
    assert (slack.timeout_s, slack.fallback, slack.fallback_after_s) == (3, "mail", 7)
