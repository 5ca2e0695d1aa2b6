"""Nothing on the inside is spoken to unless somebody said so."""

import socket
from typing import Any

import pytest
from tests.support.receivers import receiving

from tidegauge.sinks.notify.guard import Forbidden, Guard, GuardedResolver, plain_host
from tidegauge.sinks.notify.http import session_for

INSIDE = [
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fd00:ec2::254",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::",
]
OUTSIDE = ["1.1.1.1", "3.33.252.62", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]
METADATA = ["169.254.169.254", "fe80::1", "fd00:ec2::254", "100.100.100.200"]


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_of_the_inside_is_refused_under_any_name(address: str) -> None:
    """However it is written, and whatever it is inside of."""
    with pytest.raises(Forbidden, match=r"which is not on the internet|link-local or metadata"):
        Guard().check("hooks.example.com", address)


@pytest.mark.parametrize("address", OUTSIDE)
def test_an_address_of_the_internet_passes(address: str) -> None:
    """Nothing need be listed for Slack."""
    Guard().check("hooks.example.com", address)


def test_a_listed_name_opens_the_private_addresses_it_means() -> None:
    """And no other name does."""
    guard = Guard(["Alertmanager.Internal."])
    guard.check("alertmanager.internal", "10.0.0.5")
    with pytest.raises(Forbidden):
        guard.check("evil.example.com", "10.0.0.5")


@pytest.mark.parametrize("address", METADATA)
def test_a_listed_name_never_opens_where_clouds_keep_credentials(address: str) -> None:
    """Only the address itself, listed, does: then somebody meant it."""
    with pytest.raises(Forbidden, match="metadata"):
        Guard(["metadata.internal"]).check("metadata.internal", address)
    Guard([address]).check("metadata.internal", address)


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "169.254.169.254"])
def test_a_host_that_is_an_address_is_checked_as_well(host: str) -> None:
    """No client resolves it, so no resolver sees it."""
    with pytest.raises(Forbidden):
        Guard().check_literal(host)
    Guard([host]).check_literal(host)
    Guard().check_literal("a.name")


@pytest.mark.parametrize("name", ["localhost", "127.1", "2130706433", "0x7f.1"])
async def test_spellings_of_this_machine_lead_nowhere(name: str) -> None:
    """The system's resolver reads them, so its answer is what is checked."""
    with pytest.raises((Forbidden, OSError)):
        await Guard().addresses(name, 80)


async def test_a_name_with_one_private_address_is_refused_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else chance would decide which of them is connected to."""
    _resolve_to(monkeypatch, ["1.1.1.1", "10.0.0.1"])
    with pytest.raises(Forbidden, match=r"example\.com is at 10\.0\.0\.1"):
        await Guard().addresses("example.com", 443)


async def test_the_address_connected_to_is_the_one_that_was_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A name that means this machine by the time of the connection (rebinding) is refused then: the
    client asks once, and the guard answers."""
    asked = _resolve_to(monkeypatch, ["127.0.0.1"])
    async with receiving() as hook:
        async with session_for(Guard()) as session:
            with pytest.raises(Forbidden):
                await session.post(f"http://rebound.example.com:{hook.port}/")
        assert hook.requests == []
        async with (
            session_for(Guard(["rebound.example.com"])) as session,
            session.post(f"http://rebound.example.com:{hook.port}/") as answer,
        ):
            assert answer.status == 200
    assert asked == ["rebound.example.com"] * 2


async def test_the_resolver_gives_numbers_of_the_family_that_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """So that nothing is left for the client to resolve once more."""
    _resolve_to(monkeypatch, ["1.1.1.1"])
    resolver = GuardedResolver(Guard())
    (found,) = await resolver.resolve("one.example.com", 443)
    assert (found["hostname"], found["host"], found["port"]) == ("one.example.com", "1.1.1.1", 443)
    assert found["flags"] == socket.AI_NUMERICHOST
    assert await resolver.resolve("one.example.com", 443, socket.AF_INET6) == []
    await resolver.close()
    assert plain_host("[::1]") == "::1"


def _resolve_to(monkeypatch: pytest.MonkeyPatch, addresses: list[str]) -> list[str]:
    """Let every name mean these; returns what was asked for."""
    asked: list[str] = []

    def lookup(host: str, port: int, *_rest: Any, **_more: Any) -> list[Any]:
        asked.append(host)
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses
        ]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    return asked
