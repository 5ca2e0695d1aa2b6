"""The stream of views: a snapshot, then what changed, as fast as the client reads it and no faster
than twice a second (docs/api.md, "The stream").
"""

import asyncio
import time
from dataclasses import fields
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from tidegauge.core.instrument import BookId
from tidegauge.runtime.window.hub import HeldLadder, Hub
from tidegauge.runtime.window.picture import Picture
from tidegauge.runtime.window.show_books import show_ladder

from .patches import Document, document_of, patch_of

router = APIRouter()

EVERY_S = 0.5
AT_LEAST_EVERY_S = 1.0
SOONEST_S = 0.1
"""A client that wants something else is told at once, though no more often than this."""

MOST_SYMBOLS, MOST_LEVELS = 50, 200
PARTS = tuple(each.name for each in fields(Picture) if each.name not in ("at", "books"))
"""Of a picture, what every client is told."""


class Subscription(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a client wants: the books of these symbols, and so many levels a side of each."""

    symbols: Annotated[tuple[str, ...], msgspec.Meta(max_length=MOST_SYMBOLS)] = ()
    ladders: Annotated[int, msgspec.Meta(ge=0, le=MOST_LEVELS)] = 0


class Documents:
    """The documents of what a hub sees, each made once and shared by all clients."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self._made_for = -1
        self._plain: Document = {}
        self._books: dict[str, Any] = {}
        self._ladders: dict[tuple[BookId, int], tuple[HeldLadder, Any]] = {}
        self._patches: dict[tuple[int, int], tuple[Any, Any, Any]] = {}

    def of(self, wanted: Subscription) -> Document:
        """Return what a client should see now. Its parts are shared: nobody changes them."""
        self._remake()
        hub, picture = self.hub, self.hub.picture()
        keys = [key for key, book in picture.books.items() if book.symbol in wanted.symbols]
        books = {key: self._book(key) for key in keys}
        view: Document = {
            "picture": {**self._plain, "at": datetime.now(UTC).isoformat(), "books": books}
        }
        ladders: Document = {}
        if wanted.ladders:
            for key in keys:
                id_ = BookId(*key.split("/", 1))
                hub.wish(id_, wanted.ladders)
                if (held := hub.held(id_)) is not None:
                    ladders[key] = self._ladder(id_, held, wanted.ladders)
        return {**view, "ladders": ladders}

    def patch(self, before: Document, after: Document, depth: int = 2) -> Document:
        """Return what makes `after` of `before`; what is asked for by several is worked out once."""
        inside = partial(self.patch, depth=depth - 1) if depth else self._shared
        return patch_of(before, after, inside)

    def _shared(self, was: Document, value: Document) -> Document:
        key = (id(was), id(value))
        known = self._patches.get(key)
        if known is None:
            # Both are kept alive with their patch, so that no other document gets their ids.
            known = self._patches[key] = (was, value, patch_of(was, value))
        found: Document = known[2]
        return found

    def _remake(self) -> None:
        """Make the documents anew, if anything has changed."""
        if self._made_for == self.hub.rounds:
            return
        self._made_for = self.hub.rounds
        # Nobody will be told how to come to what has been told anew.
        self._books, self._patches = {}, {}
        # Of a client that wants each depth in turn only the last is kept.
        self._ladders = {
            (id_, levels): known
            for (id_, levels), known in self._ladders.items()
            if self.hub.held(id_) is known[0]
        }
        picture = self.hub.picture()
        self._plain = {name: document_of(getattr(picture, name)) for name in PARTS}

    def _book(self, key: str) -> Any:
        if key not in self._books:
            self._books[key] = document_of(self.hub.picture().books[key])
        return self._books[key]

    def _ladder(self, id_: BookId, held: HeldLadder, levels: int) -> Any:
        known = self._ladders.get((id_, levels))
        if known is None or known[0] is not held:
            known = (held, document_of(show_ladder(held.told, levels)))
            self._ladders[id_, levels] = known
        return known[1]


class Conversation:
    """One client: what it wants, and what it has seen."""

    def __init__(self, websocket: WebSocket, documents: Documents) -> None:
        self._websocket = websocket
        self._documents = documents
        self._wanted = Subscription()
        self._wants_other = asyncio.Event()
        self._seen: Document | None = None
        self._seq = 0

    async def run(self) -> None:
        """Talk until the client leaves."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._tell())
                tasks.create_task(self._listen())
        except* WebSocketDisconnect:
            pass  # it left

    async def _listen(self) -> None:
        while True:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                raise WebSocketDisconnect(message["code"])
            said = message.get("text") or message.get("bytes") or ""
            try:
                wanted = msgspec.json.decode(said, type=Subscription)
            except (msgspec.MsgspecError, UnicodeError) as error:
                await self._send({"type": "problem", "detail": f"not a subscription: {error}"})
                continue
            symbols = tuple(dict.fromkeys(name.strip().upper() for name in wanted.symbols))
            self._wanted = msgspec.structs.replace(wanted, symbols=symbols)
            self._wants_other.set()

    async def _tell(self) -> None:
        """Tell what changed since what was last told, whenever the client has read that."""
        hub = self._documents.hub
        while True:
            began, version = time.monotonic(), hub.version
            self._wants_other.clear()
            await self._step()
            changed = asyncio.ensure_future(self._changed(version, began))
            asked = asyncio.ensure_future(self._wants_other.wait())
            try:
                await asyncio.wait((changed, asked), return_when=asyncio.FIRST_COMPLETED)
            finally:
                changed.cancel()
                asked.cancel()
            await asyncio.sleep(max(0.0, began + SOONEST_S - time.monotonic()))

    async def _changed(self, version: int, began: float) -> None:
        """Wait until there is something new, and until the last step is long enough ago."""
        await asyncio.sleep(max(0.0, began + EVERY_S - time.monotonic()))
        await self._documents.hub.changed(version, AT_LEAST_EVERY_S - EVERY_S)

    async def _step(self) -> None:
        after = self._documents.of(self._wanted)
        self._seq += 1
        if self._seen is None:
            await self._send({"type": "snapshot", "seq": self._seq, **after})
        else:
            patch = self._documents.patch(self._seen, after)
            await self._send({"type": "patch", "seq": self._seq, "patch": patch})
        self._seen = after

    async def _send(self, message: Document) -> None:
        text = msgspec.json.encode(message).decode()
        try:
            await self._websocket.send_text(text)
        except RuntimeError:  # so the side that writes is told that it left
            raise WebSocketDisconnect(1006) from None


@router.websocket("/stream")
async def stream(websocket: WebSocket) -> None:
    """Views as they change: see docs/api.md."""
    await websocket.accept()
    await Conversation(websocket, websocket.app.state.documents).run()
