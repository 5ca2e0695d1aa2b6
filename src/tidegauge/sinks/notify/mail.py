"""Telling by e-mail: SMTP, encrypted; no password ever travels in the clear.

A server that offers no STARTTLS is spoken to only when it is listed, and then without a password.
"""

import asyncio
import socket
import ssl
from email.message import EmailMessage
from email.utils import formatdate
from hashlib import blake2b
from typing import cast

import aiosmtplib

from tidegauge.core.desk import Page
from tidegauge.core.instrument import SECOND

from ..outbox.parcel import incident_of
from .channel import TAKEN, Answer, Verdict
from .guard import Forbidden, Guard
from .secrecy import Discretion
from .spelling import Spelled
from .wording import headline, plain

GOODBYE_S = 1.0
PERMANENT = 500
"""SMTP answers from here on are for good (RFC 5321 section 4.2.1)."""

UNSENT = (aiosmtplib.SMTPException, OSError, TimeoutError, ValueError)


class Smtp(aiosmtplib.SMTP):
    """A connection that is gone when it is closed: the other side's goodbye is not waited for."""

    def close(self) -> None:
        """Close it. The library's own leaves one of TLS open for up to half a minute."""
        if self.transport is not None:
            cast(asyncio.WriteTransport, self.transport).abort()
        super().close()


class MailChannel:
    """A mail server, and to whom it is to bring what."""

    reminded_every_s: float | None = None

    def __init__(self, to: Spelled, guard: Guard) -> None:
        self._to = to
        self._guard = guard
        self._discretion = Discretion(to.written)

    async def send(self, page: Page, before: Page | None) -> Answer:
        """See `Channel`."""
        smtp = None
        try:
            smtp = await self._greeted()
            refused, _said = await smtp.send_message(
                letter(self._to, page), sender=self._to.sender, recipients=self._to.recipients
            )
        except Forbidden as error:
            return Answer(verdict=Verdict.LATER, said=f"refused by us: {error}")
        except (aiosmtplib.SMTPDataError, aiosmtplib.SMTPSenderRefused) as error:
            return self._failed(error, for_good=error.code >= PERMANENT)
        except aiosmtplib.SMTPRecipientsRefused as error:
            return self._failed(
                error, for_good=all(each.code >= PERMANENT for each in error.recipients)
            )
        except UNSENT as error:
            return self._failed(error, for_good=False)
        finally:
            if smtp is not None:
                await _left(smtp)
        if refused:
            return Answer(verdict=Verdict.TAKEN, said=f"not for {len(refused)} of the recipients")
        return TAKEN

    async def remind(self, pages: list[Page]) -> Answer:
        """Nothing is asked of it."""
        return TAKEN

    async def close(self) -> None:
        """Nothing is open."""

    def _failed(self, error: Exception, *, for_good: bool) -> Answer:
        verdict = Verdict.REFUSED if for_good else Verdict.LATER
        said = self._discretion.said(f"{type(error).__name__}: {error}")
        return Answer(verdict=verdict, said=said)

    async def _connected(self) -> socket.socket:
        """Connect to the first of the server's addresses, all of which are checked, that answers."""
        loop = asyncio.get_running_loop()
        assert self._to.port is not None
        failure: OSError = OSError("it has no address")
        for family, address in await self._guard.addresses(self._to.host, self._to.port):
            sock = socket.socket(family, socket.SOCK_STREAM)
            sock.setblocking(False)
            try:
                await loop.sock_connect(sock, (address, self._to.port))
            except OSError as error:
                sock.close()
                failure = error
            except BaseException:
                sock.close()
                raise
            else:
                return sock
        raise failure

    async def _greeted(self) -> aiosmtplib.SMTP:
        """Connect, encrypt, and log in. Raises what `UNSENT` names, and `Forbidden`."""
        context = ssl.create_default_context()
        smtp = Smtp(
            hostname=self._to.host,
            use_tls=self._to.tls,
            start_tls=False,
            tls_context=context,
            local_hostname=socket.gethostname() or "localhost",
            timeout=None,  # the notifier holds the clock
        )
        await smtp.connect(sock=await self._connected())  # whose the socket is from here on
        try:
            await smtp.ehlo()
            if not self._to.tls:
                await self._encrypted(smtp, context)
            if self._to.user:
                await smtp.login(self._to.user, self._to.password)
        except UNSENT:
            await _left(smtp)
            raise
        except BaseException:
            smtp.close()
            raise
        return smtp

    async def _encrypted(self, smtp: aiosmtplib.SMTP, context: ssl.SSLContext) -> None:
        if smtp.supports_extension("starttls"):
            await smtp.starttls(server_hostname=self._to.host, tls_context=context)
            await smtp.ehlo()
        elif self._to.user or not self._guard.lists(self._to.host):
            raise aiosmtplib.SMTPNotSupported("it does not encrypt (STARTTLS): nothing was sent")


def letter(to: Spelled, page: Page) -> EmailMessage:
    """Return a page as a message. Sent twice, it has the same id; one incident is one thread."""
    message = EmailMessage()
    message["From"] = to.sender
    message["To"] = ", ".join(to.recipients)
    message["Subject"] = _printable(headline(page))
    message["Date"] = formatdate(page.at / SECOND)
    message["Message-ID"] = _id(page.key)
    message["Auto-Submitted"] = "auto-generated"
    incident = incident_of(page)
    if incident is not None:
        message["References"] = _id(incident)
    message.set_content(plain(page).encode("utf-8", "replace").decode())
    return message


def _id(name: str) -> str:
    return f"<{blake2b(name.encode('utf-8', 'replace'), digest_size=16).hexdigest()}@tidegauge>"


def _printable(text: str) -> str:
    return "".join(each if each.isprintable() else " " for each in text)


async def _left(smtp: aiosmtplib.SMTP) -> None:
    """Say goodbye; what became of the letter is known, so nothing that happens here matters."""
    try:
        async with asyncio.timeout(GOODBYE_S):
            await smtp.quit()
    except UNSENT:
        smtp.close()
