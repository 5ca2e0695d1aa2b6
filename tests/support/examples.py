"""How many examples a slow property is tried with, as a share of the profile's."""

from hypothesis import settings


def one_in(share: int) -> settings:
    """Try a property whose single example is dear with one in `share` of the usual examples."""
    return settings(max_examples=max(5, settings().max_examples // share))
