"""Floor 2½: a market that can be driven, and how each venue would tell of it. Pure."""
