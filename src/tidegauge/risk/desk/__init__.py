"""The operations desk: what becomes of an alert, and who is told. Pure: time is an argument."""
