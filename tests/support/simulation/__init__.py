"""A simulated world: virtual time, a faulty network, venues that know their own books.

The whole monitor runs in it, single-threaded and with no real clock or socket: the same seed gives
the same run, event by event.
"""
