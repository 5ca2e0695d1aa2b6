"""Nobody reaches a route who may not: tried on every route there is."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import structlog
from tests.support.api import Served, an_api, every_route, routes_of_every_kind
from tests.support.asking import Answer, ask

from tidegauge.faces.api import doors
from tidegauge.faces.api.app import ROUTERS
from tidegauge.faces.api.doors import HEADERS, LARGEST_BODY, LONGEST_URL, SAFE
from tidegauge.faces.api.limits import Buckets
from tidegauge.faces.api.tokens import tokens_renewed
from tidegauge.runtime.settings_serve import ServeSettings

OURS = {"origin": "http://localhost:8787"}


@pytest.fixture
def served(tmp_path: Path) -> Served:
    """Every route of the real API, and one of every kind."""
    settings = ServeSettings(requests_per_s=100_000)
    return an_api(tmp_path, settings, routers=(*ROUTERS, routes_of_every_kind()))


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Served:
    """An API with little allowance, which does not grow again: no time passes."""
    monkeypatch.setattr(doors, "Buckets", partial(Buckets, now=lambda: 0.0))
    return an_api(tmp_path, ServeSettings(requests_per_s=2, streams=1))


async def asked(served: Served, method: str, path: str, headers: dict[str, str], at: int) -> Answer:
    """Ask as one of many clients, so that none of them fails too often."""
    client = f"192.0.2.{at % 250}"
    if method == "WS":
        return await ask(served.app, "GET", path, headers, client=client, kind="websocket")
    body = None if method in SAFE else b"{}"
    return await ask(served.app, method, path, headers, client=client, body=body)


def cookie_name(served: Served) -> str:
    """Under which name its browsers send their cookie."""
    name: str = served.app.state.access.sessions.cookie_name
    return name


def strangers(served: Served) -> Iterator[dict[str, str]]:
    """What may be sent by those who hold no token."""
    right, name = served.tokens.operate, cookie_name(served)
    yield {}
    yield {"authorization": "Bearer wrong"}
    yield {"authorization": f"Bearer {right[:-1]}"}
    yield {"authorization": f"Bearer {right}x"}
    yield {"authorization": f"Basic {right}"}
    yield {"authorization": right.swapcase()}
    yield {"authorization": f"Bearer {served.tokens.secret}"}
    yield {"cookie": f"{name}={right}"}
    yield {"cookie": f"{name}=WzIsImEiLDk5OTk5OTk5OTldLmFiYw.AAAA"}


async def test_a_stranger_is_refused_on_every_route_but_one(served: Served) -> None:
    """Without a token, with a wrong one, with a cookie that nobody signed."""
    routes = [each for each in every_route(served.app) if each[1] != "/healthz"]
    assert len(routes) > 30
    for stranger in strangers(served):
        for at, (method, path) in enumerate(routes):
            answer = await asked(served, method, path, stranger, at)
            refused = 403 if path == "/login" else 401
            assert answer.status == refused, (method, path, stranger)
            assert answer.json["status"] == refused
            if refused == 401:
                assert answer.header("www-authenticate") == "Bearer"
    assert (await ask(served.app, "GET", "/healthz")).status == 200


async def test_a_token_that_reads_changes_nothing_on_any_route(served: Served) -> None:
    """Only a link that reads, and a logout, may it ask for."""
    unsafe = [(m, p) for m, p in every_route(served.app) if m not in SAFE and m != "WS"]
    assert len(unsafe) >= 8
    for at, (method, path) in enumerate(unsafe):
        answer = await asked(served, method, path, served.reader, at)
        allowed = path in ("/login-links", "/logout")
        assert answer.status in (201, 204) if allowed else answer.status == 403, (method, path)
        operated = await asked(served, method, path, served.operator, at)
        assert operated.status not in (401, 403), (method, path)


async def test_what_is_no_route_is_refused_first(served: Served) -> None:
    """A path nobody thought of, and a method nobody thought of, need a token as well."""
    for method, path in (("GET", "/nothing"), ("GET", "/healthz/"), ("GET", "//healthz")):
        assert (await ask(served.app, method, path)).status == 401
        assert (await ask(served.app, method, path, served.reader)).status == 404
    for method in ("POST", "PUT", "PATCH", "TRACE", "INVENTED"):
        assert (await ask(served.app, method, "/healthz")).status == 401
        assert (await ask(served.app, method, "/things", served.reader)).status == 403
    assert (await ask(served.app, "PUT", "/things", served.operator)).status == 405


async def test_a_name_that_is_not_ours_is_refused_on_every_route(served: Served) -> None:
    """So that a page which makes its own name lead here (DNS rebinding) gets nothing."""
    for name in ("evil.example", "localhost.evil.example", "127.0.0.1.evil.example:8787", "[::2]"):
        for at, (method, path) in enumerate(every_route(served.app)):
            answer = await asked(served, method, path, {**served.operator, "host": name}, at)
            assert answer.status == 421, (method, path, name)
    for name in ("localhost", "127.0.0.1:9", "[::1]:8787", "LOCALHOST:1"):
        assert (await ask(served.app, "GET", "/healthz", {"host": name})).status == 200
    assert (await ask(served.app, "GET", "/healthz", {"host": ""})).status == 400


async def test_a_page_of_another_origin_is_refused_on_every_route(served: Served) -> None:
    """Whatever it holds, since a browser adds what the page does not know."""
    for origin in ("http://evil.example", "null", "https://localhost:8787", "http://localhost:80"):
        for at, (method, path) in enumerate(every_route(served.app)):
            headers = {**served.operator, "origin": origin}
            assert (await asked(served, method, path, headers, at)).status == 403, (method, path)
    assert (await ask(served.app, "GET", "/picture", {**served.reader, **OURS})).status == 200


async def test_a_browser_has_to_say_which_page_asks(served: Served) -> None:
    """A cookie goes along with every request; so what changes something, or streams, names its page."""
    link = (await ask(served.app, "POST", "/login-links", served.operator)).json["url"]
    entered = await ask(served.app, "GET", link.removeprefix("http://localhost:8787"))
    cookie = {"cookie": entered.cookie}
    assert (await ask(served.app, "GET", "/picture", cookie)).status == 200
    body = b'{"comment": "x"}'
    assert (await ask(served.app, "POST", "/things", cookie, body=body)).status == 403
    assert (await ask(served.app, "POST", "/things", {**cookie, **OURS}, body=body)).status == 200
    assert (await ask(served.app, "GET", "/stream", cookie, kind="websocket")).status == 403
    streamed = await ask(served.app, "GET", "/stream", {**cookie, **OURS}, kind="websocket")
    assert streamed.status == 101


async def test_every_answer_wears_the_headers_of_safety(served: Served) -> None:
    """Those that refuse, and those that crash, too."""
    asked_for = ("/healthz", "/picture", "/nothing", "/crash", "/docs", "/things/not-a-number")
    for path in asked_for:
        for headers in ({}, served.reader, {"host": "evil.example"}):
            with structlog.testing.capture_logs():
                answer = await ask(served.app, "GET", path, headers)
            for name, value in HEADERS.items():
                assert answer.header(name) == value, (path, name)


async def test_a_file_of_the_documentation_may_be_kept(served: Served) -> None:
    """Only its `cache-control` is its own."""
    answer = await ask(served.app, "GET", "/docs/start.js", served.reader)
    assert answer.status == 200
    assert answer.header("cache-control").startswith("private, max-age=")
    assert answer.header("content-security-policy") == HEADERS["content-security-policy"]


async def test_a_crash_tells_nothing_but_the_log(served: Served) -> None:
    """The answer is a problem; the log has one line, with the reason."""
    with structlog.testing.capture_logs() as lines:
        answer = await ask(served.app, "GET", "/crash?secret=1", served.reader)
    assert answer.status == 500
    assert answer.header("content-type") == "application/problem+json"
    assert b"nobody else" not in answer.body
    assert [(line["event"], line["path"]) for line in lines] == [("api_crashed", "/crash")]
    assert "secret" not in str({**lines[0], "exc_info": None})


async def test_a_browser_that_is_a_stranger_gets_a_page(served: Served) -> None:
    """It says how to come in, without a script or a style."""
    answer = await ask(served.app, "GET", "/", {"accept": "text/html,*/*"})
    assert answer.status == 401
    assert answer.header("content-type").startswith("text/html")
    assert b"tidegauge web" in answer.body
    assert not any(each in answer.body for each in (b"style", b"<script", b"http://"))
    posted = await ask(served.app, "POST", "/things", {"accept": "text/html"}, body=b"{}")
    assert posted.header("content-type") == "application/problem+json"


async def test_each_principal_has_its_own_allowance(small: Served) -> None:
    """One that asks too much is told when to come again; the other is served."""
    answers = [await ask(small.app, "GET", "/things/1", small.reader) for _ in range(6)]
    assert [each.status for each in answers] == [200] * 4 + [429] * 2
    assert int(answers[-1].header("retry-after")) >= 1
    assert (await ask(small.app, "GET", "/things/1", small.operator)).status == 200


async def test_strangers_are_told_apart_by_their_address(small: Served) -> None:
    """One that guesses is slowed down; one that knows is let in from the same address."""
    guesses = [await ask(small.app, "GET", "/", client="192.0.2.7") for _ in range(25)]
    assert {each.status for each in guesses[:20]} == {401}
    assert guesses[-1].status == 429
    assert (await ask(small.app, "GET", "/", client="192.0.2.8")).status == 401
    known = await ask(small.app, "POST", "/login-links", small.reader, client="192.0.2.7")
    assert known.status == 201
    path = known.json["url"].removeprefix("http://localhost:8787")
    assert (await ask(small.app, "GET", path, client="192.0.2.7")).status == 303
    assert (await ask(small.app, "GET", path, client="192.0.2.7")).status == 429
    healths = [await ask(small.app, "GET", "/healthz", client="192.0.2.9") for _ in range(6)]
    assert [each.status for each in healths] == [200] * 4 + [429] * 2


async def test_behind_a_proxy_the_address_is_what_the_proxy_says(tmp_path: Path) -> None:
    """Only the last of a list: the others are what the client says."""
    served = an_api(tmp_path, ServeSettings(behind_tls=True))
    for number in range(25):
        said = {"x-forwarded-for": f"198.51.100.{number}, 203.0.113.5"}
        refused = await ask(served.app, "GET", "/", said)
    assert refused.status == 429
    other = {"x-forwarded-for": "198.51.100.1, 203.0.113.6"}
    assert (await ask(served.app, "GET", "/", other)).status == 401


async def test_a_body_that_is_too_large_is_refused_whatever_it_says_of_itself(
    served: Served,
) -> None:
    """By its length as announced, and, without that, by its length as it comes."""
    large = b'{"comment": "' + b"x" * LARGEST_BODY + b'"}'
    for headers in ({}, {"content-length": "1", "transfer-encoding": "chunked"}):
        said = {**served.operator, **headers}
        assert (await ask(served.app, "POST", "/things", said, body=large)).status == 413
    said = {**served.operator, "content-length": str(2**70)}
    assert (await ask(served.app, "POST", "/things", said, body=b"")).status == 413
    fits = b'{"comment": "fits"}' + b" " * (LARGEST_BODY - 19)
    assert (await ask(served.app, "POST", "/things", served.operator, body=fits)).status == 200


async def test_a_url_that_is_too_long_is_refused(served: Served) -> None:
    """Before anybody looks for its route."""
    url = "/things/1?x=" + "y" * LONGEST_URL
    assert (await ask(served.app, "GET", url, served.reader)).status == 414


async def test_new_tokens_end_the_old_ones_and_every_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a process that runs, as soon as it looks at the file again."""
    monkeypatch.setattr("tidegauge.faces.api.access.LOOK_EVERY_S", 0.0)
    served = an_api(tmp_path)
    link = (await ask(served.app, "POST", "/login-links", served.reader)).json["url"]
    other = (await ask(served.app, "POST", "/login-links", served.reader)).json["url"]
    cookie = (await ask(served.app, "GET", link.removeprefix("http://localhost:8787"))).cookie
    assert (await ask(served.app, "GET", "/readyz", {"cookie": cookie})).status == 503
    fresh = tokens_renewed(tmp_path)
    for old in (served.reader, served.operator, {"cookie": cookie}):
        assert (await ask(served.app, "GET", "/readyz", old)).status == 401
    assert (await ask(served.app, "GET", other.removeprefix("http://localhost:8787"))).status == 403
    taken = await ask(served.app, "GET", "/readyz", {"authorization": f"Bearer {fresh.read}"})
    assert taken.status == 503
