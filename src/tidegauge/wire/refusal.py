"""What the text of a refusal blames, where a venue says it in words only."""

import re

PRODUCT = re.compile(r"[A-Z0-9]{1,20}(?:-[A-Z0-9]{1,20}){1,3}")
"""A product as Coinbase names it, such as BTC-USD."""

BLAME = ("not a valid", "invalid", "not found", "unknown", "unsupported", "delisted")


def blamed(text: str) -> list[str]:
    """Return the products that `text` says are no good; none where it blames something else.

    `ABC-USD is not a valid product` blames a product, `Too many requests for BTC-USD` does not.
    """
    said = text.lower()
    return PRODUCT.findall(text) if any(word in said for word in BLAME) else []
