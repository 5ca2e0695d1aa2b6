"""Writes measured figures into docs/performance.md, between its markers, and the charts beside it.

The prose round the markers is written by hand and left as it is.
"""

from pathlib import Path
from statistics import median
from typing import Any

from .charts import growth_charts
from .inputs import NAMES
from .stages import STAGES
from .targets import reached, told
from .throughput import OURS, TEXTBOOK, USUAL

DOCUMENT = Path(__file__).parents[1] / "docs/performance.md"
END = "<!-- end -->"
CHART = "performance-{}.svg"
Rows = list[list[str]]


def document(report: dict[str, Any], path: Path = DOCUMENT) -> list[str]:
    """Fill the document; return the names of the blocks that were written."""
    text, written = path.read_text(), []
    for name, block in blocks(report).items():
        head, found, rest = text.partition(f"<!-- figures: {name} -->\n")
        if found:
            text = f"{head}{found}{block}\n{END}{rest.partition(END)[2]}"
            written.append(name)
    path.write_text(text)
    if "sizes" in report["parts"].get("growth", {}):
        for name, drawn in growth_charts(report["parts"]["growth"]).items():
            (path.parent / CHART.format(name)).write_text(drawn)
    return written


def blocks(report: dict[str, Any]) -> dict[str, str]:
    """Return the text of every block; a part that did not run says why, or keeps what it had."""
    found = {"machine": _machine(report), "targets": _targets(report["parts"])}
    for name, outcome in report["parts"].items():
        if "missing" in outcome:
            found[name] = f"Not measured: {outcome['missing']}."
        elif name in WRITERS:
            found[name] = WRITERS[name](outcome)
    return found


