"""Later."""


def command() -> None:
    """Later."""
