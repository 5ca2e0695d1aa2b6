"""E-mail, to a real SMTP server: encrypted, threaded, with no password in the clear."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from tests.support.pages import a_page

from tidegauge.core.desk import PageKind
from tidegauge.sinks.notify.channel import Answer, Verdict
from tidegauge.sinks.notify.guard import Guard
from tidegauge.sinks.notify.mail import MailChannel, letter
from tidegauge.sinks.notify.spelling import spelled

LISTED = ("localhost", "127.0.0.1")
PASSWORD = "s3cr3t-CANARY-9"
TO = "from=tidegauge@example.com&to=desk@example.com,oncall@example.com"


@dataclass(slots=True)
class Server:
    """A mail server on this machine, and what it was given."""

    port: int = 0
    letters: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    refuse_data: str | None = None
    refuse: dict[str, str] = field(default_factory=dict)

    async def handle_RCPT(  # noqa: N802
        self, _smtp: SMTP, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _smtp: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.refuse_data is not None:
            return self.refuse_data
        assert isinstance(envelope.content, bytes)
        letter = message_from_bytes(envelope.content, policy=policy.default)
        self.letters.append(letter)
        self.recipients += envelope.rcpt_tos
        self.encrypted.append(session.ssl is not None)
        return "250 OK"


def judge(_smtp: SMTP, _session: Session, _envelope: Envelope, _how: str, data: Any) -> AuthResult:
    """Let in who has the password."""
    assert isinstance(data, LoginPassword)
    return AuthResult(success=data.password == PASSWORD.encode(), handled=False)


@asynccontextmanager
async def serving(
    *, tls: ssl.SSLContext | None = None, starttls: ssl.SSLContext | None = None
) -> AsyncIterator[Server]:
    server = Server()
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(
        lambda: SMTP(
            server,
            hostname="mail.example.com",
            tls_context=starttls,
            authenticator=judge,
            auth_require_tls=tls is None,
            loop=loop,
        ),
        "127.0.0.1",
        0,
        ssl=tls,
    )
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        await listening.wait_closed()


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """The context of a server that this process trusts."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    return _context(authority.issue_cert("localhost"))


def _context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


async def sent(url: str, number: int = 1, *, allowed: tuple[str, ...] = LISTED) -> Answer:
    channel = MailChannel(spelled(url), Guard(allowed))
    async with asyncio.timeout(30):
        return await channel.send(a_page(number, incident="INC-1"), None)


@pytest.mark.parametrize("way", ["smtps", "smtp"])
async def test_a_page_arrives_encrypted_at_everybody(tls: ssl.SSLContext, way: str) -> None:
    """TLS from the first byte, or by STARTTLS; with the password, which the server checked."""
    context = {"smtps": {"tls": tls}, "smtp": {"starttls": tls}}[way]
    async with serving(**context) as server:
        url = f"{way}://bot:{PASSWORD}@localhost:{server.port}?{TO}"
        answer = await sent(url)
    assert answer == Answer(verdict=Verdict.TAKEN)
    (mail,) = server.letters
    assert (mail["Subject"], mail["From"]) == (
        "[HIGH] BTCUSDT on binance is thin",
        "tidegauge@example.com",
    )
    assert "Depth within 10 bps fell by 64 %." in mail.get_content()
    assert server.recipients == ["desk@example.com", "oncall@example.com"]


async def test_the_same_page_is_the_same_letter_and_an_incident_is_a_thread(
    tls: ssl.SSLContext,
) -> None:
    """So that whoever reads them twice sees that it is one."""
    async with serving(tls=tls) as server:
        for number in (1, 1, 2):
            await sent(f"smtps://localhost:{server.port}?{TO}", number)
    first, again, other = server.letters
    assert first["Message-ID"] == again["Message-ID"] != other["Message-ID"]
    assert first["References"] == other["References"]


async def test_a_server_that_does_not_encrypt_is_not_spoken_to() -> None:
    """Unless it is listed, and then never with a password."""
    async with serving() as server:
        open_ = f"smtp://localhost:{server.port}?{TO}"
        with_password = f"smtp://bot:{PASSWORD}@localhost:{server.port}?{TO}"
        by_address = await sent(open_, allowed=("127.0.0.1",))
        secret = await sent(with_password)
        assert server.letters == []
        listed = await sent(open_)
    assert "STARTTLS" in by_address.said
    assert "STARTTLS" in secret.said
    assert listed.verdict is Verdict.TAKEN
    assert server.encrypted == [False]


