"""The spool of a daemon that is killed again and again."""

import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from tests.support.spool import (
    drained,
    numbers,
    opened,
)

DAEMON = """
import sys
from pathlib import Path
from tests.support.spool import a_record, a_row
from tidegauge.sinks.spool import segment
from tidegauge.sinks.spool.spool import Spool

segment.FULL_PAGES = 40
name, number = sys.argv[2], int(sys.argv[3])
spool = Spool(Path(sys.argv[1]), name)
spool.open()
while True:
    begun = number
    batch = [a_row(number + each, 700) for each in range(20)] + [a_record(number + 20)]
    spool.append(batch)
    number += 21
    print("kept", begun, number, flush=True)
"""


def killed_again_and_again(root: Path, kills: int, seed: int) -> tuple[set[int], list[int]]:
    """Kill daemons on one data directory. Returns what was acknowledged, and what is there."""
    acknowledged: set[int] = set()
    pause = random.Random(seed)
    for start in range(kills):
        command = [sys.executable, "-c", DAEMON, str(root), f"{start:06}", str(start * 10**7 + 1)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as daemon:
            assert daemon.stdout is not None
            lines = [daemon.stdout.readline()]
            stopped = threading.Timer(pause.uniform(0, 0.3), daemon.kill)
            stopped.start()
            lines += daemon.stdout.readlines()
            stopped.join()
        for line in lines:
            if line.startswith("kept") and line.endswith("\n"):
                begun, end = map(int, line.split()[1:])
                acknowledged.update(range(begun, end))
    spool = opened(root, "last")
    found = numbers(drained(spool, 1000))
    spool.forget(spool.finished())
    figures = spool.figures()
    assert (figures.lost, figures.damaged) == (0, 0)
    spool.close()
    assert list(root.iterdir()) == []
    return acknowledged, found


def test_killing_it_loses_nothing_acknowledged(tmp_path: Path) -> None:
    """What was printed as kept is there, once."""
    acknowledged, found = killed_again_and_again(tmp_path / "spool", 5, 1)
    assert acknowledged
    assert acknowledged <= set(found)
    assert len(set(found)) == len(found)


@pytest.mark.campaign
def test_killing_it_a_hundred_times_loses_nothing_acknowledged(tmp_path: Path) -> None:
    """The long form."""
    seed = int(os.environ.get("TIDEGAUGE_SEED", time.time_ns() % 10**6))
    print(f"TIDEGAUGE_SEED={seed}")
    acknowledged, found = killed_again_and_again(tmp_path / "spool", 100, seed)
    print(f"{len(acknowledged):,} rows acknowledged, {len(found):,} there")
    assert acknowledged <= set(found)
    assert len(set(found)) == len(found)
