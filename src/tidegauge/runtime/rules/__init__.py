"""The rules as a file: what `config/rules.yaml` may say, and what the floors below make of it."""
