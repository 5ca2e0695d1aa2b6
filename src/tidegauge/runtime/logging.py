"""Set up the log: past-tense facts with fields, on standard error, with no secret in them.

structlog and the standard library's loggers (aiohttp, asyncpg, websockets, asyncio) go through one
chain, so the redaction at its end sees every line.
"""

import logging
import sys
import traceback
from collections.abc import Iterable, Mapping
from contextlib import suppress
from math import isfinite
from typing import Any, Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from .redaction import MASK, SECRET_NAME, mask_urls

QUIET_LOGGERS = ("aiohttp.access", "asyncio", "websockets")
"""Libraries that tell more than anyone asked for; only their warnings are kept."""

DEEPEST = 6
SHORTEST_SECRET = 4
"""A known secret this short or shorter is not looked for inside other words."""


class Redaction:
    """The last processor before a line is written: masks everything that must not be read.

    It masks the value of a key whose name speaks of a secret, the password of every URL, and every
    known secret wherever it stands. It acts on rendered exceptions too, so it comes after them.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        # Longest first: a secret may hold another.
        found = {each for secret in secrets for each in (secret, repr(secret)[1:-1])}
        self._secrets = sorted((each for each in found if each), key=len, reverse=True)

    def __call__(self, logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
        return {self.text(str(key)): self._field(str(key), event[key]) for key in event}

    def text(self, text: str) -> str:
        """Mask what must not be read in `text`."""
        for secret in self._secrets:
            if len(secret) > SHORTEST_SECRET or text == secret:
                text = text.replace(secret, MASK)
        return mask_urls(text)

    def _field(self, name: str, value: Any, depth: int = 0) -> Any:
        if SECRET_NAME.search(name) and value is not None and not isinstance(value, bool):
            return MASK
        if value is None or isinstance(value, bool | int):
            return value
        if isinstance(value, float):
            return value if isfinite(value) else str(value)  # JSON has no NaN
        if isinstance(value, str):
            return self.text(value)
        if depth < DEEPEST and isinstance(value, Mapping):
            return {
                self.text(str(key)): self._field(str(key), each, depth + 1)
                for key, each in value.items()
            }
        if depth < DEEPEST and isinstance(value, list | tuple | set | frozenset):
            return [self._field("", each, depth + 1) for each in value]
        # Anything else is written as its own words, which are text like any other.
        return self.text(value.decode(errors="replace") if isinstance(value, bytes) else str(value))


class LogHandler(logging.StreamHandler[TextIO]):
    """Writes lines to a stream; a line that can't be written is lost without its text being shown."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Say that a line is lost; the standard handler would show its raw arguments."""
        error = sys.exc_info()[0]
        if error is None or issubclass(error, BrokenPipeError):
            return
        with suppress(OSError, ValueError):
            sys.stderr.write(f"log line lost: {error.__name__}\n")


def configure_logging(
    *,
    level: str = "info",
    format: Literal["auto", "json", "console"] = "auto",  # noqa: A002
    secrets: Iterable[str] = (),
    stream: TextIO | None = None,
) -> None:
    """Send every log line through one chain to `stream` (standard error when None).

    May be called again: the new set-up takes the place of the old one.
    """
    stream = sys.stderr if stream is None else stream
    console = format == "console" or (format == "auto" and stream.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.UnicodeDecoder(),
    ]
    handler = LogHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
            processors=_last(console=console, colours=stream.isatty(), secrets=secrets),
        )
    )
    root = logging.getLogger()
    for old in [each for each in root.handlers if isinstance(each, LogHandler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
    for name in QUIET_LOGGERS:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    logging.captureWarnings(capture=True)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def _last(*, console: bool, colours: bool, secrets: Iterable[str]) -> list[Processor]:
    first: list[Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.ExceptionRenderer(_traceback),
        Redaction(secrets),
    ]
    if not console:
        return [*first, structlog.processors.JSONRenderer()]
    plain = structlog.dev.plain_traceback
    return [
        *first,
        _printable,
        structlog.dev.ConsoleRenderer(colors=colours, exception_formatter=plain),
    ]


def _traceback(exc_info: structlog.typing.ExcInfo) -> str:
    return "".join(traceback.format_exception(*exc_info)).rstrip()


def _printable(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Escape control characters: what a venue says must not steer the terminal."""
    for key, value in event.items():
        if isinstance(value, str) and not value.isprintable():
            kept = "\n\t" if key in ("exception", "stack") else ""
            event[key] = "".join(
                each
                if each.isprintable() or each in kept
                else each.encode("unicode_escape").decode()
                for each in value
            )
    return event
