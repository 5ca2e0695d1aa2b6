"""Services that are told by HTTP, over real TLS: what they are sent, and what is made of answers."""

import ssl
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from tests.support.pages import a_page
from tests.support.receivers import OK, Act, Receiver, receiving

from tidegauge.core.alert import Severity
from tidegauge.core.desk import PageKind
from tidegauge.core.instrument import HOUR, SECOND
from tidegauge.sinks.notify.channel import Answer, Verdict
from tidegauge.sinks.notify.guard import Guard
from tidegauge.sinks.notify.http import HttpChannel
from tidegauge.sinks.notify.spelling import spelled

NOW = 1_800_000_000 * SECOND
LONG_AGO = datetime.now(UTC) - timedelta(days=2)


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """An authority that OpenSSL is told to trust, as an operator would (SSL_CERT_FILE)."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    return authority


def tls(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


async def sent(
    url: str, page: object = None, *, allowed: tuple[str, ...] = ("127.0.0.1",)
) -> Answer:
    """Send a page to an address, and return what came of it."""
    channel = HttpChannel(spelled(url), Guard(allowed), now=lambda: NOW)
    try:
        return await channel.send(page or a_page(), None)  # type: ignore[arg-type]
    finally:
        await channel.close()


def path_of(receiver: Receiver) -> str:
    return receiver.requests[-1].path


async def test_slack_is_sent_plain_text_that_calls_nobody(authority: trustme.CA) -> None:
    """`<!channel>` in a symbol or a comment must not wake everybody."""
    page = a_page(title="<!channel> *BTC* & co", text="<https://evil|click> `x`")
    async with receiving(tls=tls(authority.issue_cert("127.0.0.1"))) as slack:
        answer = await sent(f"slack+{slack.url}/services/T0/B0/X", page)
    assert answer.verdict is Verdict.TAKEN
    assert path_of(slack) == "/services/T0/B0/X"
    (body,) = slack.taken
    assert body["text"] == "[HIGH] &lt;!channel&gt; *BTC* &amp; co"
    assert [block["text"]["type"] for block in body["blocks"]] == ["plain_text"] * 2
    assert body["blocks"][0]["text"]["text"] == "[HIGH] <!channel> *BTC* & co"
    assert body["blocks"][1]["text"]["text"] == "<https://evil|click> `x`"
    assert slack.requests[0].headers["Content-Type"] == "application/json"


async def test_telegram_is_sent_to_the_chat_by_the_bot(authority: trustme.CA) -> None:
    """Its token goes into the path, as its API wants; no markup is asked for."""
    async with receiving(tls=tls(authority.issue_cert("127.0.0.1"))) as telegram:
        host = telegram.url.removeprefix("https://")
        answer = await sent(f"telegram+https://123:AB_c-d@{host}/-1001")
    assert answer.verdict is Verdict.TAKEN
    assert path_of(telegram) == "/bot123:AB_c-d/sendMessage"
    (body,) = telegram.taken
    assert body["chat_id"] == "-1001"
    assert body["text"].startswith("[HIGH] BTCUSDT on binance is thin\n\nDepth within 10 bps")
    assert "parse_mode" not in body


@pytest.mark.parametrize(
    ("kind", "action"),
    [
        (PageKind.OPENED, "trigger"),
        (PageKind.ESCALATED, "trigger"),
        (PageKind.ACKNOWLEDGED, "acknowledge"),
        (PageKind.RESOLVED, "resolve"),
    ],
)
async def test_pagerduty_has_one_incident_for_one_of_ours(
    authority: trustme.CA, kind: PageKind, action: str
) -> None:
    """By the dedup_key: what resolves here, resolves there."""
    async with receiving(tls=tls(authority.issue_cert("127.0.0.1"))) as pagerduty:
        host = pagerduty.url.removeprefix("https://")
        page = a_page(3, kind=kind, incident="INC-7", severity=Severity.HIGH)
        answer = await sent(f"pagerduty+https://:KEY@{host}", page)
    assert answer.verdict is Verdict.TAKEN
    assert path_of(pagerduty) == "/v2/enqueue"
    (body,) = pagerduty.taken
    assert (body["routing_key"], body["event_action"], body["dedup_key"]) == (
        "KEY",
        action,
        "INC-7",
    )
    assert body["payload"]["severity"] == "error"
    assert "Authorization" not in pagerduty.requests[0].headers


async def test_a_webhook_is_sent_everything_and_its_password_in_a_header() -> None:
    """The key is the same in the body and in Idempotency-Key, however often it comes."""
    async with receiving() as hook:
        host = hook.url.removeprefix("http://")
        answer = await sent(f"http://me:p%40ss@{host}/hook?team=desk")
    assert answer.verdict is Verdict.TAKEN
    (body,) = hook.taken
    assert body == {
        "version": 1,
        "key": "INC-1:1",
        "kind": "opened",
        "at": "2027-01-15T08:00:01Z",
        "severity": "high",
        "title": "BTCUSDT on binance is thin",
        "text": "Depth within 10 bps fell by 64 %.\nWiden quotes.",
        "symbol": "BTCUSDT",
        "incidents": ["INC-1"],
        "over": False,
        "starts_at": "2027-01-15T08:00:00Z",
        "ends_at": None,
        "labels": {"family": "liquidity"},
    }
    request = hook.requests[0]
    assert request.path_qs == "/hook?team=desk"
    assert request.headers["Idempotency-Key"] == "INC-1:1"
    assert request.headers["Authorization"] == f"Basic {b64encode(b'me:p@ss').decode()}"


@pytest.mark.parametrize(
    ("act", "verdict", "said"),
    [
        (Act(status=204, body=b""), Verdict.TAKEN, ""),
        (Act(status=301), Verdict.LATER, "301: it sends us to another address"),
        (Act(status=400, body=b"invalid_payload"), Verdict.REFUSED, "400 invalid_payload"),
        (Act(status=401, body=b"\x1b[1mno"), Verdict.LATER, "401 [1mno"),
        (Act(status=404, body=b"no_service"), Verdict.LATER, "404 no_service"),
        (Act(status=413, body=b""), Verdict.REFUSED, "413"),
        (Act(status=500, body=b"\xff\xfe"), Verdict.LATER, "500"),
    ],
)
async def test_an_answer_is_judged_by_its_status(act: Act, verdict: Verdict, said: str) -> None:
    """What speaks of the page is the page's trouble, what speaks of the channel the channel's."""
    async with receiving([act]) as hook:
        answer = await sent(f"{hook.url}/hook")
    assert answer.verdict is verdict
    assert answer.said.startswith(said)


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("7", 7 * SECOND),
        ("999999999999", HOUR),
        ("Fri, 15 Jan 2027 08:00:30 GMT", 30 * SECOND),
        ("Fri, 15 Jan 2027 07:00:00 GMT", 0),
        ("Fri, 15 Jan 2038 07:00:00 GMT", HOUR),
        ("soon", None),
        ("-3", None),
        ("٣", None),
    ],
)
async def test_retry_after_is_read_in_seconds_and_as_a_date(header: str, wait: int | None) -> None:
    """At most an hour of it: a confused server must not silence the pager for a year."""
    busy = Act(status=429, headers=(("Retry-After", header),))
    async with receiving([busy]) as hook:
        assert (await sent(f"{hook.url}/hook")).wait == (wait or None)


async def test_telegram_says_in_the_body_how_long_it_is_to_be_left_alone() -> None:
    """Bot API, ResponseParameters."""
    body = b'{"ok": false, "error_code": 429, "parameters": {"retry_after": 35}}'
    async with receiving([Act(status=429, body=body), Act(status=429, body=b"[" * 9_000)]) as hook:
        assert (await sent(f"{hook.url}/hook")).wait == 35 * SECOND
        assert (await sent(f"{hook.url}/hook")).wait is None


@pytest.mark.parametrize("fault", ["unknown authority", "another host", "expired", "no TLS at all"])
async def test_who_cannot_prove_who_they_are_gets_no_page(
    authority: trustme.CA, fault: str
) -> None:
    """The page, and the secret in the address, stay here."""
    certificate = {
        "unknown authority": trustme.CA().issue_cert("127.0.0.1"),
        "another host": authority.issue_cert("hooks.example.com"),
        "expired": authority.issue_cert(
            "127.0.0.1", not_before=LONG_AGO, not_after=LONG_AGO + timedelta(days=1)
        ),
        "no TLS at all": None,
    }[fault]
    context = None if certificate is None else tls(certificate)
    async with receiving(tls=context) as slack:
        answer = await sent(f"slack+https://127.0.0.1:{slack.port}/services/T0/B0/tokenTOKEN12345")
    assert slack.requests == []
    assert answer.verdict is Verdict.LATER
    assert "SSL" in answer.said
    assert "tokenTOKEN12345" not in answer.said


async def test_an_address_that_is_not_listed_is_not_called() -> None:
    """Said in one line, with what to list."""
    async with receiving() as hook:
        inside = await sent(f"{hook.url}/hook", allowed=())
        secret = await sent(f"https://127.0.0.1:{hook.port}/hook", allowed=())
    assert hook.requests == []
    assert inside.said == "must begin with https, or its host be listed in notify.allow_hosts"
    assert secret.said == "refused by us: 127.0.0.1 is at 127.0.0.1, which is not on the internet"


async def test_nobody_listening_is_said_without_the_address() -> None:
    """The path of a webhook is its password."""
    answer = await sent("http://127.0.0.1:9/hook/CANARY1234567")
    assert answer.verdict is Verdict.LATER
    assert answer.said.startswith("ClientConnectorError: Cannot connect to host 127.0.0.1:9")
    assert "CANARY1234567" not in answer.said


async def test_the_client_keeps_nothing_and_takes_nothing_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """No proxy, no `.netrc`, no cookie of the answer before."""
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password CANARY\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with receiving([Act(headers=(("Set-Cookie", "a=b"),)), OK]) as hook:
        channel = HttpChannel(spelled(f"{hook.url}/hook"), Guard(["127.0.0.1"]))
        for number in (1, 2):
            assert (await channel.send(a_page(number), None)).verdict is Verdict.TAKEN
        await channel.close()
    for request in hook.requests:
        assert not {"Cookie", "Authorization", "Proxy-Authorization"} & set(request.headers)


async def test_a_page_of_any_text_arrives_as_it_is() -> None:
    """Control characters, markup, half characters and other scripts are text."""
    text = "\x00\x1b[31m \u202e {{7*7}} '; DROP TABLE -- \ud800 深度"
    async with receiving() as hook:
        answer = await sent(f"{hook.url}/hook", a_page(text=text, title=text))
    assert answer.verdict is Verdict.TAKEN
    assert hook.taken[0]["text"] == text
