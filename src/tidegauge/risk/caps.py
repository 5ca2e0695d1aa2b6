"""How much of an asset is held against how much may be, the less the worse the weather
(docs/signals.md §10).

An exposure comes from the settings, or from a person; what a person said counts for a while, and
then the settings' word holds again, or nothing is known. Amounts are exact. No clock is read.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

from msgspec import Struct

from ..core.alert import ALL, Action, Alert, AlertKey, Severity, Signal
from ..core.exact import EXACT, is_amount
from ..core.instrument import Nanos, Symbol, base_and_quote
from .composite import Weather, worst
from .judged import Finding, JudgedAlert, JudgedSettings, JudgedState
from .sentence import span_of
from .signal_settings import CapSettings


class Said(Struct, frozen=True, kw_only=True):
    """What a person said of an exposure (quote; short is negative), and how long it counts."""

    amount: Decimal
    actor: str
    at: Nanos
    until: Nanos


class CapsState(Struct, frozen=True, kw_only=True, tag="caps-1"):
    """What must outlive a restart: what people said, and the alerts, by asset. The tag is the
    version: another one is refused when decoded."""

    said: dict[str, Said]
    alerts: dict[str, JudgedState]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """One asset. `amount` None: nobody said how much is held, or no longer. `actor`, `at` and `until`
    are of what a person said, None where it is the settings' word. `cap` is `limit` times the share
    of the weather, None without a limit, or while the weather is not known. `to_cut`: 0 where it is
    within the cap, None where that is not known."""

    asset: str
    amount: Decimal | None
    actor: str | None
    at: Nanos | None
    until: Nanos | None
    limit: Decimal | None
    weather: Weather | None
    cap: Decimal | None
    to_cut: Decimal | None
    alert: Alert | None


class Caps:
    """Judges every asset that has a limit. `exposures` are those of the settings, by asset."""

    def __init__(
        self, settings: CapSettings, exposures: Mapping[str, Decimal] | None = None
    ) -> None:
        self._settings = settings
        self._settled = dict(exposures or {})
        self._said: dict[str, Said] = {}
        self._weather: Mapping[str, Weather | None] = {}
        self._alerts: dict[str, JudgedAlert] = {}

    def expose(
        self, asset: str, amount: Decimal, at: Nanos, actor: str, until: Nanos | None = None
    ) -> Said:
        """Take a person's word for how much of an asset is held; it counts until `until`, or for
        `expires_after`. Raises `ValueError` for what is no amount, or counts for no time."""
        said = Said(
            amount=amount,
            actor=actor,
            at=at,
            until=at + self._settings.expires_after if until is None else until,
        )
        if not is_amount(amount):
            raise ValueError(f"not an amount of quote: {amount}")
        if said.until <= at:
            raise ValueError("an exposure must count for some time")
        self._said[asset] = said
        return said

    def observe(self, weather: Mapping[str, Weather | None], at: Nanos, trace: str) -> list[Alert]:
        """Judge every asset by its weather now (`weather_of`); return the alerts as they changed."""
        self._weather = dict(weather)
        self._said = {asset: said for asset, said in self._said.items() if at < said.until}
        changes = [self._unwatched(asset, at, trace) for asset in [*self._alerts]]
        for asset in self._settings.limits:
            alert = self._alerts.get(asset) or self._watch(asset)
            changes.append(self._judge(alert, self._exposure(asset, at), at, trace))
        return [change for change in changes if change is not None]

    def _watch(self, asset: str) -> JudgedAlert:
        key = AlertKey(signal=Signal.OVER_CAP, symbol=asset, venue=ALL)
        self._alerts[asset] = JudgedAlert(key, self._holds())
        return self._alerts[asset]

    def _unwatched(self, asset: str, at: Nanos, trace: str) -> Alert | None:
        """End the alert of an asset whose limit was taken out of the settings."""
        if asset in self._settings.limits:
            return None
        said = f"There is no limit for {asset} any more; nothing says that less of it is held."
        return self._alerts.pop(asset).leave(at, trace, said)

    def _judge(self, alert: JudgedAlert, exposure: Exposure, at: Nanos, trace: str) -> Alert | None:
        to_cut, amount = exposure.to_cut, exposure.amount
        if to_cut is None or amount is None:
            return alert.unseen(at, trace)
        cap = self._cap(exposure)
        finding = Finding(
            severity=Severity.HIGH if to_cut else None,
            clear=not to_cut,
            cause="exposure",
            value=float(abs(amount)),
            threshold=float(cap),
            baseline=None,
            action=Action.REDUCE,
            said=partial(what_is_over, exposure, cap),
        )
        return alert.observe(
            finding, at, trace, cleared=partial(what_is_within, exposure.asset, amount, cap)
        )

    def _cap(self, exposure: Exposure) -> Decimal:
        """Return the cap, or in unknown weather the highest there is."""
        if exposure.cap is not None:
            return exposure.cap
        assert exposure.limit is not None, "only what has a limit is judged"
        return _share(exposure.limit, max(self._settings.shares))

    def _exposure(self, asset: str, at: Nanos) -> Exposure:
        said = self._said.get(asset)
        if said is not None and at >= said.until:
            said = None
        amount = self._settled.get(asset) if said is None else said.amount
        limit, weather = self._settings.limits.get(asset), self._weather.get(asset)
        cap = to_cut = None
        if limit is not None and weather is not None:
            cap = _share(limit, self._settings.shares[weather])
        if limit is not None and amount is not None:
            highest = _share(limit, max(self._settings.shares)) if cap is None else cap
            over = EXACT.subtract(EXACT.abs(amount), highest)
            # In unknown weather only what is too much in any weather is known to be.
            to_cut = over if over > 0 else None if cap is None else Decimal(0)
        alert = self._alerts.get(asset)
        return Exposure(
            asset=asset,
            amount=amount,
            actor=None if said is None else said.actor,
            at=None if said is None else said.at,
            until=None if said is None else said.until,
            limit=limit,
            weather=weather,
            cap=cap,
            to_cut=to_cut,
            alert=None if alert is None else alert.alert,
        )

    def adopt(self, settings: CapSettings, exposures: Mapping[str, Decimal] | None = None) -> None:
        """Judge by other settings from the next observation on; alerts that fire go on, and what
        people said counts as long as they were told it would."""
        self._settings = settings
        if exposures is not None:
            self._settled = dict(exposures)
        for alert in self._alerts.values():
            alert.adopt(self._holds())

    def _holds(self) -> JudgedSettings:
        return JudgedSettings(hold=self._settings.hold, clear_for=self._settings.clear_for)

    def snapshot(self) -> CapsState:
        kept = {asset: alert.snapshot() for asset, alert in self._alerts.items() if not alert.idle}
        return CapsState(said=dict(self._said), alerts=kept)

    def restore(self, state: CapsState, at: Nanos) -> None:
        """Go on with what was said, what fired, and what was on its way, before a restart."""
        self._said = dict(state.said)
        for asset, known in state.alerts.items():
            self._watch(asset).resume(known, at)

    def status(self, now: Nanos) -> tuple[Exposure, ...]:
        """Return every asset that has a limit or an exposure, by name."""
        assets = {*self._settings.limits, *self._settled, *self._said}
        return tuple(self._exposure(asset, now) for asset in sorted(assets))


def weather_of(symbols: Mapping[Symbol, Weather | None]) -> dict[str, Weather | None]:
    """Return the weather of each asset: the worst that is known of the symbols whose base it is."""
    bases: dict[str, dict[Symbol, Weather | None]] = {}
    for symbol, weather in symbols.items():
        bases.setdefault(base_and_quote(symbol)[0], {})[symbol] = weather
    return {asset: worst(of_asset) for asset, of_asset in bases.items()}


def what_is_over(exposure: Exposure, cap: Decimal) -> str:
    """Return the sentence of an alert that fires."""
    assert exposure.amount is not None, "what is over is known"
    assert exposure.to_cut is not None, "what is over is known"
    assert exposure.limit is not None, "what is over has a limit"
    weather = "in any weather" if exposure.weather is None else f"in {exposure.weather} weather"
    held = "is held" if exposure.amount >= 0 else "is short"
    said = "" if exposure.actor is None else f", as {exposure.actor} said"
    return (
        f"{_money(abs(exposure.amount))} of {exposure.asset} {held}{said}; {weather} no more than "
        f"{_money(cap)} may be, of a limit of {_money(exposure.limit)}. "
        f"Reduce by {_money(exposure.to_cut)}."
    )


def what_is_within(asset: str, amount: Decimal, cap: Decimal, alert: Alert, lasted: Nanos) -> str:
    """Return the sentence of an alert that resolved."""
    return (
        f"{asset} is within its cap again after {span_of(lasted)}: {_money(abs(amount))} of "
        f"{_money(cap)}. It was {alert.worst_severity} at its worst."
    )


def _share(limit: Decimal, share: float) -> Decimal:
    return EXACT.multiply(limit, Decimal(str(share)))


def _money(amount: Decimal) -> str:
    """Write an amount with every digit that counts: it is what is to be traded."""
    text = f"{amount:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
