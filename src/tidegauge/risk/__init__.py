"""Judgements over books: readings, rolling windows, signals and the life of an alert. Pure."""
