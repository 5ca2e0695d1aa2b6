"""A neighbour who has nothing to do with the monitor: works in bursts of two milliseconds, so much of the time.

`python -m benchmarks.neighbours SHARE` takes `go` and `stop` on standard input, a line each. It answers
each `stop` with an empty object.
"""

import selectors
import sys
import time

BURST_S = 0.002


def main(share: float) -> None:
    """Work while told to."""
    selector = selectors.DefaultSelector()
    selector.register(sys.stdin, selectors.EVENT_READ)
    while sys.stdin.readline():
        while not selector.select(0):
            until = time.perf_counter() + BURST_S
            while time.perf_counter() < until:
                pass
            time.sleep(BURST_S * (1 - share) / share)
        sys.stdin.readline()
        print("{}", flush=True)


if __name__ == "__main__":
    main(float(sys.argv[1]))
