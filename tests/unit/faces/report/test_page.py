"""The page: everything on it is escaped, nothing on it comes from elsewhere."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.postmortems import (
    CRUNCH,
    a_book,
    a_happening,
    a_loss,
    a_postmortem,
    an_alert_story,
    span,
)

from tidegauge.faces.report.page import asset, embedded, render
from tidegauge.sinks.postmortem.records import Asked, Cost, Grain, Metric, Postmortem, Query, Run

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>'\"&\u2028 {{ 7*7 }}"


class Read(HTMLParser):
    """What a browser would see: tags, attributes and text, apart."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.scripts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        (
            self.scripts if self.tags and self.tags[-1][0] in ("script", "style") else self.texts
        ).append(data)

    @property
    def text(self) -> str:
        return "".join(self.texts)


def hostile(words: str) -> Postmortem:
    """A postmortem in which every word that comes from outside is `words`."""
    book = a_book(
        words, costs=(Cost(taker="sell", asked=1, unfilled=1, unfilled_spans=(span(1, 2),)),)
    )
    story = an_alert_story(words, id=words, sentence=words, cause=words, action=words, signal=words)
    changes = tuple(replace(each, sentence=words) for each in story.changes)
    return a_postmortem(
        asked=Asked(symbol=words, span=span(0, 60), alert=words),
        books=(book,),
        alerts=(replace(story, changes=changes),),
        happenings=(a_happening(1, venue=words, kind=words, detail=words),),
        unknown=(replace(a_loss(5, 9, words), reason=words),),
        runs=(Run(id=words, version=words, command=words),),
        queries=tuple(
            Query(name=query.name, answers=words, sql=words, rows=1)
            for query in a_postmortem().queries
        ),
    )


def shape(page: str) -> list[str]:
    return [tag for tag, _ in Read(page).tags]


@settings(max_examples=25, deadline=None)
@given(st.one_of(st.just(HOSTILE), st.text(min_size=1, max_size=40)))
def test_no_word_from_outside_becomes_markup(words: str) -> None:
    """The page has the same tags whatever a venue, an alert or a person says, and says it literally."""
    words = words.replace("\0", "").replace("\r", "") or "x"
    page = render(hostile(words))
    assert shape(page) == shape(render(hostile("plain")))
    for tag, attributes in Read(page).tags:
        assert not any(name.startswith("on") for name in attributes), tag
        assert "src" not in attributes
    data = re.search(r'id="data">(.*?)</script>', page, re.DOTALL)
    assert data is not None
    venues = {
        line["venue"] for plot in json.loads(data[1])["plots"].values() for line in plot["lines"]
    }
    assert venues == {words}


def test_a_hostile_word_appears_as_it_was_said() -> None:
    """In the head, the timeline and the tables."""
    seen = Read(render(hostile(HOSTILE))).text
    assert seen.count("<script>alert(1)</script>") > 10
    assert "49" not in seen.partition("Timeline")[0]


@given(st.text())
def test_embedded_data_cannot_end_its_element(text: str) -> None:
    """And is the same data still."""
    found = str(embedded({"a": [text, 1.5, None]}))
    assert not set("<>&\u2028\u2029") & set(found)
    assert json.loads(found) == {"a": [text, 1.5, None]}


def test_the_page_asks_for_nothing() -> None:
    """No address anywhere but of namespaces; the policy names the two hashes and no place."""
    page = render(a_postmortem())
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    said = policy[1].replace("&#39;", "'")
    assert said.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in said
    assert "http" not in said
    assert set(re.findall(r"https?://[\w./]+", page)) == {"http://www.w3.org/2000/svg"}
    assert not re.search(r'\sstyle="', page)
    assert "@import" not in asset("page.css")
    assert set(re.findall(r"url\(([^)]*)\)", page)) == {"#hatch"}


def test_every_figure_has_its_sql() -> None:
    """As it was put, in an element that opens."""
    page = render(a_postmortem())
    for name in (
        "readings",
        "depth",
        "slippage",
        "usual",
        "alerts",
        "changes",
        "trust",
        "events",
        "books",
    ):
        assert f"SELECT &#39;{name}&#39;;" in page
    figures = page.split('<figure class="card plot"')[1:]
    assert len(figures) == len(Metric)
    assert all("<details" in figure for figure in figures)


def test_a_gap_leaves_two_strokes_and_a_hatch() -> None:
    """Nothing is drawn across it."""
    lost = a_loss(30, 40)
    book = a_book(values={Metric.DEPTH: CRUNCH[Metric.DEPTH]}, unknown=(lost.span,))
    page = render(a_postmortem(books=(book,), unknown=(lost,)))
    path = re.search(r'class="line c0" data-venue="binance" d="([^"]*)"', page)
    assert path is not None
    assert path[1].count("M") >= 2
    assert 'class="shade unknown"' in page


def test_lanes_show_who_was_alerted_and_who_was_lost() -> None:
    """Also a venue without a single reading."""
    page = render(a_postmortem(unknown=(a_loss(0, 60, "kraken"),), happenings=(a_happening(10),)))
    assert 'aria-label="kraken: 0 alert spans, 1 spans not known"' in page
    assert 'class="bar critical"' in page
    assert "<title>gap at 12:00:10.0</title>" in page


def test_tables_tell_usual_worst_when_and_last() -> None:
    """What is unknown is a dash; a rollup does not keep floors."""
    cells = re.findall(r"<td>([^<]*)</td>", render(a_postmortem()))
    assert cells[8:14] == [
        "0.50",
        "9.00",
        "12:00:20.0",
        "18.0\N{MULTIPLICATION SIGN}",
        "0.50",
        "+28.0",
    ]
    rolled = render(a_postmortem(grain=Grain.MINUTES, books=(a_book(floors=None),)))
    assert "a row a minute: averages" in rolled


@pytest.mark.parametrize(
    "changes",
    [
        {"alerts": (), "happenings": ()},
        {"books": (a_book(values={}, costs=(), readings=1),), "size": None},
        {"books": (a_book(values={Metric.MID: [1.5]}),)},
    ],
)
def test_little_data_is_still_a_page(changes: dict[str, object]) -> None:
    """Empty parts say that they are, and why."""
    page = render(a_postmortem(**changes))
    if not changes.get("alerts", True):
        assert "Nothing happened" in page
    else:
        assert "Nothing to draw" in page