def table(head: list[str], rows: Rows) -> str:
    """Return a Markdown table; all columns but the first are numbers."""
    lines = [head, ["---", *("--:" for _ in head[1:])], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _machine(report: dict[str, Any]) -> str:
    on = report["machine"]
    build = "with PGO" if on["optimised_build"] else "without PGO"
    versions = ", ".join(f"{name} {told}" for name, told in on["versions"].items() if told)
    extent = "a `--quick` run, to look at, not to quote" if report["quick"] else "a full run"
    return (
        f"{on['processor']}, {on['cores']} cores; {on['system']}; {on['python']} built {build}; "
        f"{versions}. Reading the clock costs {on['timing_overhead_ns']} ns. It was {extent}."
    )


def _targets(parts: dict[str, Any]) -> str:
    rows = [[one.target.says, *told(one)] for one in reached(parts)]
    return table(["figure", "wanted", "measured", "met"], rows)


def _throughput(outcome: dict[str, Any]) -> str:
    rows = [
        [
            f"{name}, {who.replace('_', ' ')}",
            *_figures(found[who]),
            f"**{found['ratio']:.1f}**" if who == OURS else "",
        ]
        for name, found in outcome["inputs"].items()
        for who in (TEXTBOOK, OURS, USUAL)
        if who in found
    ]
    head = ["input", "messages/s", "slowest to fastest pass", "p50 us", "p99", "p99.9", "max"]
    compared = ", ".join(f"{outcome['inputs'][name]['equal']:,}" for name in NAMES)
    return f"{table([*head, 'ratio'], rows)}\n\nMessages compared equal: {compared}."


def _figures(figures: dict[str, Any]) -> list[str]:
    low, high = figures["slowest_and_fastest_pass"]
    latencies = [f"{figures[f'{name}_us']:,.0f}" for name in ("p50", "p99", "p99_9", "max")]
    return [f"{figures['messages_per_s']:,.0f}", f"{low:,.0f} to {high:,.0f}", *latencies]


def _stages(outcome: dict[str, Any]) -> str:
    rows = [
        [
            f"{stage}: {says}",
            *(
                f"{found['us'][stage]:,.1f} ({found['us'][stage] / found['total_us']:.0%})"
                for found in outcome["inputs"].values()
            ),
        ]
        for stage, says in STAGES.items()
    ]
    rows.append(["all", *(f"{found['total_us']:,.1f}" for found in outcome["inputs"].values())])
    return table(["us a message", *outcome["inputs"]], rows)


def _peers(outcome: dict[str, Any]) -> str:
    rows = []
    for name, said in outcome["peers"].items():
        row = [f"{name} {said['version']}" + ("" if said["exact"] else " (floats)")]
        for found in outcome["inputs"].values():
            cost = found["books"][name]
            row += [
                f"{cost[f'{way}_ns']['median']:,.0f} ({cost[f'ratio_{way}']:.2f})"
                for way in ("wire", "writes", "best")
            ]
        rows.append(row)
    head = ["book"]
    for name in outcome["inputs"]:
        head += [f"{name}: wire, read", "wire, unread", "at its best"]
    paths = "\n".join(
        f"- {name}: {said['user']}; at its best: {said['best']}."
        for name, said in outcome["peers"].items()
    )
    missing = "".join(
        f"\n- {name} was not there: {why}." for name, why in outcome["missing_peers"].items()
    )
    return f"{table(head, rows)}\n\n{paths}{missing}"


def _growth(outcome: dict[str, Any]) -> str:
    grown = outcome["grown"]
    rows = [
        [f"{point['levels']:,}", f"{point[OURS]:,.1f}", f"{point[TEXTBOOK]:,.1f}"]
        for point in outcome["sizes"]
    ]
    return (
        f"{table(['levels a side', 'tidegauge us', 'textbook us'], rows)}\n\n"
        f"A book {grown['size']:,.0f} times as large costs {grown['cost']:.2f} times as much; its "
        f"logarithm grows {grown['logarithm']:.2f} times. As a power of the size: "
        f"{outcome['exponent']:.3f}, the textbook's {outcome['textbook_exponent']:.3f}.\n\n"
        + "\n\n".join(f"![{name}]({CHART.format(name)})" for name in ("size", "changes", "books"))
    )


def _writer(outcome: dict[str, Any]) -> str:
    low, high = outcome["loop_us_least_and_most"]
    stall = outcome["stall"]
    return (
        f"{outcome['readings']:,} readings, {outcome['batch']} a batch, {outcome['passes']} passes: "
        f"{outcome['loop_us_a_reading']} us of loop time a reading ({low} to {high}), of which "
        f"submitting it {outcome['submit_us']}; {outcome['readings_per_s']:,} readings/s. While it "
        f"wrote, the longest turn of the loop took {stall['max_ms']} ms."
    )


def _spool(outcome: dict[str, Any]) -> str:
    low, high = outcome["readings_per_s_least_and_most"]
    stall, kept = outcome["stall"], outcome["acknowledged"]
    return (
        f"{outcome['readings']:,} readings, {outcome['passes']} passes: {outcome['readings_per_s']:,} "
        f"readings/s ({low:,} to {high:,}) from submit to the committed row; "
        f"{outcome['readings_per_cpu_s']:,} a second of CPU time of the client "
        f"({outcome['client_us_a_reading']} us a reading, {outcome['loop_us_a_reading']} of them in the "
        f"loop's thread). On the disk after {kept['p50_ms']} ms, p99 {kept['p99_ms']} ms. A turn of the "
        f"loop took p99 {stall['p99_ms']} ms, at most {stall['max_ms']} ms. Onto the disk while the "
        f"database is away: {outcome['onto_disk_per_s']:,} readings/s."
    )


def _desk(outcome: dict[str, Any]) -> str:
    rows = [
        [
            f"{each['open']:,}",
            *(
                f"{each[name]['p50']} / {each[name]['p99']}"
                for name in ("same_us", "changed_us", "join_or_end_us", "open_us")
            ),
            str(each["tick_us"]),
        ]
        for each in outcome["beside"]
    ]
    storm = outcome["storm"]
    pages = ", ".join(f"{count} to {name}" for name, count in storm["pages_a_channel"].items())
    head = ["open incidents", "the same again", "changed", "joins or ends", "opens one", "a tick"]
    return (
        f"{table(head, rows)}\n\n{storm['alerts']:,} incidents in one second took "
        f"{storm['cpu_ms']} ms of CPU; the first page left after {storm['first_page_us']} us; "
        f"pages until all was told: {pages}."
    )


def _sockets(outcome: dict[str, Any]) -> str:
    rows = []
    for name, found in outcome["inputs"].items():
        low, high = found["slowest_and_fastest_round"]
        calm = found["calm"]
        latency, lag = calm["received_to_submitted"], calm["loop_lag"]
        rows.append(
            [
                name,
                f"{found['stored_per_s']:,} ({low:,} to {high:,})",
                f"{found['in_process_per_s']:,}",
                f"{found['ratio_to_in_process']:.2f}",
                f"{found['cpu_us_a_message']:,.0f}",
                f"{calm['messages_per_s']:,}",
                " / ".join(f"{latency[f'{at}_us']:,.0f}" for at in ("p50", "p99", "p99_9", "max")),
                f"{lag['p99_ms']} / {lag['max_ms']}",
            ]
        )
    head = ["input", "stored messages/s", "in process alone", "share", "CPU us a message"]
    calm_head = ["calm messages/s", "received to submitted us, p50 / p99 / p99.9 / max"]
    return table([*head, *calm_head, "loop lag ms, p99 / max"], rows)


def _faces(outcome: dict[str, Any]) -> str:
    rows = []
    for name, phases in outcome["phases"].items():
        p99 = [each["p99_us"] for each in phases]
        others = [sum(each.get("others_cpu", [])) for each in phases]
        rows.append(
            [
                name,
                f"{median(each['p50_us'] for each in phases):,.0f}",
                f"{outcome['p99_us'][name]:,.0f} ({min(p99):,.0f} to {max(p99):,.0f})",
                f"{median(each['p99_9_us'] for each in phases):,.0f}",
                f"{median(each['monitor_cpu'] for each in phases):.0%}",
                f"{median(others):.0%}",
            ]
        )
    head = ["the monitor", "feed to reading us, p50", "p99 (of a round)", "p99.9"]
    ratios = [
        f"{says} {outcome[name][0]:.2f} ({outcome[name][1]:.2f} to {outcome[name][2]:.2f})"
        for says, name in (
            ("looked at / alone", "p99_ratio"),
            ("beside a neighbour / alone", "p99_ratio_beside_a_neighbour"),
            ("looked at / beside a neighbour", "p99_ratio_to_a_neighbour"),
        )
    ]
    seen = [each["onlookers"] for each in outcome["phases"]["looked at"]]
    return (
        f"{table([*head, 'of a core', 'the others, of a core'], rows)}\n\n"
        f"{outcome['frames_per_s']:,} frames a second, {len(seen)} rounds of "
        f"{outcome['seconds_a_phase']:g} s each. p99 over all of them (nine in ten draws of as many rounds): "
        f"{', '.join(ratios)}. "
        f"{median(each['requests_per_s'] for each in seen):,.0f} requests a second were answered, p50 "
        f"{median(each['answer_p50_ms'] for each in seen):.1f} ms, "
        f"{sum(each['failures'] for each in seen)} failed."
    )


def _scale(outcome: dict[str, Any]) -> str:
    rows = []
    for found in outcome["loads"]:
        lag, late = found["loop_lag"], found["due_to_done"]
        memory = found.get("bytes_a_book")
        rows.append(
            [
                f"{found['books']:,}, {found['says']}",
                f"{found['messages_per_s']:,.0f}",
                f"{found['cpu_share']:.0%}" + ("" if found["kept_up"] else " (fell behind)"),
                f"{lag['p99_ms']} / {lag['max_ms']}",
                f"{late['p50_ms']} / {late['p99_ms']} / {late['max_ms']}",
                "" if memory is None else f"{memory / 1e6:.2f}",
                f"{found['flat_out_messages_per_s']:,}",
                f"{found['books_a_core']:,}",
            ]
        )
    head = ["books", "messages/s", "of a core", "loop lag ms, p99 / max"]
    more = ["due to done ms, p50 / p99 / max", "MB a book", "flat out messages/s", "books a core"]
    both = outcome["processes"]
    return (
        f"{table([*head, *more], rows)}\n\n{outcome['levels']:,} levels a side, "
        f"{outcome['seconds']:.0f} s each. One process alone: {both['one_per_s']:,} messages/s; two "
        f"at once: {both['two_per_s']:,} together, {both['ratio']:.2f} times one."
    )


def _memory(outcome: dict[str, Any]) -> str:
    rows = [
        [
            says,
            f"{found['traced_bytes_a_level']:,.0f}",
            _or_nothing(found["resident_bytes_a_level"]),
        ]
        for says, found in (
            ("a fresh book", outcome["fresh"]),
            (f"after {outcome['messages']:,} messages of 10 changes", outcome["after_changes"]),
            ("the textbook's SortedDicts", outcome["textbook"]),
        )
    ]
    return table(["book of 1,000 levels a side", "bytes a level, traced", "resident"], rows)


def _or_nothing(number: float | None) -> str:
    return "" if number is None else f"{number:,.0f}"


WRITERS = {
    "book": _throughput,
    "readings": _throughput,
    "pipeline": _throughput,
    "stages": _stages,
    "peers": _peers,
    "growth": _growth,
    "writer": _writer,
    "spool": _spool,
    "desk": _desk,
    "sockets": _sockets,
    "faces": _faces,
    "scale": _scale,
    "memory": _memory,
}
