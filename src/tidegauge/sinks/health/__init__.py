"""How a database is: what `tidegauge db status` shows and `tidegauge db check` judges."""
