"""What was to be reached, and what was: each target reads its figure from a report."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

Parts: TypeAlias = dict[str, Any]
"""The figures of every part that ran."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A figure to reach. `most`: it must not exceed the limit; else it must not fall below."""

    says: str
    limit: float
    unit: str
    figure: Callable[[Parts], float | None]
    most: bool = False

    def met(self, figure: float) -> bool:
        return figure <= self.limit if self.most else figure >= self.limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """A target with its figure; None: its part did not run."""

    target: Target
    figure: float | None

    @property
    def met(self) -> bool | None:
        return None if self.figure is None else self.target.met(self.figure)


def _at(*path: str | int) -> Callable[[Parts], float | None]:
    """Return what reads the figure at a path, None where a step of it is missing."""

    def figure(parts: Parts) -> float | None:
        found: Any = parts
        for step in path:
            try:
                found = found[step]
            except (KeyError, IndexError, TypeError):
                return None
        return float(found)

    return figure


def _pipeline(name: str, *rest: str) -> Callable[[Parts], float | None]:
    return _at("pipeline", "inputs", name, *rest)


def _least_over_inputs(peer: str | None, ratio: str) -> Callable[[Parts], float | None]:
    """Return the smallest ratio of a peer (of all that are exact or not) over the inputs."""

    def figure(parts: Parts) -> float | None:
        inputs = parts.get("peers", {}).get("inputs", {})
        ratios = [
            cost[ratio]
            for found in inputs.values()
            for name, cost in found["books"].items()
            if name != "tidegauge" and peer in (None, name)
        ]
        return min(ratios, default=None)

    return figure


def _load_of(books: int, *path: str) -> Callable[[Parts], float | None]:
    def figure(parts: Parts) -> float | None:
        for found in parts.get("scale", {}).get("loads", []):
            if found["books"] == books and found["says"].startswith("10 "):
                return _at(*path)(found)
        return None

    return figure


def _needed_by(books: int) -> Callable[[Parts], float | None]:
    """Return how many cores a load would need, by what one does when nobody waits."""

    def figure(parts: Parts) -> float | None:
        wanted = _load_of(books, "messages_per_s")(parts)
        done = _load_of(books, "flat_out_messages_per_s")(parts)
        return None if wanted is None or not done else round(wanted / done, 3)

    return figure


def _over_logarithm(parts: Parts) -> float | None:
    grown = parts.get("growth", {}).get("grown")
    return None if grown is None else round(grown["cost"] / grown["logarithm"], 2)


TARGETS = (
    Target(
        says="recorded frames, to encoded rows: times the textbook",
        limit=12,
        unit="x",
        figure=_pipeline("recorded", "ratio"),
    ),
    Target(
        says="recorded frames: p50 a message",
        limit=100,
        unit="us",
        figure=_pipeline("recorded", "tidegauge", "p50_us"),
        most=True,
    ),
    Target(
        says="recorded frames: p99 a message",
        limit=700,
        unit="us",
        figure=_pipeline("recorded", "tidegauge", "p99_us"),
        most=True,
    ),
    Target(
        says="ten changes a message: times the textbook",
        limit=20,
        unit="x",
        figure=_pipeline("ten", "ratio"),
    ),
    Target(
        says="published shape: times the textbook",
        limit=12,
        unit="x",
        figure=_pipeline("published", "ratio"),
    ),
    *(
        Target(
            says=f"a level change from wire text: {peer} over ours (the lesser input)",
            limit=limit,
            unit="x",
            figure=_least_over_inputs(peer, "ratio_wire"),
        )
        for peer, limit in (
            ("order-book", 2.5),
            ("cryptofeed", 3),
            ("ccxt.pro", 3),
            ("nautilus", 10),
            ("python-binance", 1),
        )
    ),
    Target(
        says="a level change at its best: the fastest peer over ours at its best",
        limit=1,
        unit="x",
        figure=_least_over_inputs(None, "ratio_best"),
    ),
    Target(
        says="writer: loop time a reading",
        limit=3,
        unit="us",
        figure=_at("writer", "loop_us_a_reading"),
        most=True,
    ),
    Target(
        says="writer: longest stall",
        limit=1,
        unit="ms",
        figure=_at("writer", "stall", "max_ms"),
        most=True,
    ),
    Target(
        says="through the spool to the committed row: readings a second of one core",
        limit=20_000,
        unit="/s",
        figure=_at("spool", "readings_per_cpu_s"),
    ),
    Target(
        says="socket to committed row: share of the in-process pipeline, recorded frames",
        limit=0.75,
        unit="",
        figure=_at("sockets", "inputs", "recorded", "ratio_to_in_process"),
    ),
    Target(
        says="two processes: times one",
        limit=1.8,
        unit="x",
        figure=_at("scale", "processes", "ratio"),
    ),
    Target(
        says="a book 500 times as large: growth of cost over growth of its logarithm",
        limit=1,
        unit="x",
        figure=_over_logarithm,
        most=True,
    ),
    Target(
        says="1,000 books at 10 messages/s each: loop lag p99",
        limit=20,
        unit="ms",
        figure=_load_of(1000, "loop_lag", "p99_ms"),
        most=True,
    ),
    Target(
        says="1,000 books at 10 messages/s each: what they need",
        limit=1,
        unit="cores",
        figure=_needed_by(1000),
        most=True,
    ),
    Target(
        says="memory a level, after many changes",
        limit=600,
        unit="B",
        figure=_at("memory", "after_changes", "traced_bytes_a_level"),
        most=True,
    ),
)


def reached(parts: Parts) -> list[Reached]:
    """Return every target with its figure."""
    return [Reached(target=target, figure=target.figure(parts)) for target in TARGETS]


def told(one: Reached) -> tuple[str, str, str]:
    """Return what is wanted, what was measured, and whether that is enough."""
    target = one.target
    wanted = f"{'at most' if target.most else 'at least'} {target.limit:g} {target.unit}".strip()
    if one.figure is None:
        return wanted, "not measured", "-"
    return wanted, f"{one.figure:,.4g} {target.unit}".strip(), "yes" if one.met else "NO"
