"""Every question, asked of a real PostgreSQL about a crunch whose story is known."""

from collections.abc import Iterable
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from statistics import fmean, median
from typing import Any

from tests.support import crunch_at_noon as story
from tests.support.crunch_at_noon import DAY, LOST, SIZE, VENUES, broken, told, when

from tidegauge.sinks.ask import ask

SECOND = timedelta(seconds=1)
WINDOW = range(600)


def seconds_of(venue: str, among: Iterable[int] = WINDOW) -> list[int]:
    """Return when a venue has readings."""
    return [each for each in among if not (venue == "okx" and each in LOST)]


def rounded(value: float, places: int) -> Decimal:
    """Round as PostgreSQL does, half up; the float's own noise aside."""
    return Decimal(f"{value:.9f}").quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def three_places(value: float) -> Decimal:
    return rounded(value, 3)


async def test_the_window_is_cut_by_the_worst_alert(noon_connection: Any) -> None:
    """Before, building, firing and after, of its own venue first; what was lost is told in percent."""
    rows = await told(noon_connection, "around-alert")
    assert [row["venue"] for row in rows[::4]] == ["bybit-linear", "binance", "okx"]
    assert [row["hit"] for row in rows] == ["crunch-bybit"] * 4 + [None] * 8
    edges = {"before": (0, 120), "building": (120, 122), "firing": (122, 310), "after": (310, 600)}
    for row in rows:
        began, ended = edges[row["phase"]]
        seconds = seconds_of(row["venue"], range(began, ended))
        venue = row["venue"]
        assert (row["began"], row["lasted"]) == (when(began), (ended - began) * SECOND)
        assert row["readings"] == len(seconds)
        depth = fmean(2 * story.depth_of(venue, each) for each in seconds)
        assert row["depth"] == round(depth)
        assert row["depth_low"] == min(2 * story.depth_of(venue, each) for each in seconds)
        assert row["depth_left"] == rounded(100 * depth / (2 * story.DEPTH[venue]), 1)
        assert row["spread_bps"] == three_places(fmean(story.spread_of(venue, s) for s in seconds))
        filled = [each for each in seconds if not (venue == "okx" and each in story.UNFILLED)]
        assert row["sell_bps"] == three_places(fmean(story.bps_of(venue, each) for each in filled))
        assert row["sell_bps_max"] == three_places(max(story.bps_of(venue, s) for s in filled))
        assert row["unfilled"] == len(seconds) - len(filled)


async def test_an_alert_can_be_named(noon_connection: Any) -> None:
    """Not only the worst has a story; one that never fired has none."""
    rows = await told(noon_connection, "around-alert", alert="flap-1")
    assert [row["hit"] for row in rows[:4]] == ["flap-1"] * 4
    assert rows[2]["began"] == when(151)
    assert await told(noon_connection, "around-alert", alert="never") == []


async def test_selling_is_compared_with_the_calmest_hour(noon_connection: Any) -> None:
    """Eleven o'clock, not ten, and not the hour it happened in."""
    rows = {row["venue"]: row for row in await told(noon_connection, "cost-to-sell")}
    assert list(rows) == ["binance", "bybit-linear", "okx"]
    for venue, row in rows.items():
        filled = [s for s in seconds_of(venue) if not (venue == "okx" and s in story.UNFILLED)]
        average, worst = (
            fmean(story.bps_of(venue, s) for s in filled),
            max(story.bps_of(venue, s) for s in filled),
        )
        calm = story.CALM_BPS[venue]
        assert row["unfilled"] == len(seconds_of(venue)) - len(filled)
        assert row["sell_bps"] == three_places(average)
        assert row["cost"] == rounded(average * float(SIZE) / 1e4, 2)
        assert row["cost_max"] == rounded(worst * float(SIZE) / 1e4, 2)
        assert (row["calm_hour"], row["calm_bps"]) == (when(-3600), three_places(calm))
        assert row["calm_cost"] == rounded(calm * float(SIZE) / 1e4, 2)
        assert row["times"] == rounded(average / calm, 2)
        assert row["worst_at"] == when(min(s for s in filled if broken(venue, s)))


async def test_data_is_trusted_where_every_book_was_live(noon_connection: Any) -> None:
    """okx lost its book for twelve seconds, and that is all."""
    rows = {row["venue"]: row for row in await told(noon_connection, "data-trust")}
    lost = len(LOST) * SECOND
    okx = rows.pop("okx")
    assert okx["verdict"] == "in part"
    assert okx["live"] == Decimal(98)
    assert (okx["not_live"], okx["longest_break"], okx["breaks"]) == (lost, lost, 1)
    assert okx["broke_at"] == when(LOST.start)
    assert (okx["gaps"], okx["resyncs"], okx["disconnects"]) == (1, 1, 0)
    assert (okx["readings"], okx["longest_hole"]) == (588, lost + SECOND)
    for row in rows.values():
        assert (row["verdict"], row["live"], row["breaks"], row["gaps"]) == ("yes", 100, 0, 0)
        assert (row["readings"], row["longest_hole"]) == (600, SECOND)


