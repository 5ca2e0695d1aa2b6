"""Where everything that crosses the wire is noted down, in the order in which it was acted upon."""

from typing import Protocol

from tidegauge.wire.tape import TapeLine


class Journal(Protocol):
    """Takes a line for each thing that is fed to the pure part of the monitor, and each frame sent.

    `conn` is the address of the socket or request, with a fragment that tells links of one address
    apart: `wss://host/path#<shard>.<link>`. A tick's `conn` is the venue's name, the sampler's is
    empty.
    """

    def note(self, line: TapeLine) -> None:
        """Take one line. Never blocks, never raises."""
        ...
