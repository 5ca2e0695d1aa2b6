"""Rules that contradict each other: inhibitions in a circle, maintenance twice, routes never reached."""

from collections.abc import Iterator, Mapping
from itertools import combinations

from tidegauge.core.alert import ALL, Severity
from tidegauge.core.instrument import Nanos

from .build import of_family
from .checks import SIGNALS, Flaw, Watched, fits
from .desk import MaintenanceRules, MatchRules
from .kinds import DAY, DAYS, day_hours, instant
from .tree import RuleTree

WEEK = 7 * DAY
THURSDAY = 3
"""The first day of 1970."""


def flaws_of_the_whole(
    tree: RuleTree, watched: Watched, lines: Mapping[str, int]
) -> Iterator[Flaw]:
    """Find the rules that contradict each other."""
    yield from _sizes(tree, watched, lines)
    yield from _circles(tree, watched)
    yield from _overlaps(tree)
    yield from _unreached(tree)


def _sizes(tree: RuleTree, watched: Watched, lines: Mapping[str, int]) -> Iterator[Flaw]:
    """One size to execute, said in two places, would be a guess."""
    for symbol in tree.symbols:
        key = f"symbols.{symbol}.stress.execution_size_quote"
        if key in lines and symbol in watched.sized:
            said = f"symbols.{symbol}.execution_size"
            yield Flaw(key, f"{key} is said by the settings, as {said}", "Remove one of them")


def _circles(tree: RuleTree, watched: Watched) -> Iterator[Flaw]:
    """An inhibition leads to another if what it stops might be the source of that one."""
    rules = tree.inhibitions
    for name, each in rules.items():
        if _overlap(each.source, each.target, watched):
            yield Flaw(
                f"inhibitions.{name}",
                f"inhibitions.{name} may inhibit itself: an alert can match both source and target",
                "Leave out of target what source names",
                (f"inhibitions.{name}.source", f"inhibitions.{name}.target"),
            )
    sound = {
        name: each
        for name, each in rules.items()
        if not _overlap(each.source, each.target, watched)
    }
    leads = {
        name: [
            other for other, there in sound.items() if _overlap(each.target, there.source, watched)
        ]
        for name, each in sound.items()
    }
    told: list[set[str]] = []
    for circle in sorted((_circle(name, leads) for name in leads), key=len):
        if circle and not any(each <= set(circle) for each in told):
            told.append(set(circle))
            yield Flaw(
                f"inhibitions.{circle[0]}",
                f"inhibitions go in a circle: {', then '.join((*circle, circle[0]))}",
                "Remove one of them",
                tuple(f"inhibitions.{each}" for each in circle),
            )


def _circle(start: str, leads: Mapping[str, list[str]]) -> list[str]:
    """Return the shortest way from `start` back to it; empty where there is none."""
    ways = [[start]]
    seen: set[str] = set()
    for way in ways:
        for after in leads[way[-1]]:
            if after == start:
                return way
            if after not in seen:
                seen.add(after)
                ways.append([*way, after])
    return []


def _overlap(one: MatchRules, other: MatchRules, watched: Watched) -> bool:
    """Whether an alert may match both."""
    known = {
        "signals": SIGNALS,
        "symbols": (ALL, *watched.symbols),
        "venues": (ALL, *watched.venues),
        "severities": tuple(str(severity) for severity in Severity),
    }
    return all(
        any(_meant(one, kind, name) and _meant(other, kind, name) for name in names)
        for kind, names in known.items()
    )


def _meant(match: MatchRules, kind: str, name: str) -> bool:
    given: tuple[str, ...] = getattr(match, kind)
    if kind == "venues":
        given = tuple(venue for each in given for venue in of_family(each))
    return not given or any(fits(each, name) for each in given)


def _overlaps(tree: RuleTree) -> Iterator[Flaw]:
    """Two windows of one matcher at one time are one window, or a mistake."""
    for (name, one), (other, two) in combinations(tree.maintenance.items(), 2):
        if _same(one.match, two.match) and _at_one_time(one, two):
            yield Flaw(
                f"maintenance.{other}",
                f"maintenance.{other} overlaps maintenance.{name}, of the same alerts",
                "Make one window of them",
            )


def _same(one: MatchRules, two: MatchRules) -> bool:
    kinds = type(one).model_fields
    return all(set(getattr(one, kind)) == set(getattr(two, kind)) for kind in kinds)


def _at_one_time(one: MaintenanceRules, two: MaintenanceRules) -> bool:
    if one.hours_utc is not None and two.hours_utc is not None:
        # Each week is the next one's like; a window that passes its end is also in the next.
        return any(
            begin < other_end + shift and other_begin + shift < end
            for begin, end in _in_a_week(one)
            for other_begin, other_end in _in_a_week(two)
            for shift in (-WEEK, 0, WEEK)
        )
    if one.hours_utc is not None:
        one, two = two, one
    assert one.from_utc is not None
    assert one.until_utc is not None
    begin, end = instant(one.from_utc), instant(one.until_utc)
    if two.from_utc is not None and two.until_utc is not None:
        return begin < instant(two.until_utc) and instant(two.from_utc) < end
    week = (begin // DAY + THURSDAY) // 7 * WEEK - THURSDAY * DAY
    return any(
        begin < until + week + shift and since + week + shift < end
        for since, until in _in_a_week(two)
        for shift in (-WEEK, 0, WEEK)
    )


def _in_a_week(window: MaintenanceRules) -> list[tuple[Nanos, Nanos]]:
    """Return when a window begins and ends, from Monday 00:00 on."""
    assert window.hours_utc is not None
    begins, lasts = day_hours(window.hours_utc)
    days = [DAYS.index(day) for day in window.days or DAYS]
    return [(day * DAY + begins, day * DAY + begins + lasts) for day in days]


def _unreached(tree: RuleTree) -> Iterator[Flaw]:
    """A route behind one that takes all of its alerts is never looked at."""
    for (name, one), (other, two) in combinations(tree.routes.items(), 2):
        every = not any(one.match.model_dump().values())
        if not one.goes_on and (every or _same(one.match, two.match)):
            yield Flaw(
                f"routes.{other}",
                f"routes.{other} is never reached: routes.{name} takes all of its alerts",
                f"Put it first, or set goes_on of {name}",
            )
