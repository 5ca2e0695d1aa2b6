"""The document: figures go between their markers, and prose stays as it was written."""

from pathlib import Path
from typing import Any

from benchmarks.everything import PARTS
from benchmarks.report import DOCUMENT, END, WRITERS, document
from benchmarks.targets import reached, told

MACHINE = {
    "processor": "some",
    "cores": 2,
    "system": "a system",
    "python": "CPython 3.11",
    "optimised_build": False,
    "versions": {"msgspec": "0.20"},
    "timing_overhead_ns": 60,
}
WRITER = {
    "readings": 10,
    "passes": 1,
    "batch": 5,
    "submit_us": 0.5,
    "loop_us_a_reading": 2.5,
    "loop_us_least_and_most": [2.0, 3.0],
    "readings_per_s": 1000,
    "stall": {"p50_ms": 0.1, "p99_ms": 0.5, "max_ms": 1.5},
}


def report(**parts: Any) -> dict[str, Any]:
    return {"machine": MACHINE, "quick": False, "parts": parts}


def test_figures_go_between_their_markers_and_nowhere_else(tmp_path: Path) -> None:
    """What did not run keeps what it had; what could not run says why."""
    file = tmp_path / "performance.md"
    before = "# Ours\n<!-- figures: {0} -->\nold {0}\n<!-- end -->\nprose\n"
    file.write_text("".join(before.format(name) for name in ("writer", "sockets", "memory")))
    written = document(report(writer=WRITER, sockets={"missing": "no PostgreSQL"}), file)
    text = file.read_text()
    assert written == ["writer", "sockets"]
    assert "2.5 us of loop time a reading" in text
    assert "Not measured: no PostgreSQL." in text
    assert "old memory" in text
    assert "old writer" not in text
    assert (text.count("prose\n"), text.count(END)) == (3, 3)


def test_the_document_has_a_place_for_every_part() -> None:
    """A part that was added without one would be measured for nobody."""
    text = DOCUMENT.read_text()
    for part in PARTS:
        assert part.name in WRITERS
        assert f"<!-- figures: {part.name} -->" in text
    assert text.count("<!-- figures: ") == text.count(END) == len(PARTS) + 2


def test_a_target_is_met_from_its_own_side() -> None:
    """A cost must not exceed its limit, and a ratio not fall below it."""
    parts = {"writer": WRITER, "scale": {"processes": {"ratio": 1.7}, "loads": []}}
    found = {one.target.says: told(one) for one in reached(parts)}
    assert found["writer: loop time a reading"] == ("at most 3 us", "2.5 us", "yes")
    assert found["writer: longest stall"] == ("at most 1 ms", "1.5 ms", "NO")
    assert found["two processes: times one"] == ("at least 1.8 x", "1.7 x", "NO")
    assert found["memory a level, after many changes"][1:] == ("not measured", "-")
