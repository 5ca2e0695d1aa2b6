"""What happened to one symbol in one span of time, read back by SQL: the ground of a report."""
