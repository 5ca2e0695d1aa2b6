"""The schema, as numbered SQL: `NNNN_what_it_does.sql`. A file that has been released never changes."""
