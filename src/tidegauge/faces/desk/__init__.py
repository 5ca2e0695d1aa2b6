"""The operations desk from a terminal: incidents, alerts, silences, exposures.

What changes something is an order: placed in PostgreSQL, carried out by the daemon that watches the
symbol (`sinks.orders`). What only looks asks PostgreSQL.
"""
