"""Canaries in every secret of the settings, a receiver that says back what it is sent, and the search."""

import ssl
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import unquote

import trustme
from tests.support.receivers import HANGING, RESET, Act, Receiver, receiving

ECHO = [
    Act(status=404, echo=True, taken=False),
    Act(status=400, echo=True, taken=False),
    Act(status=500, echo=True, taken=False),
    Act(status=302, echo=True, headers=(("Location", "https://127.0.0.1:9/"),), taken=False),
    Act(status=429, echo=True, headers=(("Retry-After", "0"),), taken=False),
    HANGING,
    RESET,
]
CANARIES = (
    *("T0CANARY1", "B0CANARY2", "cAnArYcAnArYcAnArY003"),
    *("AAcanary-_token0000", "pdCANARYpdCANARYpdCANARYpdCANARY"),
    *("h00k-CANARY-password", "hook-CANARY-path-9", "hookCANARYquery99"),
    *("m4il%2FCANARY-password", "0f8fad5b-CANARY-469f-a165"),
)


def all_forms() -> set[bytes]:
    """Each canary as it is, decoded, as a header has it, and pieces of ten characters of each."""
    told = {form for each in CANARIES for form in (each, unquote(each))}
    told.add(b64encode(b"me:h00k-CANARY-password").decode())
    told |= {each[at : at + 10] for each in set(told) for at in range(len(each) - 9)}
    return {each.encode() for each in told if "anary" in each.lower() or len(each) > 9}


def environment(port: int, authority: Path) -> dict[str, str]:
    """Return the variables: every service, each with its secrets, at a receiver on this machine."""
    host = f"127.0.0.1:{port}"
    urls = {
        "SLACK": f"slack+https://{host}/services/T0CANARY1/B0CANARY2/cAnArYcAnArYcAnArY003",
        "TELEGRAM": f"telegram+https://1234:AAcanary-_token0000@{host}/-100",
        "PAGERDUTY": f"pagerduty+https://:pdCANARYpdCANARYpdCANARYpdCANARY@{host}",
        "HOOK": f"https://me:h00k-CANARY-password@{host}/hook-CANARY-path-9?k=hookCANARYquery99",
        "AM": f"alertmanager+https://am:h00k-CANARY-password@{host}/hook-CANARY-path-9",
        "MAIL": f"smtps://bot:m4il%2FCANARY-password@{host}?from=a@example.com&to=b@example.com",
        "NOBODY": "https://127.0.0.1:9/hook-CANARY-path-9?k=hookCANARYquery99",
        "REFUSED": "https://169.254.169.254/hook-CANARY-path-9?k=hookCANARYquery99",
    }
    named = {f"TIDEGAUGE_NOTIFY__CHANNELS__{name}__URL": url for name, url in urls.items()}
    named |= {f"TIDEGAUGE_NOTIFY__CHANNELS__{name}__TIMEOUT_S": "1" for name in urls}
    return {
        **named,
        "TIDEGAUGE_NOTIFY__CHANNELS__SLACK__FALLBACK": "mail",
        "TIDEGAUGE_NOTIFY__CHANNELS__SLACK__FALLBACK_AFTER_S": "1",
        "TIDEGAUGE_NOTIFY__ALLOW_HOSTS": "127.0.0.1",
        "TIDEGAUGE_NOTIFY__DEAD_MAN_URL": f"https://{host}/0f8fad5b-CANARY-469f-a165",
        "TIDEGAUGE_NOTIFY__DEAD_MAN_EVERY_S": "0.2",
        "TIDEGAUGE_LOGGING__LEVEL": "debug",
        "SSL_CERT_FILE": str(authority),
    }


@asynccontextmanager
async def echoing(tmp_path: Path) -> AsyncIterator[tuple[Receiver, Path]]:
    """A receiver behind TLS that says back what it is sent, in every kind of failure."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    async with receiving(ECHO * 1_000, tls=context) as receiver:
        yield receiver, tmp_path / "authority.pem"


def no_canary_in(text: bytes, where: str) -> None:
    """Fail where any form of any canary is in a text."""
    found = [each for each in all_forms() if each in text]
    assert not found, f"{found} in {where}"
