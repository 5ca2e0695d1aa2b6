"""Every part of the benchmark, in the order in which they run."""

from . import (
    contest,
    desk,
    faces,
    growth,
    memory,
    scale,
    sockets,
    spooling,
    stages,
    storing,
    throughput,
)
from .parts import Part

PARTS: tuple[Part, ...] = (
    *throughput.PARTS,
    stages.PART,
    growth.PART,
    contest.PART,
    storing.PART,
    spooling.PART,
    desk.PART,
    sockets.PART,
    faces.PART,
    scale.PART,
    memory.PART,
)
