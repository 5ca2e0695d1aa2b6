"""The window of a daemon: what it shows of itself to other processes, over a unix socket.

What is shown is made for reading: exact numbers are `Decimal`, times are UTC datetimes, spans are
seconds, unknown is None. The same records are the answers of the HTTP API, so that there is one
vocabulary from the daemon to the browser.
"""
