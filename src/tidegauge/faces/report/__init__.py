"""`tidegauge report`: what happened to a symbol, as one page that needs nothing else."""