@pytest.mark.usefixtures("tls")
@pytest.mark.parametrize("way", ["smtps", "smtp"])
async def test_a_server_that_cannot_prove_who_it_is_gets_nothing(way: str) -> None:
    """An authority nobody knows: neither the page nor the password leaves."""
    stranger = _context(trustme.CA().issue_cert("localhost"))
    context = {"smtps": {"tls": stranger}, "smtp": {"starttls": stranger}}[way]
    async with serving(**context) as server:
        answer = await sent(f"{way}://bot:{PASSWORD}@localhost:{server.port}?{TO}")
    assert server.letters == []
    assert answer.verdict is Verdict.LATER
    assert PASSWORD not in answer.said


async def test_a_wrong_password_is_the_channels_trouble(tls: ssl.SSLContext) -> None:
    """Not the page's: it is tried again, and the password is not told."""
    async with serving(tls=tls) as server:
        answer = await sent(f"smtps://bot:wrong-CANARY@localhost:{server.port}?{TO}")
    assert answer.verdict is Verdict.LATER
    assert answer.said.startswith("SMTPAuthenticationError")
    assert "CANARY" not in answer.said


@pytest.mark.parametrize(
    ("said", "verdict"), [("554 spam", Verdict.REFUSED), ("451 later", Verdict.LATER)]
)
async def test_a_letter_that_is_refused_for_good_is_the_pages_trouble(
    tls: ssl.SSLContext, said: str, verdict: Verdict
) -> None:
    """RFC 5321: 5 is for good, 4 for now."""
    async with serving(tls=tls) as server:
        server.refuse_data = said
        answer = await sent(f"smtps://localhost:{server.port}?{TO}")
    assert answer.verdict is verdict
    assert said.split()[1] in answer.said


async def test_one_recipient_who_is_refused_does_not_keep_it_from_the_others(
    tls: ssl.SSLContext,
) -> None:
    """Told once: again would be twice for the others. That somebody missed it is said."""
    async with serving(tls=tls) as server:
        server.refuse = {"desk@example.com": "550 who?"}
        answer = await sent(f"smtps://localhost:{server.port}?{TO}")
        assert answer.verdict is Verdict.TAKEN
        assert answer.said == "not for 1 of the recipients"
        assert server.recipients == ["oncall@example.com"]
        server.refuse |= {"oncall@example.com": "550 who?"}
        assert (await sent(f"smtps://localhost:{server.port}?{TO}")).verdict is Verdict.REFUSED
        server.refuse |= {"oncall@example.com": "450 full"}
        assert (await sent(f"smtps://localhost:{server.port}?{TO}")).verdict is Verdict.LATER


async def test_a_private_server_is_refused_unless_listed_and_a_dead_one_is_said() -> None:
    """The connection goes to an address that was checked."""
    async with serving() as server:
        answer = await sent(f"smtp://localhost:{server.port}?{TO}", allowed=())
    assert answer.said.startswith("refused by us: localhost is at ")
    dead = await sent(f"smtp://localhost:{server.port}?{TO}")
    assert dead.verdict is Verdict.LATER
    assert "ConnectionRefusedError" in dead.said


async def test_a_server_that_says_nothing_ends_with_the_attempt() -> None:
    """Cancelled by the deadline, the socket is closed."""
    met, closed = asyncio.Event(), asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        met.set()
        await reader.read()
        closed.set()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    channel = MailChannel(spelled(f"smtp://127.0.0.1:{port}?{TO}"), Guard(LISTED))
    sending = asyncio.create_task(channel.send(a_page(), None))
    async with asyncio.timeout(30):
        await met.wait()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        await closed.wait()
    server.close()
    await server.wait_closed()


def test_a_title_cannot_add_a_header() -> None:
    """Nor can a text that no mail could hold break the letter."""
    page = a_page(
        title="thin\r\nBcc: evil@example.com\x00\x1b[31m", text="\ud800 深度\r\n.\r\nQUIT"
    )
    mail = letter(spelled(f"smtps://localhost?{TO}"), page)
    assert mail["Bcc"] is None
    assert mail["Subject"] == "[HIGH] thin Bcc: evil@example.com  [31m"
    assert message_from_bytes(mail.as_bytes())["Bcc"] is None
    assert (
        letter(spelled(f"smtps://localhost?{TO}"), a_page(kind=PageKind.TEST))["References"] is None
    )
