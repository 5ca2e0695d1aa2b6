"""Floor 0: the nouns. Nothing here knows a venue, a socket, a clock or a database."""
