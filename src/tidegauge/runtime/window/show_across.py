"""Shows symbols, venues and storage: from the monitor's views to the records of `across`."""

from collections.abc import Mapping

from tidegauge.core.exact import plain
from tidegauge.core.instrument import VenueName
from tidegauge.core.reading import Taker
from tidegauge.core.trust import Trust
from tidegauge.risk.composite import PartScore, Score
from tidegauge.risk.divergence_status import DivergenceStatus, PairStatus
from tidegauge.risk.health import HealthStatus
from tidegauge.risk.stress_report import StressReport, TakerStress
from tidegauge.risk.stress_split import Portion
from tidegauge.runtime.view import StorageView, VenueView
from tidegauge.runtime.watched_symbol import WatchedSymbol

from .across import (
    ShownDivergence,
    ShownPair,
    ShownPart,
    ShownPortion,
    ShownScore,
    ShownStorage,
    ShownStress,
    ShownSymbol,
    ShownVenue,
)
from .instants import instant, seconds

STARTING = "starting"


def show_symbol(watched: WatchedSymbol, daemon: str) -> ShownSymbol:
    """Return one symbol over all of its venues."""
    view = watched.view()
    report = view.stress.report
    return ShownSymbol(
        symbol=view.symbol,
        daemon=daemon,
        score=_score(view.score),
        divergence=_divergence(view.divergence),
        size=None if report is None else report.size,
        stress=() if report is None else _stress(report),
        live=sum(book.keeper.trust is Trust.LIVE for book in watched.books.values()),
        books=len(watched.books),
    )


def show_venue(
    view: VenueView, health: Mapping[VenueName, HealthStatus], daemon: str
) -> ShownVenue:
    """Return one venue's feed, and how its books fare."""
    known = health.get(view.name)
    return ShownVenue(
        venue=view.name,
        daemon=daemon,
        health=STARTING if known is None else str(known.health),
        since=None if known is None else instant(known.since),
        live=0 if known is None else known.live,
        books=0 if known is None else known.total,
        reasons={} if known is None else {str(why): n for why, n in known.reasons.items()},
        links=len(view.links),
        links_open=sum(is_open for _, is_open in view.links),
        frames=view.frames,
        updates=view.updates,
        connects=view.connects,
        gaps=view.gaps,
        resyncs=view.resyncs,
        malformed=view.malformed,
        audits=view.audits,
        audit_differences=view.audit_differences,
        clock_offset_s=seconds(view.clock_offset),
        clock_faults=view.clock_faults,
        quarantined=view.quarantined,
        last_disconnect=view.last_disconnect,
        retry_at=instant(view.retry_at),
        put_off_until=None if view.budget is None else instant(view.budget.banned_until),
    )


def show_storage(view: StorageView, batches: int) -> ShownStorage:
    """Return where rows go."""
    return ShownStorage(
        database=view.database,
        rows=view.rows,
        waiting=view.waiting,
        dropped=view.dropped,
        refused=view.refused,
        on_disk=view.on_disk,
        spool_bytes=view.spool_bytes,
        waited_s=seconds(view.waited),
        drain_rate=view.drain_rate,
        away=view.away,
        thinned=view.thinned,
        spool_broken=view.spool_broken,
        batches=batches,
    )


def show_portion(portion: Portion) -> ShownPortion:
    """Return what one venue takes of a size."""
    return ShownPortion(
        venue=portion.venue,
        quote=plain(portion.quote),
        share=portion.share,
        average=portion.average,
    )


def _score(score: Score) -> ShownScore:
    return ShownScore(
        value=score.value,
        weather=None if score.weather is None else str(score.weather),
        incomplete=score.incomplete,
        parts=tuple(_part(each) for each in score.parts),
    )


def _part(part: PartScore) -> ShownPart:
    return ShownPart(
        name=part.name,
        value=part.value,
        points=part.points,
        weight=part.weight,
        share=part.share,
        missing_since=instant(part.missing_since),
    )


def _divergence(status: DivergenceStatus) -> ShownDivergence:
    return ShownDivergence(
        phase=str(status.phase),
        venues=status.venues,
        fresh=status.fresh,
        judged_bps=status.judged_bps,
        left=status.left,
        pairs=tuple(_pair(each) for each in status.pairs),
    )


def _pair(pair: PairStatus) -> ShownPair:
    return ShownPair(
        one=pair.one,
        other=pair.other,
        phase=str(pair.phase),
        raw_bps=pair.raw_bps,
        deviation_bps=pair.deviation_bps,
        premium_bps=pair.premium_bps,
        executable_bps=None if pair.executable is None else pair.executable.bps,
    )


def _stress(report: StressReport) -> tuple[ShownStress, ...]:
    sides = (_side(taker, report.of(taker)) for taker in (Taker.SELL, Taker.BUY))
    return tuple(side for side in sides if side is not None)


def _side(taker: Taker, stress: TakerStress) -> ShownStress | None:
    together = stress.together
    if together is None:
        return None
    judged = together.judged
    return ShownStress(
        side=str(taker),
        safety=str(judged.safety),
        haircut=judged.haircut,
        slippage=judged.slippage,
        filled=judged.filled,
        largest_safe=None if together.largest_safe is None else plain(together.largest_safe),
        largest_at_least=together.largest_at_least,
        best=stress.best,
        split=()
        if stress.split is None
        else tuple(show_portion(each) for each in stress.split.portions),
    )
