"""Questions that postmortems ask, each a file of SQL that psql runs as it is.

A file begins with its question and what its columns mean. Values come in by psql's `:'name'`;
`\\if :{?name} \\else \\set name 'default' \\endif` gives a default, and a parameter without one must
be given. `sinks/ask.py` reads the same files.
"""
