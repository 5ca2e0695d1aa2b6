"""Floor 3: asyncio, clocks, sockets, HTTP, settings, and the composition root."""
