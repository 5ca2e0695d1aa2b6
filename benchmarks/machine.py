"""What the figures were measured on."""

import os
import platform
import sys
import sysconfig
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from .timing import overhead_ns

PEERS = ("order-book", "nautilus-trader", "ccxt", "cryptofeed", "python-binance")


def machine() -> dict[str, object]:
    """Return the machine, the interpreter and the versions that matter."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "optimised_build": "--enable-optimizations"
        in (sysconfig.get_config_var("CONFIG_ARGS") or ""),
        "byte_order": sys.byteorder,
        "versions": {name: installed(name) for name in ("msgspec", "sortedcontainers", *PEERS)},
        "timing_overhead_ns": round(overhead_ns()),
    }


def installed(name: str) -> str | None:
    """Return the version of a package that is installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    told = Path("/proc/cpuinfo")
    if told.exists():
        for line in told.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
