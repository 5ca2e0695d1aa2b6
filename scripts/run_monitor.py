"""Does what `tidegauge monitor` does: `python scripts/run_monitor.py --symbol BTCUSDT`."""

import sys

from tidegauge.faces.cli import main

if __name__ == "__main__":
    sys.argv[:1] = ["tidegauge", "monitor"]
    main()
