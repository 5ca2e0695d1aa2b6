"""One process beside two: each runs the full pipeline on books of its own, as fast as it goes."""

import multiprocessing
import time
from multiprocessing.connection import Connection
from statistics import median

from . import product
from .inputs import TEN, load
from .parts import Outcome
from .timing import progress


def work(orders: Connection, messages: int) -> None:
    """Run the pipeline for as long as is told, again and again; answer with messages a second."""
    given = load(TEN, messages)
    orders.send("ready")
    while seconds := orders.recv():
        product.settle()
        began, done = time.perf_counter(), 0
        while time.perf_counter() - began < seconds:
            take = product.Pipeline(given.snapshot, given.frames[0]).take
            for frame in given.timed:
                take(frame)
            done += len(given.timed)
        orders.send(done / (time.perf_counter() - began))


def compare_processes(*, quick: bool) -> Outcome:
    """Let one work, then both at once, in turn."""
    seconds, rounds, messages = (0.3, 1, 100) if quick else (2.0, 3, 1000)
    progress(f"  one process beside two: {rounds} rounds of {seconds} s")
    spawning = multiprocessing.get_context("spawn")
    ends, workers = [], []
    for _ in range(2):
        ours, theirs = spawning.Pipe()
        worker = spawning.Process(target=work, args=(theirs, messages), daemon=True)
        worker.start()
        ends.append(ours)
        workers.append(worker)
    for end in ends:
        end.recv()
    one, two = [], []
    for number in range(rounds):
        one.append(_rate(ends[number % 2 :][:1], seconds))
        two.append(_rate(ends, seconds))
    for end, worker in zip(ends, workers, strict=True):
        end.send(0)
        worker.join(5)
    return {
        "one_per_s": round(median(one)),
        "two_per_s": round(median(two)),
        "ratio": round(median(two) / median(one), 2),
        "rounds": rounds,
    }


def _rate(ends: "list[Connection[object, object]]", seconds: float) -> float:
    for end in ends:
        end.send(seconds)
    return sum(float(str(end.recv())) for end in ends)
