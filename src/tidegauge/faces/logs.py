"""Where a command's log goes: standard error, or a file while a live view owns the terminal."""

import os
from collections.abc import Iterable
from pathlib import Path

from tidegauge.core.errors import OperatorError
from tidegauge.runtime.logging import configure_logging
from tidegauge.runtime.settings import Settings, secrets

LOG_NAME = "tidegauge.log"


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def log_to_terminal(
    settings: Settings, *, least: str | None = None, also_secret: Iterable[str] = ()
) -> None:
    """Send the log to standard error; `least` overrides the level that is set. `also_secret`: what is
    to be masked beside the secrets of the settings."""
    configure_logging(
        level=least or settings.logging.level,
        format=settings.logging.format,
        secrets=(*secrets(settings), *also_secret),
    )


def log_to_file(settings: Settings) -> Path:
    """Send the log to a file in the data directory, as JSON, and return its path.

    Raises `OperatorError` when the directory cannot be written.
    """
    path = settings.data_dir / LOG_NAME
    try:
        # Under root the private server runs as another user, who must be able to pass through.
        mode = 0o711 if os.geteuid() == 0 else 0o700
        settings.data_dir.mkdir(parents=True, exist_ok=True, mode=mode)
        stream = open(path, "a", encoding="utf-8", buffering=1, opener=_private)  # noqa: SIM115
    except OSError as error:
        raise OperatorError(
            f"The log {path} can't be written: {error.strerror}",
            fix="Name another folder with --data-dir or TIDEGAUGE_DATA_DIR",
        ) from None
    configure_logging(
        level=settings.logging.level, format="json", secrets=secrets(settings), stream=stream
    )
    return path