async def test_a_run_that_was_killed_is_believed_no_longer_than_it_spoke(
    noon_connection: Any,
) -> None:
    """Its last word was that the books are live; its last reading is older than that claim."""
    span = {"from": "2026-01-01 12:09:00Z", "to": "2026-01-01 12:19:00Z"}
    for row in await told(noon_connection, "data-trust", **span):
        assert row["verdict"] == "no"
        assert row["live"] == Decimal("10.67")  # a minute, and five seconds that count as no hole
        assert row["broke_at"] == when(604)
    before = {"from": "2026-01-01 08:00:00Z", "to": "2026-01-01 09:00:00Z"}
    assert await told(noon_connection, "data-trust", **before) == []


async def test_breaks_are_told_with_their_reason_and_the_words_as_they_came(
    noon_connection: Any,
) -> None:
    """Whatever is in them."""
    first, second = await told(noon_connection, "trust-breaks")
    assert (first["trust"], first["reason"], first["since"]) == ("untrusted", "gap", when(400))
    assert (second["trust"], second["until"]) == ("syncing", when(412))
    assert first["detail"] == story.HOSTILE


async def test_the_first_venue_to_move_is_found(noon_connection: Any) -> None:
    """In price, spread and depth: bybit-linear, then binance 3 s and okx 7 s later."""
    rows = await told(noon_connection, "first-mover")
    for measure in ("price", "spread", "depth"):
        found = [row for row in rows if row["measure"] == measure]
        assert [(row["place"], row["venue"], row["behind"]) for row in found] == [
            (1, "bybit-linear", 0 * SECOND),
            (2, "binance", 3 * SECOND),
            (3, "okx", 7 * SECOND),
        ]
        assert found[0]["moved_at"] == when(120)
    depths = [row for row in rows if row["measure"] == "depth"]
    assert {row["changed"] for row in depths} == {Decimal("-75.000")}
    before = median(float(story.bid_of("okx", s) + 10) / 100 for s in range(10))
    assert rows[2]["before"] == rounded(before, 4)


async def test_a_venue_that_did_not_move_has_no_place(noon_connection: Any) -> None:
    """It is told all the same."""
    rows = await told(noon_connection, "first-mover", move="50")
    assert [(row["place"], row["moved_at"]) for row in rows[:3]] == [(None, None)] * 3


async def test_responses_are_timed(noon_connection: Any) -> None:
    """From breach to alert, to acknowledgement, to mitigation and recovery."""
    rows = {row["alert"]: row for row in await told(noon_connection, "response-times")}
    assert "never" not in rows
    ours = rows["crunch-bybit"]
    assert (ours["to_alert"], ours["to_recover"]) == (2 * SECOND, 188 * SECOND)
    assert (ours["to_acknowledge"], ours["acknowledged_by"]) == (30 * SECOND, story.HOSTILE)
    assert (ours["to_mitigate"], ours["to_resolve"]) == (128 * SECOND, 198 * SECOND)
    other = rows["crunch-binance"]
    assert (other["to_alert"], other["incident"]) == (2.5 * SECOND, None)


async def test_a_day_is_summed_up(noon_connection: Any) -> None:
    """Three hours of it, alerts, the time they fired, and the trust that was lost."""
    rows = {row["venue"]: row for row in (await ask(noon_connection, "daily-risk", DAY)).records()}
    for venue, row in rows.items():
        seconds = seconds_of(venue, story.seconds())
        filled = [s for s in seconds if not (venue == "okx" and s in story.UNFILLED)]
        assert (row["day"], row["hours"]) == ("2026-01-01", 3)
        assert (row["low"], row["high"]) == (Decimal("60900.1"), Decimal("61000.1"))
        assert row["sell_bps"] == three_places(fmean(story.bps_of(venue, s) for s in filled))
        assert row["depth"] == round(fmean(2 * story.depth_of(venue, s) for s in seconds))
        share = 100 * (len(seconds) - len(filled)) / len(seconds)
        assert row["unfilled"] == rounded(share, 2)
    assert [rows[venue]["alerts"] for venue in VENUES] == [1, 1, 3]
    assert [rows[venue]["worst"] for venue in VENUES] == ["warning", "critical", "warning"]
    assert [rows[venue]["alerting"] for venue in VENUES] == [
        186.5 * SECOND,
        188 * SECOND,
        27 * SECOND,
    ]
    assert [rows[venue]["trust_lost"] for venue in VENUES] == [0, 0, 1]


