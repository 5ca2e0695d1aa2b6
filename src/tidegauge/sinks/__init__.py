"""Floor 2: where records rest. Rows, batches, PostgreSQL; the only floor below runtime with I/O."""
