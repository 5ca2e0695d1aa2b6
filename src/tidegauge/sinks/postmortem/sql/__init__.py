"""Statements, one a file; `statement` reads them."""