async def test_hours_are_compared_with_each_other(noon_connection: Any) -> None:
    """Ten costs half as much again as eleven, and noon the most."""
    answer = await ask(noon_connection, "hourly-profile", DAY | {"venue": "binance"})
    rows = answer.records()
    assert [(row["hour"], row["days"]) for row in rows] == [(10, 1), (11, 1), (12, 1)]
    assert [row["sell_bps"] for row in rows[:2]] == [Decimal("1.500"), Decimal("1.000")]
    whole = fmean(story.bps_of("binance", s) for s in story.seconds())
    assert [row["of_average"] for row in rows[:2]] == [round(150 / whole), round(100 / whole)]


async def test_the_worst_minutes_come_first(noon_connection: Any) -> None:
    """One in which the book did not hold the size is worse than a dear one."""
    rows = await told(noon_connection, "worst-minutes", most="4")
    assert [(row["venue"], row["at"]) for row in rows] == [
        ("okx", when(120)),
        ("okx", when(180)),
        ("okx", when(240)),
        ("bybit-linear", when(120)),
    ]
    assert rows[0]["unfilled"] == Decimal("16.7")  # ten seconds of sixty
    assert rows[0]["range_bps"] == Decimal("16.42")
    assert rows[3]["sell_bps_max"] == Decimal("20.000")
    assert rows[3]["depth_low"] == 2 * story.DEPTH["bybit-linear"] // story.THINNED


async def test_alerts_that_flap_are_counted(noon_connection: Any) -> None:
    """Three fired, each within ten minutes of the one before; one never held."""
    rows = {
        (row["signal"], row["venue"]): row for row in await told(noon_connection, "alert-quality")
    }
    flapping = rows["spread_blowout", "okx"]
    assert (flapping["began"], flapping["fired"], flapping["cleared"]) == (4, 3, 3)
    assert (flapping["flapped"], flapping["flap_share"]) == (2, Decimal("66.7"))
    assert (flapping["to_alert"], flapping["lasted"]) == (SECOND, 9 * SECOND)
    crunch = rows["liquidity_crunch", "bybit-linear"]
    assert (crunch["fired"], crunch["flapped"], crunch["critical"]) == (1, 0, 1)
    calmer = await told(noon_connection, "alert-quality", flap="5 seconds")
    assert [row["flapped"] for row in calmer] == [0, 0, 0]


async def test_venues_are_ranked_by_what_selling_cost(noon_connection: Any) -> None:
    """okx could not always fill it, and comes last."""
    rows = await told(noon_connection, "venue-league")
    assert [(row["place"], row["venue"]) for row in rows] == [
        (1, "binance"),
        (2, "bybit-linear"),
        (3, "okx"),
    ]
    assert [row["cheapest"] for row in rows] == [100, 0, 0]
    assert rows[0]["buy_bps"] == three_places(fmean(story.bps_of("binance", s) / 2 for s in WINDOW))


async def test_a_timeline_goes_step_by_step(noon_connection: Any) -> None:
    """Of thirty seconds here; the price falls by 16.4 bps and comes back."""
    rows = await told(noon_connection, "timeline", step="30 seconds", venue="binance")
    assert [row["at"] for row in rows] == [when(each) for each in range(0, 600, 30)]
    moved = [row["moved_bps"] for row in rows]
    assert moved[:4] + moved[10:] == [0] * 14
    assert moved[5:10] == [Decimal("-16.39")] * 5
    assert rows[5]["depth_bid"] == story.DEPTH["binance"] // story.THINNED
    assert rows[5]["sell_bps_max"] == Decimal("10.000")


async def test_alerts_are_told_word_for_word(noon_connection: Any) -> None:
    """A sentence is what it was, however it looks."""
    rows = await told(noon_connection, "alert-log")
    ours = [row for row in rows if row["alert"] == "crunch-bybit"]
    assert [row["state"] for row in ours] == ["pending", "firing", "resolved"]
    assert {row["sentence"] for row in rows} == {story.HOSTILE}


async def test_what_takers_did_is_summed_by_the_step(noon_connection: Any) -> None:
    """Twenty-nine spans of three trades end in the first half of the minute after the break."""
    rows = await told(noon_connection, "who-traded", step="30 seconds")
    assert [(row["at"], row["trades"]) for row in rows] == [(when(120), 90), (when(150), 90)]
    assert rows[0]["net"] == round(30 * (Decimal("45750.075") - Decimal("20333.25")))
    assert rows[0]["long_liquidated"] == 183_003
