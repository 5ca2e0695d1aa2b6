"""Refusals in words: whom they blame."""

import pytest

from tidegauge.wire.refusal import blamed


@pytest.mark.parametrize(
    ("text", "products"),
    [
        ("ABC-USD is not a valid product", ["ABC-USD"]),
        ("Invalid product ids: ABC-USD, BTC-PERP-INTX", ["ABC-USD", "BTC-PERP-INTX"]),
        ("product not found: '00-USD'", ["00-USD"]),
        ("rate limit exceeded for BTC-USD", []),
        ("invalid channel", []),
        ("", []),
    ],
)
def test_only_what_is_called_no_good_is_blamed(text: str, products: list[str]) -> None:
    """A product that is merely mentioned must not be struck off for it."""
    assert blamed(text) == products
