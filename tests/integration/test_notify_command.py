"""`tidegauge notify`: a test page, and what waits, as an operator sees them."""

import asyncio
import json
import re
import time
from pathlib import Path

from tests.support.cli import Told, tidegauge
from tests.support.pages import a_page
from tests.support.receivers import Act, receiving

from tidegauge.core.desk import Arrival
from tidegauge.core.instrument import SECOND
from tidegauge.sinks.outbox.file import OutboxFile, Settled

URL = "TIDEGAUGE_NOTIFY__CHANNELS__{}__URL"


async def notify(tmp_path: Path, *arguments: str, **environ: str) -> Told:
    return await asyncio.to_thread(
        tidegauge,
        *("notify", *arguments, "--data-dir", str(tmp_path / "data")),
        cwd=tmp_path,
        env={"TIDEGAUGE_NOTIFY__ALLOW_HOSTS": "127.0.0.1", **environ},
    )


async def test_a_test_page_is_sent_to_every_channel_and_each_says_what_came_of_it(
    tmp_path: Path,
) -> None:
    """The exit code is that of a failure as soon as one of them took none."""
    async with receiving() as good, receiving([Act(status=404, body=b"no_service")]) as bad:
        environ = {
            URL.format("DESK"): f"{good.url}/desk",
            URL.format("BAD"): f"{bad.url}/bad",
        }
        told = await notify(tmp_path, "test", **environ)
        assert told.code == 1
        lines = sorted(told.out.splitlines())
        assert lines[0] == "bad: NOT delivered: 404 no_service"
        assert re.fullmatch(r"desk: delivered in \d+\.\d\d s", lines[1])
        assert told.complaints == [
            "tidegauge: 1 of 2 channels took no page: bad. Put right what it says above, and try again"
        ]
        (page,) = good.taken
        assert (page["kind"], page["title"]) == ("test", "Test page of Tidegauge")
        one = await notify(tmp_path, "test", "DESK", "--json", **environ)
        (tried,) = json.loads(one.out)
        assert (tried["channel"], tried["taken"]) == ("desk", True)
        assert (one.code, len(good.taken), len(bad.requests)) == (0, 2, 1)
    assert not (tmp_path / "data" / "outbox.sqlite3").exists()


async def test_what_cannot_be_tested_is_said_in_one_line(tmp_path: Path) -> None:
    """No channel, one that is not there, one on the inside, one written wrongly."""
    none = await notify(tmp_path, "test")
    assert none.code == 1
    (said,) = none.complaints
    assert said.startswith(
        "tidegauge: There is no channel to test. Set one, such as TIDEGAUGE_NOTI"
    )
    environ = {URL.format("SLACK"): "https://hooks.slack.com/services/T0/B0/CANARY"}
    unknown = await notify(tmp_path, "test", "slak", **environ)
    assert unknown.complaints == ["tidegauge: Unknown channel 'slak'. Did you mean 'slack'?"]
    inside = await notify(tmp_path, "test", **{URL.format("HOOK"): "https://169.254.169.254/x"})
    assert inside.code == 1
    assert "NOT delivered: refused by us: 169.254.169.254 is at" in inside.out
    wrong = await notify(tmp_path, "test", **{URL.format("HOOK"): "gopher://h/CANARY"})
    assert wrong.code == 1
    assert "CANARY" not in wrong.err
    assert wrong.complaints[0].startswith(
        "tidegauge: notify.channels.hook.url is (secret), but must begin with https://"
    )


async def test_status_says_what_waits_for_whom_since_when_and_why(tmp_path: Path) -> None:
    """Also of a channel that is set no more, and without an outbox."""
    nothing = await notify(tmp_path, "status")
    assert nothing.code == 0
    assert nothing.out.startswith("No channel is set, and nothing was ever to be told.")
    _fill(tmp_path / "data")
    environ = {URL.format("SLACK"): "https://hooks.slack.com/services/T0/B0/X"}
    told = await notify(tmp_path, "status", **environ)
    assert told.code == 0
    head, gone, slack = told.out.splitlines()
    assert head.split()[:3] == ["channel", "waiting", "oldest"]
    assert gone.startswith("gone (not set)")
    assert "503 \\x1b[31mbusy" in slack
    assert "5 min ago" in slack
    as_json = json.loads((await notify(tmp_path, "status", "--json", **environ)).out)
    assert [(each["channel"], each["waiting"], each["sent"]) for each in as_json] == [
        ("gone", 3, 0),
        ("slack", 2, 1),
    ]


def _fill(data_dir: Path) -> None:
    """Leave an outbox with pages that wait."""
    data_dir.mkdir()
    now = time.time_ns() - 300 * SECOND
    file = OutboxFile(str(data_dir / "outbox.sqlite3"), "me")
    file.put([a_page(number, "slack", "gone") for number in (1, 2, 3)], now)
    for arrival, said in ((Arrival.SENT, ""), (Arrival.RETRYING, "503 \x1b[31mbusy")):
        parcel = file.next("slack", now)[0]
        assert parcel is not None
        file.settle(Settled(parcel=parcel, began=now, at=now, arrival=arrival, said=said))
    file.close()


async def test_an_outbox_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    """And no table of zeros."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "outbox.sqlite3").write_bytes(b"noise " * 500)
    told = await notify(tmp_path, "status")
    assert told.code == 1
    assert "can't be read" in told.complaints[0]
