"""The files of the page: the ones that there are, as they are, and nothing inline in them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import aiohttp
import pytest
from fastapi import FastAPI
from tests.support.ports import kept_port
from tests.support.served_app import ServedApp
from yarl import URL

from tidegauge.faces.web import page

ASSETS = Path(page.__file__).parent / "assets"
SCRIPTS = sorted(name for name in page.NAMES if name.endswith(".js"))
MOST_LINES = 400


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    content: bytes


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    app = FastAPI()
    app.include_router(page.router)
    with kept_port() as port:
        served = ServedApp(app, port)
        served.start()
        yield served.url
        served.stop()


async def asked(url: str, **headers: str) -> Answer:
    """Ask for just this address, whatever it looks like."""
    async with (
        aiohttp.ClientSession() as client,
        client.get(URL(url, encoded=True), headers=headers) as found,
    ):
        told = {name.lower(): value for name, value in found.headers.items()}
        return Answer(found.status, told, await found.read())


async def test_every_file_of_the_page_is_handed_out_with_its_type(origin: str) -> None:
    """And nothing but those."""
    assert {path.name for path in ASSETS.glob("*.*")} == {*page.NAMES, "index.html"}
    for name in (*page.NAMES, *page.VENDORED):
        answer = await asked(f"{origin}/assets/{name}")
        assert answer.status == 200, name
        assert answer.headers["content-type"] == page.TYPES[name.rpartition(".")[2]]
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert (await asked(f"{origin}/")).headers["content-type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize(
    "name", ["index.html", "VENDORED.md", "..%2fpage.py", "../page.py", "nothing.js", ".", "%00"]
)
async def test_what_is_not_on_the_list_is_not_there(origin: str, name: str) -> None:
    """Whatever the name tries."""
    assert (await asked(f"{origin}/assets/{name}")).status == 404


async def test_a_file_that_is_known_is_not_sent_again(origin: str) -> None:
    """Its tag is the hash of its content."""
    first = await asked(f"{origin}/assets/main.js")
    tag = first.headers["etag"]
    assert tag.strip('"') in sha256(first.content).hexdigest()
    assert first.headers["cache-control"] == "no-cache"
    for known in (tag, f"W/{tag}", f'"other", {tag}'):
        again = await asked(f"{origin}/assets/main.js", **{"if-none-match": known})
        assert (again.status, again.content) == (304, b"")
        assert again.headers["etag"] == tag
    assert (await asked(f"{origin}/assets/main.js", **{"if-none-match": '"other"'})).status == 200


async def test_the_policy_allows_this_origin_and_nothing_inline(origin: str) -> None:
    """On the page and on each file."""
    for path in ("/", "/assets/main.js"):
        policy = (await asked(f"{origin}{path}")).headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
        assert "unsafe" not in policy
        assert "http" not in policy


def test_the_page_has_nothing_inline_and_names_no_other_place() -> None:
    """A policy would refuse it, and a browser without one would not."""
    html = (ASSETS / "index.html").read_text("utf-8")
    assert not re.search(r"<script(?![^>]* src=)|<style|\son\w+=|\sstyle=", html)
    for name in (*page.NAMES, "index.html"):
        text = (ASSETS / name).read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "://" not in text.replace("://${location.host}", ""), name


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_makes_no_markup_of_text_and_imports_what_there_is(name: str) -> None:
    """And stays short enough to be read."""
    text = (ASSETS / name).read_text("utf-8")
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", text)
    assert set(re.findall(r'from "\./([^"]+)"', text)) <= set(page.NAMES)
    assert text.count("\n") <= MOST_LINES


def test_the_vendored_files_are_the_ones_that_are_named() -> None:
    """By the hashes of VENDORED.md."""
    told = (ASSETS / "vendor" / "VENDORED.md").read_text("utf-8")
    named = dict(re.findall(r"\| `([^`]+)` \| ([0-9a-f]{64}) \|", told))
    found = {path.name for path in (ASSETS / "vendor").iterdir()} - {"VENDORED.md"}
    assert set(named) == found == {*page.VENDORED, "LICENSE"}
    for name, digest in named.items():
        assert sha256((ASSETS / "vendor" / name).read_bytes()).hexdigest() == digest
