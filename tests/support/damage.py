"""Damages a JSON text in one place, the way a wire, a proxy or a careless venue might."""

import json
from typing import Any

from hypothesis import strategies as st

Path = tuple[str | int, ...]

RAW = "@raw@"
ODDITIES: list[Any] = [
    None,
    True,
    "",
    "NaN",
    "-Infinity",
    "-1",
    "-0.5",
    "0",
    "1e999",
    "1e-999",
    "9" * 80,
    "1_000",
    "١٢",
    "\ud800",
    "x" * 200,
    0,
    1,
    -1,
    2**53 + 1,
    2**63,
    10**40,
    0.5,
    [],
    [[]],
    [["1"]],
    [["1", "2", "3"]],
    [[1, 2]],
    {},
    f"{RAW}NaN",
    f"{RAW}1e999",
    f"{RAW}-1e999",
    f"{RAW}00",
    f"{RAW}{'[' * 2000}{']' * 2000}",
]


def paths(tree: Any, at: Path = ()) -> list[Path]:
    """Return the path of every part of a JSON tree, but the whole."""
    parts: list[tuple[str | int, Any]] = []
    if isinstance(tree, dict):
        parts = list(tree.items())
    elif isinstance(tree, list):
        parts = list(enumerate(tree))
    return [path for key, part in parts for path in [(*at, key), *paths(part, (*at, key))]]


@st.composite
def damaged(draw: st.DrawFn, text: str) -> str | bytes:
    """A damaged version of `text`, which must be JSON."""
    how = draw(st.sampled_from(["delete", "replace", "duplicate", "cut", "byte"]))
    if how == "cut":
        return text[: draw(st.integers(0, len(text) - 1))]
    if how == "byte":
        raw = bytearray(text.encode())
        raw[draw(st.integers(0, len(raw) - 1))] = draw(st.integers(0, 255))
        return bytes(raw)
    tree = json.loads(text)
    path = draw(st.sampled_from(paths(tree)))
    parent = tree
    for key in path[:-1]:
        parent = parent[key]
    if how == "delete":
        del parent[path[-1]]
    elif how == "replace":
        parent[path[-1]] = draw(st.sampled_from(ODDITIES))
    elif isinstance(parent, list):
        parent.insert(int(path[-1]), parent[int(path[-1])])
    else:
        parent[f"{path[-1]}_"] = parent[path[-1]]
    written = json.dumps(tree, separators=(",", ":"))
    for oddity in ODDITIES:
        if isinstance(oddity, str) and oddity.startswith(RAW):
            written = written.replace(f'"{oddity}"', oddity.removeprefix(RAW))
    return written
