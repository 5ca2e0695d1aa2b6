"""`python -m tidegauge` is the `tidegauge` command."""

from tidegauge.faces.cli import main

if __name__ == "__main__":
    main()
