"""The HTTP API: a process of its own, fed by what daemons show of themselves (docs/api.md)."""
