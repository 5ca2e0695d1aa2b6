"""x"""

EXAMPLE = ""


def command() -> None:
    """X."""
