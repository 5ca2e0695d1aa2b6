"""Spans for OpenTelemetry: the way of those frames that caused something, and what the database took.

Off unless `tracing.otlp_endpoint` is set. A frame that causes nothing makes none, so it costs nothing.
"""

import asyncio
import importlib
import logging
import threading
from collections.abc import Callable, Mapping
from hashlib import blake2b
from itertools import count
from typing import Any

import structlog

from tidegauge import __version__
from tidegauge.core.errors import OperatorError
from tidegauge.core.instrument import Nanos

from .settings_tree import TracingSettings

log = structlog.get_logger(__name__)

EXPORT_S = 5
CLOSE_S = 2.0
"""How long spans that are on their way are waited for at the end."""

MOST_FRAMES = 1000
"""Frames whose own span is remembered: it is made once."""


class Spans:
    """Where spans go. All of one frame are of one trace, whose id is a digest of the frame's name: who has
    a `trace` from the log or an alert finds it by `trace_id_of`."""

    def __init__(self, settings: TracingSettings, run_id: str, now: Callable[[], Nanos]) -> None:
        self._run_id = run_id
        self._now = now
        self._count = count()
        self._frames: dict[str, Any] = {}
        url = settings.otlp_endpoint
        self._out = None if url is None else _Exported(url.get_secret_value(), run_id)

    def caused(
        self, event: str, trace: str | None, began: Nanos, fields: Mapping[str, object]
    ) -> None:
        """Tell what a frame caused: from `began` until now. What no frame caused is no span."""
        if self._out is None or trace is None:
            return
        end = max(began, self._now())
        root = self._frames.get(trace)
        if root is None:
            root = self._out.context(trace_id_of(trace), self._new_id())
            if len(self._frames) >= MOST_FRAMES:
                del self._frames[next(iter(self._frames))]
            self._frames[trace] = root
            self._out.tell("frame", root, None, (began, end), {"tidegauge.trace": trace})
        context = self._out.context(root.trace_id, self._new_id())
        told = {f"tidegauge.{name}": value for name, value in fields.items()}
        self._out.tell(event, context, root, (began, end), told)

    def stored(self, records: int, took: Nanos) -> None:
        """Tell that the database has just taken a batch."""
        if self._out is None:
            return
        end = self._now()
        number = self._new_id()
        context = self._out.context(trace_id_of(f"{self._run_id}|{number}"), number)
        fields = {"tidegauge.records": records}
        self._out.tell("database_batch", context, None, (end - took, end), fields)

    async def close(self) -> None:
        """Send what is on its way, for a moment. A collector that does not answer holds up no end."""
        if self._out is not None:
            # A daemon's thread: nobody waits for it when it hangs.
            thread = threading.Thread(target=self._out.close, daemon=True)
            thread.start()
            await asyncio.to_thread(thread.join, CLOSE_S)

    def _new_id(self) -> int:
        return _digest(f"{self._run_id}|{next(self._count)}", 8)


def trace_id_of(trace: str) -> int:
    """Return OpenTelemetry's id of the trace of a frame; as 32 hexadecimal digits it is what is shown."""
    return _digest(trace, 16)


class _Exported:
    """OpenTelemetry's own machinery: spans in, batches by OTLP over HTTP out, from a thread of its own."""

    def __init__(self, url: str, run_id: str) -> None:
        sdk = _loaded("opentelemetry.sdk.trace")
        exporter = _loaded("opentelemetry.exporter.otlp.proto.http.trace_exporter")
        api = _loaded("opentelemetry.trace")
        scope = _loaded("opentelemetry.sdk.util.instrumentation").InstrumentationScope
        self._span = sdk.ReadableSpan
        self._context = api.SpanContext
        self._sampled = api.TraceFlags(api.TraceFlags.SAMPLED)
        self._scope = scope("tidegauge", __version__)
        self._resource = _loaded("opentelemetry.sdk.resources").Resource(
            {
                "service.name": "tidegauge",
                "service.version": __version__,
                "service.instance.id": run_id,
            }
        )
        self._processor = _loaded("opentelemetry.sdk.trace.export").BatchSpanProcessor(
            _Watched(exporter.OTLPSpanExporter(endpoint=url, timeout=EXPORT_S))
        )
        # It has three lines for every batch that a collector does not take; we have one for all.
        logging.getLogger("opentelemetry.exporter").setLevel(logging.CRITICAL)

    def context(self, trace_id: int, span_id: int) -> Any:
        """Return what names a span."""
        return self._context(trace_id, span_id, is_remote=False, trace_flags=self._sampled)

    def tell(
        self,
        name: str,
        context: Any,
        parent: Any,
        span: tuple[Nanos, Nanos],
        fields: Mapping[str, object],
    ) -> None:
        """Put a span among those that are sent next; never blocks."""
        self._processor.on_end(
            self._span(
                name=name,
                context=context,
                parent=parent,
                resource=self._resource,
                attributes=fields,
                start_time=span[0],
                end_time=span[1],
                instrumentation_scope=self._scope,
            )
        )

    def close(self) -> None:
        """Send what there is, and end."""
        self._processor.shutdown()


class _Watched:
    """An exporter; the log is told when it no longer reaches the collector, and when it does again."""

    def __init__(self, exporter: Any) -> None:
        self._exporter = exporter
        self._failing = False

    def export(self, spans: Any) -> Any:
        """Send spans; called in the processor's thread."""
        result = self._exporter.export(spans)
        failing = result.name != "SUCCESS"
        if failing is not self._failing:
            self._failing = failing
            log.warning("traces_not_sent" if failing else "traces_sent_again")
        return result

    def force_flush(self, timeout_millis: int = 0) -> bool:
        """Send what is on its way."""
        return bool(self._exporter.force_flush(timeout_millis))

    def shutdown(self) -> None:
        """Send no more."""
        self._exporter.shutdown()


def _loaded(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise OperatorError(
            "tracing.otlp_endpoint is set, and OpenTelemetry is not installed",
            fix="pip install 'tidegauge[otel]', or unset it",
        ) from None


def _digest(text: str, size: int) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=size).digest()) or 1
