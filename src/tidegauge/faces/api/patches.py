"""Records as documents, and what tells one document from the next: JSON merge patches (RFC 7386).

A document is made once of a record and shared by all who look; nobody changes one.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import msgspec

Document: TypeAlias = dict[str, Any]


def document_of(record: Any) -> Any:
    """Return a record as JSON would hold it, without what is unknown: in a merge patch, null takes a
    value away."""
    return _known(msgspec.to_builtins(record, str_keys=True))


def _known(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _known(each) for name, each in value.items() if each is not None}
    if isinstance(value, (list, tuple)):
        # What is unknown inside a list keeps its place: lists are replaced whole.
        return [_known(each) for each in value]
    return value


def patch_of(
    before: Document,
    after: Document,
    inside: Callable[[Document, Document], Document] | None = None,
) -> Document:
    """Return the merge patch that makes `after` of `before`; empty where they are equal.

    `inside` works out that of two documents inside of these; this function does without it.
    """
    patch: Document = {name: None for name in before if name not in after}
    for name, value in after.items():
        was = before.get(name)
        if was is value:
            continue
        if isinstance(was, dict) and isinstance(value, dict):
            if change := (inside or patch_of)(was, value):
                patch[name] = change
        elif was != value:
            patch[name] = value
    return patch


def patched(document: Document, patch: Document) -> Document:
    """Return a document with a patch applied, as RFC 7386 says; the document stays as it is."""
    result = dict(document)
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, dict):
            was = result.get(name)
            result[name] = patched(was if isinstance(was, dict) else {}, value)
        else:
            result[name] = value
    return result
