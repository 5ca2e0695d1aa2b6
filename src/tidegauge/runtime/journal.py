"""Where everything that crosses the wire is noted down, in the order in which it was acted upon."""

from typing import Protocol

from tidegauge.wire.tape import TapeLine


class Journal(Protocol):
    """Takes a line for each thing that is fed to the pure part of the monitor, and each frame sent.

    A line is noted just before what it tells is acted upon, with the very time that is passed on:
    played in order, the lines give the same readings to the last bit. What is fed to a fleet is
    noted by `tape_fleet.NotedFleet`; the sampler notes a `tick_line` without a venue before each
    `Monitor.advance` of its own.
    """

    def note(self, line: TapeLine) -> None:
        """Take one line. Never blocks, never raises."""
        ...
