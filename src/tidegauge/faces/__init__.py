"""Floor 4: what people see. Faces read frozen views and hold no logic."""
