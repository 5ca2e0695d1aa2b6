"""`tidegauge tape`: look at, cut and prove recorded tapes."""

import calendar
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.table import Table

from tidegauge import venues
from tidegauge.core.errors import OperatorError
from tidegauge.core.instrument import SECOND, Nanos
from tidegauge.runtime.replay import reader_of
from tidegauge.runtime.tape_cut import Span, cut
from tidegauge.runtime.tape_file import tapes_in
from tidegauge.runtime.tape_info import TapeInfo, inspect
from tidegauge.runtime.tape_runs import runs_of
from tidegauge.runtime.verify import BookProof, TapeProof, verify

from . import figures, running
from .options import VenueNames
from .times import moment

app = typer.Typer(
    name="tape",
    help="Look at, cut and prove recorded tapes.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Tapes = Annotated[
    list[Path],
    typer.Argument(help="Tapes, or folders of them. The parts of one run count as one tape."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print as JSON.")]
PROOF = ("tape", "venue", "instrument", "updates", "levels", "gaps", "checksums", "crossed", "bbo")


@app.command("verify", epilog="Example: tidegauge tape verify recordings/ --json")
def verify_tapes(tape: Tapes, as_json: AsJson = False) -> None:
    """Rebuild every book on a tape: sequence, checksums, crossing, the venue's best bid and ask.

    Exits 1 at the first difference, telling file, line, what was expected and what was found.
    """
    proofs: list[TapeProof] = []
    refused: list[str] = []
    for parts in runs_of(tapes_in(tape)):
        try:
            with running.progress_of("verifying") as told:
                proofs.append(verify(parts[0], parts, progress=told))
        except OperatorError as error:
            refused.append(str(error))
    if as_json:
        rows = [_proof_row(proof) for proof in proofs]
        typer.echo(msgspec.json.format(msgspec.json.encode(rows), indent=2).decode())
    else:
        _print_proofs(proofs)
    wrong = [proof.first for proof in proofs if proof.first is not None] + refused
    if wrong:
        more = f" ({len(wrong)} of {len(proofs) + len(refused)} tapes are wrong)"
        raise OperatorError(wrong[0] + (more if len(wrong) > 1 else ""))


def _proof_row(proof: TapeProof) -> dict[str, object]:
    return {
        "tape": str(proof.tape),
        "frames": proof.frames,
        "good": proof.good,
        "first": proof.first,
        "books": [
            {
                "venue": book.venue,
                "instrument": book.instrument,
                "updates": book.updates,
                "level_changes": book.level_changes,
                "gaps": book.gaps,
                "checksums": [book.checksums_ok, book.checksums_ok + book.checksums_bad],
                "crossed": book.crossed,
                "bbo": [book.touch.equal, book.touch.compared],
                "bbo_untold": book.touch.untold,
                "first": None if book.first is None else str(book.first),
            }
            for book in proof.books
        ],
    }


def _print_proofs(proofs: Sequence[TapeProof]) -> None:
    if not proofs:
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in PROOF:
        right = name not in PROOF[:3]
        table.add_column(name, overflow="fold", justify="right" if right else "left")
    table.add_column("result", overflow="fold")
    for proof in proofs:
        for index, book in enumerate(proof.books):
            table.add_row(proof.tape.name if not index else "", *_cells(book), _result(book))
    running.console_for(plain=False).print(table)


def _cells(book: BookProof) -> list[str]:
    checksums = book.checksums_ok + book.checksums_bad
    return [
        book.venue,
        figures.printable(book.instrument),
        f"{book.updates:,}",
        f"{book.level_changes:,}",
        f"{book.gaps:,}",
        f"{book.checksums_ok:,}/{checksums:,}" if checksums else figures.UNKNOWN,
        f"{book.crossed:,}",
        f"{book.touch.equal:,}/{book.touch.compared:,}" if book.touch.compared else figures.UNKNOWN,
    ]


def _result(book: BookProof) -> str:
    if book.first is not None:
        return "WRONG"
    untold = book.touch.untold
    return f"ok; {untold} changes of the bbo not told" if untold else "ok"


@app.command(
    "info", epilog="Example: tidegauge tape info recordings/20261121T120000Z-1a2b3c4d-0000.tape.zst"
)
def info(tape: Tapes, as_json: AsJson = False) -> None:
    """Say what is on a tape: venues, instruments, span, frames, silences, size."""
    found = []
    for parts in runs_of(tapes_in(tape)):
        with running.progress_of("reading the tape") as told:
            found.append(inspect(parts, progress=told))
    if as_json:
        typer.echo(
            msgspec.json.format(
                msgspec.json.encode([_info_row(each) for each in found]), indent=2
            ).decode()
        )
    else:
        for each in found:
            _print_info(each)
    damaged = next((each.damage for each in found if each.damage is not None), None)
    if damaged is not None:
        raise OperatorError(damaged)
    strange = next((each.tape for each in found if each.foreign), None)
    if strange is not None:
        raise OperatorError(
            f"{strange}: no venue we know is on this tape",
            fix="`tidegauge venues` lists those we know",
        )


def _info_row(found: TapeInfo) -> dict[str, object]:
    fields = {name: getattr(found, name) for name in found.__slots__ if name != "frames"}
    frames = [
        {"kind": kind, "conn": conn, "lines": lines}
        for (kind, conn), lines in sorted(found.frames.items())
    ]
    return {**fields, "frames": frames}


def _print_info(found: TapeInfo) -> None:
    echo = typer.echo
    megabytes = found.bytes / 1e6
    written = "a plain tape"
    if found.header is not None:
        header = found.header
        written = (
            f"format {header.get('format')}, by Tidegauge {header.get('program')},"
            f" run {header.get('run')}" + (", ended" if found.ended else ", not ended")
        )
    echo(f"{found.tape}: {found.lines:,} lines, {megabytes:,.1f} MB, {written}")
    first_at = found.first_at or 0
    span = (found.last_at - first_at) / SECOND
    if found.timeless:
        echo("  without times: the frames are taken to be a millisecond apart")
    else:
        echo(f"  {figures.instant(first_at)} to {figures.instant(found.last_at)}, {span:,.1f} s")
    for venue, known in sorted(found.instruments.items()):
        names = [
            name if name == symbol else f"{name} ({symbol})"
            for name, symbol in sorted(known.items())
        ]
        echo(f"  {venue}: {figures.printable(', '.join(names)) or 'no instrument'}")
    echo(f"  {'lines':>12} kind and connection")
    for (kind, conn), lines in sorted(found.frames.items()):
        echo(f"  {lines:>12,} {kind} {figures.printable(conn)[:150]}".rstrip())
    for at, silence in found.silences:
        echo(f"  nothing for {silence / SECOND:,.1f} s from {figures.clock(at)}")
    if found.not_recorded:
        echo(f"  {found.not_recorded:,} lines were not recorded: the disk did not keep up")
    if found.backwards and found.header is None:
        echo(f"  {found.backwards:,} lines are older than the one before")
    if found.unknown:
        echo(f"  {found.unknown:,} lines of nobody we know")


@app.command(
    "cut",
    epilog="Example: tidegauge tape cut recordings/ --from 14:02 --to 14:09 --symbol BTCUSDT -o a.tape.zst",
)
def cut_tape(
    tape: Tapes,
    begin: Annotated[str, typer.Option("--from", help="UTC: 2026-11-21T14:02:00, or 14:02:00.")],
    end: Annotated[str, typer.Option("--to", help="UTC: 2026-11-21T14:09:00, or 14:09:00.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The tape to write; must not exist.")],
    symbol: Annotated[
        list[str] | None, typer.Option("--symbol", help="Only this symbol; repeatable.")
    ] = None,
    venue: VenueNames = None,
) -> None:
    """Cut a span out of a tape; what builds its books before the span comes along."""
    runs = runs_of(tapes_in(tape))
    if len(runs) != 1:
        raise OperatorError(
            f"These are {len(runs)} different tapes", fix="Name one tape, or the parts of one"
        )
    (parts,) = runs
    day = _first_day(parts[0])
    span = Span(
        begin=_instant("--from", begin, day),
        end=_instant("--to", end, day),
        venues=frozenset(spec.name for spec in venues.resolve(venue or ())),
        names=frozenset(symbol or ()),
    )
    if span.end < span.begin:
        raise OperatorError("--to is before --from", fix="Exchange them")
    with running.progress_of("cutting") as told:
        done = cut(parts, out, span, progress=told)
    typer.echo(
        f"{out}: {done.lines:,} lines from {figures.instant(done.first_at or 0)} to"
        f" {figures.instant(done.last_at)}, and {done.before:,} before that build the books"
    )
    if done.damage is not None:
        raise OperatorError(done.damage)


def _first_day(path: Path) -> date:
    first = next(iter(reader_of(path)), None)
    return datetime.fromtimestamp((0 if first is None else first.at) // SECOND, UTC).date()


def _instant(option: str, text: str, day: date) -> Nanos:
    """Read an instant, UTC; a time alone is on the tape's first day."""
    at = moment(option, text, day=day)
    return calendar.timegm(at.utctimetuple()) * SECOND + at.microsecond * 1000
