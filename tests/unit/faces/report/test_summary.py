"""What is said of a postmortem: by its numbers, and never more than they say."""

from datetime import timedelta

from tests.support.postmortems import CRUNCH, a_book, a_loss, a_postmortem, an_alert_story

from tidegauge.faces.report.summary import sentences, tiles, worst_of
from tidegauge.faces.report.wording import UNKNOWN
from tidegauge.sinks.postmortem.records import Cost, Metric


def test_a_crunch_is_told_in_order() -> None:
    """When and where it began, how bad it was, how it ended, and whether that can be believed."""
    assert sentences(a_postmortem()) == [
        "It began at 12:00:20.0 UTC on binance.",
        "1 alert fired, critical at worst, the first 2 s after its breach began.",
        "The spread reached 9.00 bps on binance at 12:00:20.0 (usually 0.50).",
        "Depth within 10 bps fell to 100k, 10 % of the usual, on binance at 12:00:20.0 (usually 1M).",
        "Selling 500k cost up to 31.00 bps, or 450 of quote, on binance at 12:00:20.0 (usually 2.00).",
        "The last alert was resolved at 12:00:45.0, 25 s after it began.",
        "Every book was trusted and read the whole time.",
    ]


def test_the_first_venue_to_move_is_named_and_the_last() -> None:
    """By when their breaches began, not by when they fired."""
    stories = (
        an_alert_story("okx", began=18, fired=24),
        an_alert_story(),
        an_alert_story("bybit", 21.5),
    )
    said = sentences(a_postmortem(alerts=stories))
    assert said[0] == (
        "It began at 12:00:18.0 UTC on okx, the first of 3 venues to move; bybit was the last, 3.5 s"
        " later."
    )
    assert said[1].startswith("3 alerts fired")


def test_calm_is_told_as_calm() -> None:
    """No alert fired; the extremes are told all the same."""
    said = sentences(a_postmortem(alerts=()))
    assert said[0] == "No alert fired on BTCUSDT in this span of 1 min."
    pending = sentences(a_postmortem(alerts=(an_alert_story(fired=None, ended=40),)))
    assert pending[0] == "Something began to breach on BTCUSDT, and no alert fired."


def test_what_began_before_the_span_and_lasts_beyond_it_is_told_so() -> None:
    """Nothing is said to be over that is not."""
    said = " ".join(sentences(a_postmortem(alerts=(an_alert_story(began=-5, ended=None),))))
    assert "It began at 11:59:55.0 UTC (before this span) on binance." in said
    assert "At the end of the span, 1 min 5 s after it began, binance fired still." in said


def test_without_data_nothing_is_claimed() -> None:
    """Not how bad it was, and not what it cost."""
    book = a_book(values={}, costs=())
    said = sentences(a_postmortem(books=(book,), size=None))
    assert "How bad it was is not known." in said
    assert "No cost of any size was stored." in said
    values = {tile.name: tile.value for tile in tiles(a_postmortem(books=(book,), size=None))}
    assert values["Widest spread"] == values["Dearest sale of size"] == UNKNOWN


def test_an_unknown_usual_is_told_as_that() -> None:
    """The extreme is known, what it is against is not."""
    said = sentences(a_postmortem(books=(a_book(usual={}),)))
    assert "The spread reached 9.00 bps on binance at 12:00:20.0 (its usual is not known)." in said
    assert any(
        sentence.startswith("Depth within 10 bps fell to 100k on binance") for sentence in said
    )


def test_a_size_that_was_not_there_is_told() -> None:
    """It has no cost, and that is worse than any."""
    short = Cost(taker="sell", asked=60, unfilled=7, least_filled=0.4)
    said = sentences(a_postmortem(books=(a_book(costs=(short,)),)))
    assert "500k could not be filled at times on binance (sell, 7 of 60 readings)." in said


def test_what_is_not_known_is_told_with_its_reason() -> None:
    """How much of the span, and why; of a venue that was never read, that."""
    books = (a_book(known=timedelta(seconds=45)), a_book("okx"))
    losses = (a_loss(10, 25), a_loss(0, 60, "kraken"))
    said = sentences(a_postmortem(books=books, unknown=losses))
    assert (
        "How much of the span is known: binance 75 % (15 s missing, mostly: gap), all of it on the"
        " others. Nothing is said of the rest." in said
    )
    assert said[-1] == "Of kraken there is no reading."


def test_a_moment_at_the_edge_is_not_made_much_of() -> None:
    """A monitor needs part of a second to begin."""
    (book,) = (a_book(known=timedelta(seconds=59.5)),)
    assert sentences(a_postmortem(books=(book,)))[-1] == (
        "Every book was trusted and read the whole time, but for 0.5 s at most."
    )


def test_depth_is_worst_where_most_of_the_usual_is_gone() -> None:
    """A thin venue is always thin; that is not what happened."""
    thin = a_book("thin", {Metric.DEPTH: [90_000] * 60}, {Metric.DEPTH: 100_000})
    worst = worst_of(a_postmortem(books=(a_book(values=CRUNCH), thin)), Metric.DEPTH)
    assert worst is not None
    assert worst.venue == "binance"
    assert worst.of_usual == 0.1
