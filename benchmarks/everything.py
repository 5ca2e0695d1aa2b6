"""Every part of the benchmark, in the order in which they run."""

from . import contest, memory, scale, sockets, throughput, writer
from .parts import Part

PARTS: tuple[Part, ...] = (
    *throughput.PARTS,
    contest.PART,
    writer.PART,
    sockets.PART,
    scale.PART,
    memory.PART,
)
