"""The book that the product runs, band sums and all, taken the same two ways."""

from .. import product
from .contestant import Levels, Number, Peer, Plain

Changes = tuple[product.Levels, product.Levels]


class OurBook(Plain):
    def __init__(self, snapshot: bytes) -> None:
        self.book = product.Book(snapshot)

    def write(self, frame: bytes) -> None:
        self.book.write(frame)

    def prepare(self, frame: bytes) -> Changes:
        return product.decode(frame)

    def write_prepared(self, prepared: Changes) -> None:
        self.book.book.apply_delta(*prepared)

    def read(self) -> object:
        return self.book.book.best_bid, self.book.book.best_ask

    def touch(self) -> tuple[Number, Number]:
        return self.book.touch()

    def levels(self) -> tuple[Levels, Levels]:
        bids, asks = self.book.levels()
        return [*bids], [*asks]


PEER = Peer(
    name="tidegauge",
    package="tidegauge",
    exact=True,
    user="msgspec, then the product's own book",
    best="text read beforehand",
    make=OurBook,
)
