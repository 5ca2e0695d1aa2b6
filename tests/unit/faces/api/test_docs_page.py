"""What is vendored is what its maker published; the page asks for nothing else."""

import hashlib
import re
from pathlib import Path

import pytest
from tests.support.api import an_api
from tests.support.asking import ask

from tidegauge.faces.api.docs_page import FOLDER, PAGE

LISTED = dict(
    re.findall(
        r"^\| `(\S+)` \| `([0-9a-f]{64})` \|$", (FOLDER / "VENDORED.md").read_text(), re.MULTILINE
    )
)


def test_every_vendored_file_is_listed() -> None:
    """Beside what is ours."""
    assert {each.name for each in FOLDER.iterdir()} == {*LISTED, "VENDORED.md", "start.js"}


@pytest.mark.parametrize("name", LISTED)
def test_a_vendored_file_is_as_it_was_published(name: str) -> None:
    """To the last byte."""
    assert hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() == LISTED[name]


async def test_the_page_finds_everything_it_asks_for(tmp_path: Path) -> None:
    """On the server it came from."""
    served = an_api(tmp_path)
    asked_for = re.findall(r'(?:src|href)="(/[^"]+)"', PAGE)
    assert len(asked_for) == 3
    for url in ("/docs", "/openapi.json", *asked_for):
        answer = await ask(served.app, "GET", url, served.reader)
        assert answer.status == 200, url
        assert answer.header("content-type").split(";")[0] != "application/octet-stream"
