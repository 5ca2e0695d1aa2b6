"""Whether the proxy that the environment names (HTTPS_PROXY and its like) is for an address."""

from ipaddress import ip_address
from urllib.parse import urlsplit


def proxied_by_environment(url: str) -> bool:
    """Whether to ask the environment for a proxy: never for this machine itself.

    Local venues are reached directly, also where everything else goes by a proxy.
    """
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return False
    try:
        return not ip_address(host).is_loopback
    except ValueError:
        return True
