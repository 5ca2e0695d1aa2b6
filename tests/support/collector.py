"""A collector of OpenTelemetry's: takes spans by OTLP over HTTP, and keeps them."""

import importlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from .programs import absent


class Collector:
    """What was sent to `url`."""

    def __init__(self) -> None:
        self.url = ""
        self.spans: list[Any] = []
        self.resources: list[dict[str, str]] = []

    async def take(self, request: web.Request) -> web.Response:
        service = importlib.import_module(
            "opentelemetry.proto.collector.trace.v1.trace_service_pb2"
        )
        body = service.ExportTraceServiceRequest()
        body.ParseFromString(await request.read())
        for each in body.resource_spans:
            self.resources.append({a.key: a.value.string_value for a in each.resource.attributes})
            for scope in each.scope_spans:
                self.spans.extend(scope.spans)
        return web.Response(body=service.ExportTraceServiceResponse().SerializeToString())

    def names(self, trace: str | None = None) -> list[str]:
        """The spans by name, of one trace or of all."""
        return [each.name for each in self.spans if trace is None or each.trace_id.hex() == trace]


def require_opentelemetry() -> None:
    """Skip the running test where it is not installed."""
    try:
        importlib.import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter")
    except ImportError:
        absent("the package opentelemetry-exporter-otlp-proto-http")


@asynccontextmanager
async def collecting() -> AsyncIterator[Collector]:
    """A collector that listens meanwhile."""
    require_opentelemetry()
    collector = Collector()
    app = web.Application()
    app.router.add_post("/v1/traces", collector.take)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        collector.url = f"http://127.0.0.1:{port}/v1/traces"
        yield collector
    finally:
        await runner.cleanup()
