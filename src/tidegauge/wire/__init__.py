"""Floor 1: what venues share, sans I/O."""
