"""Exposure against its cap: exact, by the weather, and unknown where nobody said."""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.markets import START

from tidegauge.core.alert import ALL, Action, Alert, AlertKey, AlertState, Severity, Signal
from tidegauge.core.instrument import HOUR, SECOND
from tidegauge.risk.caps import Caps, CapsState, Exposure, weather_of
from tidegauge.risk.composite import Weather
from tidegauge.risk.signal_settings import CapSettings

SETTINGS = CapSettings(limits={"BTC": Decimal(1_000_000)})
HELD = {"BTC": Decimal(600_000)}


class Watch:
    """Caps that are judged each second."""

    def __init__(
        self, settings: CapSettings = SETTINGS, exposures: dict[str, Decimal] | None = None
    ) -> None:
        self.caps = Caps(settings, exposures)
        self.now = START

    def see(self, weather: Weather | None, seconds: int = 1) -> list[Alert]:
        """See BTC in this weather for so long; return what changed."""
        changes: list[Alert] = []
        for _ in range(seconds):
            self.now += SECOND
            changes += self.caps.observe({"BTC": weather}, self.now, f"caps/1/{self.now}")
        return changes

    @property
    def btc(self) -> Exposure:
        (found,) = [each for each in self.caps.status(self.now) if each.asset == "BTC"]
        return found


@pytest.mark.parametrize(
    ("weather", "cap", "to_cut"),
    [
        (Weather.CALM, "1000000", "0"),
        (Weather.WATCH, "750000", "0"),
        (Weather.STRESSED, "500000", "100000"),
        (Weather.CRITICAL, "250000", "350000"),
    ],
)
def test_the_cap_is_the_limit_times_the_share_of_the_weather(
    weather: Weather, cap: str, to_cut: str
) -> None:
    """Held 600,000 of a limit of a million."""
    watch = Watch(exposures=HELD)
    alerts = watch.see(weather, seconds=60)
    assert (watch.btc.cap, watch.btc.to_cut) == (Decimal(cap), Decimal(to_cut))
    assert len(alerts) == (to_cut != "0")


def test_over_the_cap_is_told_with_the_amount_to_cut() -> None:
    """High, since only then somebody is told."""
    watch = Watch(exposures=HELD)
    assert not watch.see(Weather.CRITICAL, seconds=5)
    (alert,) = watch.see(Weather.CRITICAL)
    assert alert.key == AlertKey(signal=Signal.OVER_CAP, symbol="BTC", venue=ALL)
    assert (alert.severity, alert.action) == (Severity.HIGH, Action.REDUCE)
    assert (alert.value, alert.threshold) == (600_000, 250_000)
    assert alert.sentence == (
        "600,000 of BTC is held; in critical weather no more than 250,000 may be, "
        "of a limit of 1,000,000. Reduce by 350,000."
    )
    assert watch.btc.alert == alert


amounts = st.decimals("-1e12", "1e12", places=8, allow_nan=False)
shares = st.floats(0, 1).map(lambda share: round(share, 4))


@given(amounts, st.decimals("0", "1e12", places=8), st.lists(shares, min_size=4, max_size=4))
def test_what_is_to_be_cut_is_exact_and_leaves_the_cap(
    amount: Decimal, limit: Decimal, drawn: list[float]
) -> None:
    """To the last digit, whatever the shares."""
    calm, watch, stressed, critical = sorted(drawn, reverse=True)
    settings = CapSettings(limits={"BTC": limit}, shares=(calm, watch, stressed, critical))
    caps = Caps(settings, {"BTC": amount})
    for weather in Weather:
        caps.observe({"BTC": weather}, START, "caps/1/1")
        (found,) = caps.status(START)
        assert found.cap is not None
        assert found.to_cut is not None
        assert found.to_cut >= 0
        if found.to_cut:
            assert abs(amount) - found.to_cut == found.cap
        else:
            assert abs(amount) <= found.cap


def test_being_short_counts_as_much_as_being_long() -> None:
    """It is to be bought back in the same book."""
    watch = Watch(exposures={"BTC": Decimal("-600000.5")})
    (alert,) = watch.see(Weather.STRESSED, seconds=6)
    assert watch.btc.to_cut == Decimal("100000.5")
    assert alert.sentence.startswith("600,000.5 of BTC is short; in stressed weather")


def test_what_a_person_said_counts_until_it_expires_and_then_the_settings_do() -> None:
    """An hour, unless it was said otherwise."""
    watch = Watch(exposures=HELD)
    said = watch.caps.expose("BTC", Decimal(900_000), watch.now, "kim")
    assert (said.at, said.until) == (START, START + HOUR)
    watch.see(Weather.CALM)
    assert watch.btc.amount == 900_000
    assert (watch.btc.actor, watch.btc.at) == ("kim", START)
    watch.now = START + HOUR - SECOND
    assert watch.btc.amount == 900_000
    watch.see(Weather.CALM)
    assert watch.btc.amount == 600_000
    assert (watch.btc.actor, watch.btc.until) == (None, None)


def test_what_a_person_said_of_what_the_settings_do_not_becomes_unknown() -> None:
    """Not 0: nobody knows what is held."""
    watch = Watch()
    assert watch.btc.amount is None
    watch.caps.expose("BTC", Decimal(2_000_000), watch.now, "kim", watch.now + 60 * SECOND)
    (alert,) = watch.see(Weather.CALM, seconds=59)
    assert "as kim said" in alert.sentence
    (unseen,) = watch.see(Weather.CALM, seconds=600)
    assert (unseen.state, unseen.unobserved_since) == (AlertState.FIRING, START + 60 * SECOND)
    assert (watch.btc.amount, watch.btc.to_cut) == (None, None)
    assert watch.btc.limit == watch.btc.cap == 1_000_000


