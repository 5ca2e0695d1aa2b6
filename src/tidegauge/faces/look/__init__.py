"""Looking at what runs: `tidegauge status`, `top` and `quote`. They ask the daemons themselves, over
their windows: no API is needed, and no database."""
