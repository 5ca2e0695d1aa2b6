"""The terminal dashboard: a process of its own that looks through the API (docs/api.md).

What is seen is a document (`mirror`), read into records (`records`), of which one symbol is a `scene`;
pure functions write that as lines of cells (`ladder`, `tables`, `measured`, `across`, `feed_lines`,
`desk_lines`), and a `Sheet` puts the cells that changed onto the screen.
"""
