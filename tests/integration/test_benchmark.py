"""The benchmark runs in its small form: outputs are equal and every part is there, or says why not."""

import json
import subprocess
import sys
from pathlib import Path

from benchmarks.everything import PARTS
from benchmarks.inputs import NAMES

ROOT = Path(__file__).parents[2]


def test_the_quick_benchmark_compares_everything_and_finishes(tmp_path: Path) -> None:
    """Nothing is asserted about speed: this machine may be doing something else."""
    figures = tmp_path / "figures.json"
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmark_test.py"), "--quick", "--json", str(figures)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    parts = json.loads(figures.read_text())["parts"]
    assert list(parts) == [part.name for part in PARTS]
    for name in ("book", "readings", "pipeline"):
        inputs = parts[name]["inputs"]
        assert sorted(inputs) == sorted(NAMES)
        for found in inputs.values():
            assert found["equal"] == found["messages"] > 0
            assert found["ratio"] > 0
    for name, outcome in parts.items():
        if "missing" in outcome:
            assert name in ("peers", "writer", "spool", "sockets")
            assert outcome["missing"]
    assert "figures to reach" in done.stdout
