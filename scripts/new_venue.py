"""Starts the next venue: `python scripts/new_venue.py gannet`.

Writes its file, its conversation and its test from the code blocks of docs/adding-a-venue.md, which
says what to change in each. Nothing that is there already is written over.
"""

import argparse
import keyword
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
GUIDE = Path("docs/adding-a-venue.md")
EXAMPLE = "petrel"
NAME = re.compile(r"[a-z][a-z0-9]{1,30}")
BLOCK = re.compile(r"^<!-- into (\S+) -->\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(guide: str) -> dict[str, str]:
    """Return the files that a guide writes, by their paths: its blocks for each, in order."""
    parts: dict[str, list[str]] = {}
    for path, code in BLOCK.findall(guide):
        parts.setdefault(path, []).append(code)
    return {
        path: ("\n\n" if path.endswith(".py") else "").join(code) for path, code in parts.items()
    }


def written_for(name: str, guide: str) -> dict[Path, str]:
    """Return the files of the venue `name`, by their paths below the repository."""

    def renamed(text: str) -> str:
        return text.replace(EXAMPLE, name).replace(EXAMPLE.title(), name.title())

    return {Path(renamed(path)): renamed(code) for path, code in blocks(guide).items()}


def refusal(name: str, root: Path, files: dict[Path, str]) -> str | None:
    """Return why the venue cannot be started, None when it can."""
    if NAME.fullmatch(name) is None or keyword.iskeyword(name):
        return f"{name!r} is no name for a venue: lower-case letters and digits, such as gannet"
    if not files:
        return f"{GUIDE} has no code blocks to write: restore it"
    package = root / "src/tidegauge/venues" / name
    for path in [package, *(root / file for file in files)]:
        if path.exists():
            return f"{path.relative_to(root)} is there already: choose another name, or edit it"
    return None


def main() -> int:
    """Write the files, and say what comes next."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("name", help="lower-case letters and digits, such as gannet")
    parser.add_argument("--into", type=Path, default=ROOT, help="a copy of this repository")
    options = parser.parse_args()
    name, root = options.name, options.into.resolve()
    files = written_for(name, (ROOT / GUIDE).read_text(encoding="utf-8"))
    if (why := refusal(name, root, files)) is not None:
        print(f"new_venue: {why}", file=sys.stderr)
        return 1
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        with (root / path).open("x", encoding="utf-8") as file:
            file.write(text)
        print(f"wrote {path}")
    print(
        f"""
Next, with {GUIDE} open beside it:
  1. Put the venue's own words where {name}.py has those of the example, one section at a time.
  2. Put frames of the venue into tests/fixtures/venues/{name}.jsonl.
  3. .venv/bin/pytest tests/unit/venues -k {name}
  4. .venv/bin/tidegauge venues {name}"""
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
