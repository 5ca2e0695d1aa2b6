"""Other people's books, each taken the way a user of it would, and again at its best."""
