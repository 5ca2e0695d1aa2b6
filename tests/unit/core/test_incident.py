"""An incident is named by its opening, and every signal belongs to a family."""

from hypothesis import given
from hypothesis import strategies as st

from tidegauge.core.alert import Signal
from tidegauge.core.incident import FAMILY_OF, Family, incident_id

OPENING = st.tuples(
    st.text(max_size=8), st.sampled_from(Family), st.integers(0, 2**62), st.text(max_size=8)
)


def test_every_signal_belongs_to_a_family() -> None:
    """Else its alerts would open nothing."""
    assert set(FAMILY_OF) == set(Signal)
    assert set(FAMILY_OF.values()) == set(Family)


def test_an_incident_is_named_by_its_time_and_the_frame_behind_it() -> None:
    """Never random: a replay gives the same name."""
    name = incident_id("BTCUSDT", Family.LIQUIDITY, 1_764_000_000_123_456_789, "binance/1/5")
    assert name == incident_id(
        "BTCUSDT", Family.LIQUIDITY, 1_764_000_000_123_456_789, "binance/1/5"
    )
    assert name.startswith(f"INC-{1_764_000_000_123:x}-")
    assert name.replace("-", "").isalnum()


@given(OPENING, OPENING)
def test_no_two_openings_have_one_name(
    one: tuple[str, Family, int, str], other: tuple[str, Family, int, str]
) -> None:
    """Another symbol, family, instant or frame is another incident."""
    assert (incident_id(*one) == incident_id(*other)) == (one == other)
