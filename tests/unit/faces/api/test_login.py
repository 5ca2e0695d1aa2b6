"""A browser comes in by a link that is good once, and goes out again."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.support.api import Served, an_api
from tests.support.asking import ask

from tidegauge.runtime.settings_serve import ServeSettings

HERE = "http://localhost:8787"
OURS = {"origin": HERE}


@pytest.fixture
def served(tmp_path: Path) -> Served:
    """An API."""
    return an_api(tmp_path)


async def test_a_link_logs_a_browser_in_once(served: Served) -> None:
    """By a cookie that no script reads and no other site sends along."""
    made = await ask(served.app, "POST", "/login-links", served.reader)
    assert made.status == 201
    assert made.json["scope"] == "read"
    left = datetime.fromisoformat(made.json["expires_at"]) - datetime.now(UTC)
    assert timedelta(minutes=4) < left <= timedelta(minutes=5)
    path = made.json["url"].removeprefix(HERE)
    entered = await ask(served.app, "GET", path)
    assert (entered.status, entered.header("location")) == (303, "/")
    attributes = {each.strip().lower() for each in entered.header("set-cookie").split(";")[1:]}
    assert {"httponly", "samesite=strict", "path=/"} <= attributes
    assert "secure" not in attributes
    again = await ask(served.app, "GET", path)
    assert (again.status, again.header("set-cookie")) == (403, "")
    assert (await ask(served.app, "GET", "/things/1", {"cookie": entered.cookie})).status == 200


async def test_a_link_gives_no_more_than_who_made_it_has(served: Served) -> None:
    """And less where that is asked for."""
    body = b'{"scope": "operate"}'
    assert (await ask(served.app, "POST", "/login-links", served.reader, body=body)).status == 403
    less = await ask(served.app, "POST", "/login-links", served.operator, body=b'{"scope": "read"}')
    entered = await ask(served.app, "GET", less.json["url"].removeprefix(HERE))
    cookie = {"cookie": entered.cookie, **OURS}
    said = b'{"comment": "x"}'
    refused = await ask(served.app, "POST", "/things", cookie, body=said)
    assert (refused.status, "prints a link that operates" in refused.json["detail"]) == (403, True)
    more = await ask(served.app, "POST", "/login-links", cookie, body=body)
    assert more.status == 403


async def test_a_browser_that_logged_out_is_a_stranger(served: Served) -> None:
    """The cookie is taken from it, and good no more where a copy was kept."""
    made = await ask(served.app, "POST", "/login-links", served.reader)
    entered = await ask(served.app, "GET", made.json["url"].removeprefix(HERE))
    cookie = {"cookie": entered.cookie}
    left = await ask(served.app, "POST", "/logout", {**cookie, **OURS})
    assert left.status == 204
    assert "max-age=0" in left.header("set-cookie").lower()
    assert (await ask(served.app, "GET", "/things/1", cookie)).status == 401
    assert (await ask(served.app, "POST", "/logout", served.reader)).status == 204


async def test_where_another_site_leads_a_page_of_ours_lies_between(served: Served) -> None:
    """A strict cookie is not sent on a way that another site began."""
    made = await ask(served.app, "POST", "/login-links", served.reader)
    path = made.json["url"].removeprefix(HERE)
    entered = await ask(served.app, "GET", path, {"sec-fetch-site": "cross-site"})
    assert entered.status == 200
    assert b"url=/" in entered.body
    assert entered.cookie


async def test_behind_tls_the_cookie_is_for_tls_only(tmp_path: Path) -> None:
    """And the link is one of https."""
    served = an_api(tmp_path, ServeSettings(behind_tls=True, allowed_hosts=("desk.example",)))
    at = {"host": "desk.example"}
    made = await ask(served.app, "POST", "/login-links", {**served.reader, **at})
    assert made.json["url"].startswith("https://desk.example/login?code=")
    path = made.json["url"].removeprefix("https://desk.example")
    entered = await ask(served.app, "GET", path, at)
    assert "secure" in entered.header("set-cookie").lower()
    ours = {**at, "cookie": entered.cookie, "origin": "https://desk.example"}
    assert (await ask(served.app, "POST", "/logout", ours)).status == 204


@pytest.mark.parametrize(
    "query", ["", "?code=", "?code=wrong", "?code=%00", "?code=%ff", "?code=a&code=b", "?c=1"]
)
async def test_a_code_that_is_none_is_refused(served: Served, query: str) -> None:
    """However it looks."""
    answer = await ask(served.app, "GET", f"/login{query}")
    assert (answer.status, answer.header("set-cookie")) == (403, "")
    assert "`tidegauge web` prints another" in answer.json["detail"]
    page = await ask(served.app, "GET", f"/login{query}", {"accept": "text/html,*/*"})
    assert (page.status, page.header("set-cookie")) == (403, "")
    assert b"Run <code>tidegauge web</code>" in page.body
    assert (await ask(served.app, "GET", f"/login?code={'x' * 200}")).status == 422
    assert (await ask(served.app, "HEAD", f"/login{query}")).status == 401
