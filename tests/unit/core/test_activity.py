"""What is told beside a book, against an exact recomputation."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegauge.core.activity import IDS_KEPT, LONGEST_ID, Activity, Flow, quotient
from tidegauge.core.events import Liquidation, MarketEvent, Marks, Position, Trade
from tidegauge.core.instrument import HOUR, MINUTE, SECOND, Instrument, InstrumentKind, Nanos
from tidegauge.core.reading import Taker

NOW: Nanos = 1_760_000_000 * SECOND
TRACE = "plain/1/1"

AMOUNTS = st.decimals(
    min_value=Decimal("0.00000001"), max_value=Decimal(10**9), places=8, allow_nan=False
)
CONTRACT_VALUES = st.sampled_from([Decimal(1), Decimal("0.01"), Decimal(100)])


def contract(*, value: Decimal = Decimal(1), inverse: bool = False) -> Instrument:
    return Instrument(
        venue="plain",
        name="AAA-PERP",
        kind=InstrumentKind.PERP,
        base="AAA",
        quote="USD",
        tick=Decimal("0.1"),
        step=Decimal(1),
        contract_value=value,
        inverse=inverse,
    )


def trade(number: int, price: str = "100", size: str = "2", **more: object) -> Trade:
    said = {"taker": Taker.BUY, "id": str(number), **more}
    return Trade(instrument="AAA-PERP", price=price, size=size, **said)  # type: ignore[arg-type]


def told(*events: MarketEvent, instrument: Instrument | None = None) -> Activity:
    activity = Activity(instrument or contract())
    for event in events:
        activity.take(event, NOW, TRACE)
    return activity


@given(
    st.lists(st.tuples(st.sampled_from(Taker), AMOUNTS, AMOUNTS, st.booleans()), max_size=60),
    CONTRACT_VALUES,
    st.booleans(),
    st.sets(st.integers(min_value=0, max_value=59)),
)
def test_sums_are_those_of_an_exact_recomputation(
    trades: list[tuple[Taker, Decimal, Decimal, bool]],
    value: Decimal,
    inverse: bool,
    summaries: set[int],
) -> None:
    """However the summaries cut the day, in every unit, their sum and the total are the same."""
    activity = Activity(contract(value=value, inverse=inverse))
    base = dict.fromkeys(Taker, Fraction(0))
    quote = dict.fromkeys(Taker, Fraction(0))
    parts = Flow()
    for number, (taker, price, size, again) in enumerate(trades):
        event = trade(number, f"{price:f}", f"{size:f}", taker=taker)
        for _ in range(2 if again else 1):
            activity.take(event, NOW + number, TRACE)
        units = Fraction(size) * Fraction(value)
        if inverse:
            quote[taker] += units
            base[taker] += Fraction(round(units / Fraction(price) * 10**18), 10**18)
        else:
            base[taker] += units
            quote[taker] += units * Fraction(price)
        if number in summaries:
            parts = parts.plus(activity.summary("AAAUSD", NOW + number).flow)
    total = activity.total
    assert total == parts.plus(activity.summary("AAAUSD", NOW + 60).flow)
    assert total.trades == len(trades)
    assert (Fraction(total.buy_base), Fraction(total.sell_base)) == tuple(base.values())
    assert (Fraction(total.buy_quote), Fraction(total.sell_quote)) == tuple(quote.values())
    assert activity.repeated == sum(again for *_, again in trades)


@given(st.lists(st.tuples(st.sampled_from(Position), AMOUNTS, AMOUNTS), max_size=40))
def test_liquidations_are_summed_by_the_side_that_was_closed(
    closed: list[tuple[Position, Decimal, Decimal]],
) -> None:
    """Notional, exactly; they are no trades."""
    activity = told(
        *(
            Liquidation(
                instrument="AAA-PERP", position=position, price=f"{price:f}", size=f"{size:f}"
            )
            for position, price, size in closed
        )
    )
    sums = dict.fromkeys(Position, Fraction(0))
    for position, price, size in closed:
        sums[position] += Fraction(price) * Fraction(size)
    total = activity.total
    assert (total.liquidations, total.trades) == (len(closed), 0)
    assert Fraction(total.liquidated_long_quote) == sums[Position.LONG]
    assert Fraction(total.liquidated_short_quote) == sums[Position.SHORT]


def test_a_trade_that_closes_a_position_by_force_is_both() -> None:
    """Where a venue marks the trade itself: a forced sell closed a long."""
    total = told(trade(1, taker=Taker.SELL, liquidation=True)).total
    assert (total.trades, total.sell_quote) == (1, Decimal(200))
    assert (total.liquidations, total.liquidated_long_quote) == (1, Decimal(200))


def test_a_trade_is_known_again_among_the_last_thousands_and_memory_is_bounded() -> None:
    """The oldest id is forgotten first."""
    activity = told(*(trade(number) for number in range(IDS_KEPT)))
    activity.take(trade(0), NOW, TRACE)
    assert (activity.total.trades, activity.repeated) == (IDS_KEPT, 1)
    activity.take(trade(IDS_KEPT), NOW, TRACE)
    activity.take(trade(0), NOW, TRACE)
    assert activity.total.trades == IDS_KEPT + 2
    assert len(activity._known) == len(activity._ids) == IDS_KEPT


def test_what_a_venue_replays_at_subscription_is_no_volume() -> None:
    """It tells the last price, until a newer trade does; one just before the opening counts."""
    activity = Activity(contract())
    activity.take(trade(1, "90", venue_time=NOW - MINUTE), NOW, TRACE, NOW)
    activity.take(trade(2, "80", venue_time=NOW - 2 * MINUTE), NOW, TRACE, NOW)
    assert (activity.standing.last_price, activity.total.trades) == (Decimal(90), 0)
    activity.take(trade(3, "91", venue_time=NOW - SECOND), NOW, TRACE, NOW)
    assert (activity.standing.last_price, activity.total.trades) == (Decimal(91), 1)


@pytest.mark.parametrize(
    "event",
    [
        trade(1, "nonsense"),
        trade(1, size="NaN"),
        trade(1, "0"),
        trade(1, size="0"),
        trade(1, "-5"),
        trade(1, id=""),
        trade(1, id="x" * (LONGEST_ID + 1)),
        Marks(instrument="AAA-PERP", mark="5", index="0"),
        Marks(instrument="AAA-PERP", mark="5", funding_rate="--1"),
        Marks(instrument="AAA-PERP", mark="5", funding_rate="0.1", funding_interval=0),
        Marks(instrument="AAA-PERP", mark="5", next_funding_at=2**63),
        Marks(instrument="AAA-PERP", mark="5", open_interest="1e99"),
        Liquidation(instrument="AAA-PERP", position=Position.LONG, price="", size="1"),
    ],
)
def test_a_malformed_number_costs_only_its_event(event: MarketEvent) -> None:
    """It is counted; nothing of it is kept, and what follows is."""
    activity = told(event)
    assert activity.malformed == 1
    assert (activity.total, activity.standing.mark) == (Flow(), None)
    assert not activity.changed
    activity.take(trade(1), NOW, TRACE)
    assert activity.total.trades == 1


def test_marks_are_kept_until_they_are_told_anew() -> None:
    """A frame speaks of what changed; None is no news."""
    activity = told(
        Marks(
            instrument="AAA-PERP",
            mark="100.10",
            index="100",
            funding_rate="-0.0001",
            funding_interval=HOUR,
            next_funding_at=NOW + HOUR,
            open_interest="12",
        ),
        Marks(instrument="AAA-PERP", mark="100.20"),
    )
    standing = activity.standing
    assert (standing.mark, standing.index) == (Decimal("100.20"), Decimal(100))
    assert standing.funding_rate == Decimal("-0.0001")
    assert standing.funding_8h == -0.0008
    assert standing.premium_bps == 20.0
    assert (standing.next_funding_at, standing.open_interest) == (NOW + HOUR, Decimal(12))


def test_without_an_index_or_an_interval_there_is_neither_premium_nor_eight_hour_rate() -> None:
    """Unknown is None."""
    standing = told(Marks(instrument="AAA-PERP", mark="5", funding_rate="0.0001")).standing
    assert (standing.premium_bps, standing.funding_8h) == (None, None)


def test_open_interest_is_in_base() -> None:
    """Contracts are converted; those of an inverse contract at the mark, unknown without one."""
    linear = contract(value=Decimal("0.01"))
    oi = Marks(instrument="AAA-PERP", open_interest="1500")
    assert told(oi, instrument=linear).standing.open_interest == Decimal(15)
    inverse = contract(value=Decimal(100), inverse=True)
    assert told(oi, instrument=inverse).standing.open_interest is None
    marked = told(oi, Marks(instrument="AAA-PERP", mark="50000"), instrument=inverse)
    assert marked.standing.open_interest == Decimal(3)


def test_only_what_changed_is_worth_a_summary() -> None:
    """The same marks again are no news; a summary begins the next span."""
    marks = Marks(instrument="AAA-PERP", mark="5")
    activity = told(marks)
    assert activity.changed
    first = activity.summary("AAAUSD", NOW + SECOND)
    assert (first.number, first.since, first.at) == (1, NOW, NOW + SECOND)
    activity.take(marks, NOW + SECOND, TRACE)
    assert not activity.changed
    activity.take(trade(1), NOW + 2 * SECOND, "plain/1/2")
    second = activity.summary("AAAUSD", NOW + 3 * SECOND)
    assert (second.number, second.since, second.trace) == (2, NOW + SECOND, "plain/1/2")
    assert (second.flow.trades, second.standing.mark) == (1, Decimal(5))


def test_the_last_minute_forgets() -> None:
    """By the second of arrival; a clock that is set back shows nothing of the future."""
    activity = Activity(contract())
    activity.take(trade(1), NOW, TRACE)
    activity.take(trade(2, taker=Taker.SELL, size="1"), NOW + 30 * SECOND, TRACE)
    assert activity.last_minute(NOW + 59 * SECOND) == (Decimal(200), Decimal(100))
    assert activity.last_minute(NOW + 60 * SECOND) == (Decimal(0), Decimal(100))
    assert activity.last_minute(NOW + 90 * SECOND) == (Decimal(0), Decimal(0))
    assert activity.last_minute(NOW - SECOND) == (Decimal(0), Decimal(0))


def test_a_quotient_is_rounded_once() -> None:
    """To 18 decimals, half to even."""
    assert quotient(Decimal(1), Decimal(3)) == Decimal("0.333333333333333333")
    assert quotient(Decimal("5e-19"), Decimal(1)) == 0
    assert quotient(Decimal("15e-19"), Decimal(1)) == Decimal("2e-18")
