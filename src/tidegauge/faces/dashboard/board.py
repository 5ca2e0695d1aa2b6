"""The main screen: the panels, which of them a size and a page show, and the keys."""

from collections.abc import Callable, Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.screen import Screen

from .across import divergence_lines, score_lines
from .cells import Cell, Line, cell, line, titled, width_of
from .desk_lines import desk_lines
from .feed_lines import feed_lines
from .ladder import ladder_lines
from .measured import measure_lines
from .scene import Scene
from .sheet import Sheet
from .state import Connection, Standing, head_line, notice_line, standing
from .tables import TRUST, book_lines
from .viewer import Viewer

PAGES = ("market", "measures", "score", "venues", "desk")
KEYS = (
    ("1-5", "pages"),
    ("?", "help"),
    ("q", "quit"),
    ("p", "pause"),
    ("←→", "scrub"),
    ("↑↓", "choose"),
    ("a", "ack"),
    ("c", "comment"),
    ("s", "silence"),
    ("x", "resolve"),
    ("/", "symbol"),
    ("v V", "ladders"),
    ("t", "light"),
)
LARGE = (140, 40)
"""From this size on the first page shows everything."""

Draw = Callable[[Scene, int, int], Sequence[Line]]


class Board(Screen[None]):
    """Shows what a viewer looks at."""

    CSS = """
    Board { layout: vertical; background: $background; }
    Sheet { width: 1fr; }
    #head, #notice, #foot { height: 1; }
    #head { background: $surface; }
    #foot { background: $surface; }
    #body { height: 1fr; layout: vertical; }
    #left, #right { layout: vertical; width: 1fr; height: 1fr; }
    .pair { height: 1fr; }
    #ladder-b, #measures-b, #score { margin-left: 1; }
    Board.page-market #feeds, Board.page-market .measures, Board.page-market .across, Board.page-market #desk,
    Board.page-measures #left, Board.page-measures #books, Board.page-measures .across, Board.page-measures #desk,
    Board.page-score #left, Board.page-score #books, Board.page-score .measures, Board.page-score #desk,
    Board.page-venues #right, Board.page-venues .ladders,
    Board.page-desk #left, Board.page-desk #books, Board.page-desk .measures, Board.page-desk .across { display: none; }
    Board.large.page-market #body { layout: horizontal; }
    Board.large.page-market #left { width: 88; }
    Board.large.page-market #right { height: 1fr; margin-left: 1; }
    Board.large.page-market #feeds { display: block; height: 14; }
    Board.large.page-market .measures { display: block; height: 21; }
    Board.large.page-market .across { display: block; height: 13; }
    Board.large.page-market #desk { display: block; }
    """

    def __init__(self, viewer: Viewer, connection: Callable[[], Connection]) -> None:
        super().__init__()
        self._viewer = viewer
        self._connection = connection
        self._page = PAGES[0]
        self._judged = Standing(word="", ink="", notice="", live=False)
        self._sheets: list[Sheet] = []
        self._fitted: tuple[int, bool] | None = None

    def compose(self) -> ComposeResult:
        """Yield the panels."""
        yield Sheet(self._head, id="head")
        yield Sheet(self._notice, id="notice")
        with Vertical(id="body"):
            with Vertical(id="left"):
                with Horizontal(classes="pair ladders"):
                    yield Sheet(self._drawn(self._ladder_of(0)), id="ladder-a")
                    yield Sheet(self._drawn(self._ladder_of(1)), id="ladder-b")
                yield Sheet(self._drawn(self._feeds), id="feeds")
            with Vertical(id="right"):
                yield Sheet(self._drawn(self._books), id="books")
                with Horizontal(classes="pair measures"):
                    yield Sheet(self._drawn(self._measures_of(0)), id="measures-a")
                    yield Sheet(self._drawn(self._measures_of(1)), id="measures-b")
                with Horizontal(classes="pair across"):
                    yield Sheet(self._drawn(self._divergence), id="divergence")
                    yield Sheet(self._drawn(self._score), id="score")
                yield Sheet(self._drawn(self._desk), id="desk")
        yield Sheet(self._foot, id="foot")

    def on_mount(self) -> None:
        """Show the first page."""
        self._sheets = list(self.query(Sheet))
        self.turn_to(PAGES[0])

    def turn_to(self, page: str) -> None:
        """Show a page."""
        self._page = page
        for each in PAGES:
            self.set_class(each == page, f"page-{each}")
        self.draw()

    def draw(self) -> None:
        """Write what changed."""
        if not self._sheets:
            return
        viewer = self._viewer
        scene = viewer.scene()
        self._judged = standing(self._connection(), scene, viewer.paused_at, viewer.reader)
        self._fit(1 if scene is None else 2 + len(scene.rows))
        for sheet in self._sheets:
            sheet.faded = not self._judged.live and sheet.id not in ("head", "notice", "foot")
            if all(each.display for each in sheet.ancestors_with_self if each is not self.app):
                sheet.renew()

    def _fit(self, lines: int) -> None:
        """Choose by the size what the first page shows; give the table of books as many lines as it has."""
        width, height = self.app.size
        self.set_class(width >= LARGE[0] and height >= LARGE[1], "large")
        alone = self._page == PAGES[0] and not self.has_class("large")
        if (lines, alone) != self._fitted:
            self._fitted = (lines, alone)
            self.query_one("#books").styles.height = lines
            right = self.query_one("#right").styles
            if alone:
                right.height = lines
            else:
                right.clear_rule("height")

    # -- the panels ------------------------------------------------------------------------------

    def _drawn(self, draw: Draw) -> Callable[[int, int], Sequence[Line]]:
        def make(width: int, height: int) -> Sequence[Line]:
            scene = self._viewer.scene()
            return () if scene is None else draw(scene, width, height)

        return make

    def _head(self, width: int, _height: int) -> list[Line]:
        return [head_line(self._viewer.scene(), self._judged, width)]

    def _notice(self, width: int, _height: int) -> list[Line]:
        return [notice_line(self._judged, width)]

    def _foot(self, width: int, _height: int) -> list[Line]:
        cells: list[Cell] = []
        for key, what in KEYS:
            more = [cell(f" {key}", "key"), cell(f" {what} ", "dim")]
            if width_of((*cells, *more)) <= width:
                cells += more
        return [tuple(cells)]

    def _ladder_of(self, place: int) -> Draw:
        def draw(scene: Scene, width: int, height: int) -> list[Line]:
            venue = self._viewer.ladders[place]
            lines = ladder_lines(scene, venue, width, height - 1)
            return titled(self._book_title(scene, place), lines, width)

        return draw

    def _measures_of(self, place: int) -> Draw:
        def draw(scene: Scene, width: int, _height: int) -> list[Line]:
            venue = self._viewer.ladders[place]
            lines = measure_lines(scene, venue, self._viewer.past.trends, width)
            return titled(self._book_title(scene, place), lines, width)

        return draw

    def _book_title(self, scene: Scene, place: int) -> Line:
        venue = self._viewer.ladders[place]
        row = None if venue is None else scene.row(venue)
        mark = cell(f"{'AB'[place]} ", "accent")
        if row is None:
            return line(mark, cell("no book", "dim"))
        trust, ink = TRUST.get(row.trust, (f"✖ {row.trust}", "bad"))
        return line(mark, cell(f"{row.venue} {scene.symbol}", "strong"), cell(f" {trust}", ink))

    def _books(self, scene: Scene, width: int, _height: int) -> list[Line]:
        lines = book_lines(scene, self._viewer.ladders, width)
        return titled(line(cell("venues", "strong")), lines, width)

    def _divergence(self, scene: Scene, width: int, _height: int) -> list[Line]:
        found = None if scene.summary is None else scene.summary.divergence
        title = line(cell("divergence", "strong"), cell(" bps beyond the usual", "dim"))
        return titled(title, divergence_lines(found, width), width)

    def _score(self, scene: Scene, width: int, _height: int) -> list[Line]:
        summary = scene.summary
        if summary is None:
            lines = score_lines(None, (), None, width)
        else:
            lines = score_lines(summary.score, summary.stress, summary.size, width)
        return titled(
            line(cell("score", "strong"), cell(" 0 calm, 100 worst", "dim")), lines, width
        )

    def _feeds(self, scene: Scene, width: int, _height: int) -> list[Line]:
        return titled(line(cell("feeds", "strong")), feed_lines(scene, width), width)

    def _desk(self, scene: Scene, width: int, height: int) -> list[Line]:
        waits = sum(each.state == "open" for each in scene.open_incidents)
        title = line(
            cell("desk", "strong"),
            cell(f" {len(scene.open_incidents)} open", "dim"),
            cell(f", {waits} wait for somebody" if waits else "", "bad"),
            cell(f", {len(scene.silences)} silences" if scene.silences else "", "dim"),
        )
        return titled(title, desk_lines(scene, self._viewer.incident, width, height - 1), width)
