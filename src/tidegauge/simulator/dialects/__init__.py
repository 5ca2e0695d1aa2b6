"""What each venue's server would answer, one file a venue family."""
