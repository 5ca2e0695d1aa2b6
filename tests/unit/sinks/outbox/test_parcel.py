"""A page as bytes, and back."""

from hypothesis import given
from hypothesis import strategies as st
from tests.support.pages import a_page

from tidegauge.core.alert import Severity
from tidegauge.core.desk import Page, PageKind
from tidegauge.sinks.outbox.parcel import packed, unpacked

TEXT = st.text(st.characters(exclude_categories=()))
PAGES = st.builds(
    Page,
    key=TEXT,
    kind=st.sampled_from(PageKind),
    at=st.integers(0, 2**62),
    severity=st.sampled_from(Severity),
    title=TEXT,
    text=TEXT,
    channels=st.lists(TEXT, max_size=3).map(tuple),
    of=st.lists(TEXT, max_size=3).map(tuple),
    symbol=TEXT,
    starts_at=st.none() | st.integers(0, 2**62),
    ends_at=st.none() | st.integers(0, 2**62),
    labels=st.dictionaries(TEXT, TEXT, max_size=3),
)


@given(PAGES)
def test_any_page_comes_back_as_it_was(page: Page) -> None:
    """But for halves of characters, which no bytes stand for."""
    back = unpacked(*packed(page))
    assert back is not None
    assert (back.kind, back.at, back.severity, back.starts_at) == (
        *(page.kind, page.at, page.severity, page.starts_at),
    )
    assert back.text == page.text.encode("utf-8", "replace").decode()
    assert unpacked(*packed(back)) == back


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_bit_that_was_flipped_is_seen(place: int, flip: int) -> None:
    """A page that says something else is worse than one that is told to be damaged."""
    body, crc = packed(a_page())
    damaged = bytearray(body)
    damaged[place % len(body)] ^= flip
    assert unpacked(bytes(damaged), crc) is None


def test_what_is_no_page_is_none() -> None:
    """Sound bytes of something else, or no bytes at all."""
    assert unpacked(b"", 0) is None
    assert unpacked("text", 0) is None  # type: ignore[arg-type]
