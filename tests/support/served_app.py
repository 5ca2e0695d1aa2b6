"""An app behind a real socket, in a thread of its own, that can be stopped and started again."""

import asyncio
import threading

import uvicorn
from fastapi import FastAPI

PATIENCE_S = 60.0


class ServedApp:
    """Serves an app on a port of this machine, which is kept for it, from each start to each stop."""

    def __init__(self, app: FastAPI, port: int) -> None:
        self._app = app
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self.port = port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Return once it listens."""
        config = uvicorn.Config(
            self._app,
            host="127.0.0.1",
            port=self.port,
            log_level="error",
            ws="websockets-sansio",
            timeout_graceful_shutdown=1,
        )
        server = self._server = uvicorn.Server(config)
        listens = threading.Event()

        async def serve() -> None:
            serving = asyncio.ensure_future(server.serve())
            while not (server.started or serving.done()):
                await asyncio.sleep(0.01)
            listens.set()
            await serving

        self._thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
        self._thread.start()
        assert listens.wait(PATIENCE_S), "the app does not start"
        assert server.started

    def stop(self) -> None:
        """Return once it is gone."""
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join(PATIENCE_S)
            self._server = self._thread = None
