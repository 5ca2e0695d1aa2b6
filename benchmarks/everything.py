"""Every part of the benchmark, in the order in which they run."""

from . import contest, throughput
from .parts import Part

PARTS: tuple[Part, ...] = (*throughput.PARTS, contest.PART)
