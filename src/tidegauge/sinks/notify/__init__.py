"""Telling people: the channels, and who brings them the pages that wait in the outbox."""