def test_a_limit_with_an_unknown_exposure_is_shown_and_not_judged() -> None:
    """The cap is known; what it is held against is not."""
    watch = Watch()
    assert not watch.see(Weather.CRITICAL, seconds=60)
    assert (watch.btc.amount, watch.btc.to_cut) == (None, None)
    assert watch.btc.cap == 250_000


def test_an_exposure_without_a_limit_is_shown_and_not_judged() -> None:
    """Nobody said how much is too much."""
    watch = Watch(CapSettings(), HELD)
    assert not watch.see(Weather.CRITICAL, seconds=60)
    assert watch.btc.amount == 600_000
    assert (watch.btc.limit, watch.btc.cap, watch.btc.to_cut) == (None, None, None)


def test_in_unknown_weather_only_what_is_too_much_in_any_is_told() -> None:
    """And what is within is not called so."""
    within = Watch(exposures=HELD)
    assert not within.see(None, seconds=60)
    assert (within.btc.cap, within.btc.to_cut) == (None, None)
    over = Watch(exposures={"BTC": Decimal(1_000_001)})
    (alert,) = over.see(None, seconds=6)
    assert over.btc.to_cut == 1
    assert "in any weather no more than 1,000,000" in alert.sentence


def test_it_clears_when_it_is_within_its_cap_for_long_enough() -> None:
    """A break of the weather starts the time anew."""
    watch = Watch(exposures=HELD)
    watch.see(Weather.CRITICAL, seconds=6)
    watch.see(Weather.CALM, seconds=20)
    assert not watch.see(Weather.CRITICAL, seconds=2)
    assert not watch.see(Weather.CALM, seconds=30)
    (over,) = watch.see(Weather.CALM)
    assert over.state is AlertState.RESOLVED
    assert over.sentence == (
        "BTC is within its cap again after 58 s: 600,000 of 1,000,000. It was high at its worst."
    )


def test_a_person_who_cut_it_clears_it() -> None:
    """By saying what is held now."""
    watch = Watch(exposures=HELD)
    watch.see(Weather.CRITICAL, seconds=6)
    watch.caps.expose("BTC", Decimal(250_000), watch.now, "kim")
    (over,) = watch.see(Weather.CRITICAL, seconds=31)
    assert over.state is AlertState.RESOLVED


def test_a_limit_that_is_taken_away_ends_its_alert_without_calling_it_over() -> None:
    """As much is held as before."""
    watch = Watch(exposures=HELD)
    watch.see(Weather.CRITICAL, seconds=6)
    watch.caps.adopt(CapSettings())
    (ended,) = watch.see(Weather.CRITICAL)
    assert ended.state is AlertState.RESOLVED
    assert ended.sentence == (
        "There is no limit for BTC any more; nothing says that less of it is held."
    )
    assert not watch.see(Weather.CRITICAL, seconds=60)


def test_other_limits_and_exposures_are_judged_by_and_what_was_said_is_kept() -> None:
    """A person's word outlives a reload."""
    watch = Watch(exposures=HELD)
    watch.caps.expose("BTC", Decimal(100), watch.now, "kim")
    watch.caps.adopt(CapSettings(limits={"BTC": Decimal(10)}, hold=SECOND), {"BTC": Decimal(5)})
    (alert,) = watch.see(Weather.CALM, seconds=2)
    assert watch.btc.amount == 100
    assert watch.btc.to_cut == 90
    assert alert.threshold == 10


def test_a_restart_neither_tells_again_nor_forgets_what_was_said() -> None:
    """Neither the alert nor the amount, to the cent."""
    watch = Watch()
    watch.caps.expose("BTC", Decimal("1000000.01"), watch.now, "kim")
    (told,) = watch.see(Weather.CALM, seconds=6)
    kept = msgspec.msgpack.encode(watch.caps.snapshot())
    again = Watch()
    again.now = watch.now + 60 * SECOND
    again.caps.restore(msgspec.msgpack.decode(kept, type=CapsState), again.now)
    (seen,) = again.see(Weather.CALM)
    assert (seen.id, seen.unobserved_since) == (told.id, None)
    assert not again.see(Weather.CALM, seconds=60)
    assert (again.btc.amount, again.btc.to_cut) == (Decimal("1000000.01"), Decimal("0.01"))


def test_a_restart_later_than_it_counts_knows_nothing_of_what_was_said() -> None:
    """The daemon was down while it expired."""
    watch = Watch()
    watch.caps.expose("BTC", Decimal(5), watch.now, "kim")
    again = Watch()
    again.caps.restore(watch.caps.snapshot(), START + 2 * HOUR)
    again.now = START + 2 * HOUR
    assert again.btc.amount is None


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "1e400", "1e-9999"])
def test_what_is_no_amount_is_refused_and_changes_nothing(amount: str) -> None:
    """What was known before still counts."""
    watch = Watch(exposures=HELD)
    with pytest.raises(ValueError, match="not an amount"):
        watch.caps.expose("BTC", Decimal(amount), watch.now, "kim")
    with pytest.raises(ValueError, match="for some time"):
        watch.caps.expose("BTC", Decimal(1), watch.now, "kim", watch.now)
    assert watch.btc.amount == 600_000


def test_an_asset_takes_the_worst_weather_of_the_symbols_it_is_the_base_of() -> None:
    """ETHBTC says nothing of BTC."""
    assert weather_of(
        {
            "BTCUSDT": Weather.CALM,
            "BTCUSD": Weather.STRESSED,
            "ETHBTC": Weather.CRITICAL,
            "SOLUSDT": None,
        }
    ) == {"BTC": Weather.STRESSED, "ETH": Weather.CRITICAL, "SOL": None}
