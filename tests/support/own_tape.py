"""A short run of the fixtures' conversations, recorded as the monitor records one."""

from collections.abc import Callable, Sequence
from typing import Any

from tests.support.conversation import transcript

from tidegauge.core.desk import Order
from tidegauge.core.events import FeedEvent
from tidegauge.core.instrument import SECOND, Instrument, Nanos
from tidegauge.risk.ruleset import RuleSet
from tidegauge.runtime.digest import Digest
from tidegauge.runtime.monitor import Monitor, MonitorPlan
from tidegauge.runtime.tape_fleet import NotedFleet
from tidegauge.venues import load
from tidegauge.wire.feed import Listing
from tidegauge.wire.fleet import Fleet
from tidegauge.wire.protocol import Fetch, Response
from tidegauge.wire.shards import Entered, InService, Left, Orders, Released
from tidegauge.wire.tape import FORMAT, Meta, TapeLine, meta_line, tick_line

START: Nanos = 1_760_000_000 * SECOND
STEP: Nanos = SECOND // 10


class Run:
    """One venue's fixture, fed to a fleet and a monitor; `lines` is the tape of it."""

    def __init__(self, venue: str = "binance", plan: MonitorPlan | None = None) -> None:
        self.spec = load()[venue]
        self.plan = MonitorPlan() if plan is None else plan
        self.lines: list[TapeLine] = []
        self.digest = Digest()
        self.monitor = Monitor(self.plan, self.digest.take)
        self.now = START
        self.asked: list[tuple[str, Fetch]] = []
        self.told = NotedFleet(
            Fleet(self.spec),
            self,
            url_of=lambda _shard, link: f"ws://127.0.0.1:1/{link}?streams=many",
            rest_url="http://127.0.0.1:2/",
        )
        facts: dict[str, Any] = {
            "format": FORMAT,
            "program": "0",
            "run": f"of {venue}",
            "segment": 0,
            "plan": self.plan,
        }
        self.note(meta_line(START, Meta.TAPE, **facts))

    def note(self, line: TapeLine) -> None:
        """Take a line: this is a `Journal`."""
        self.lines.append(line)

    def live_through(self, *, paced: Nanos = 0) -> "Run":
        """Begin, open every link of the shard, and hear all that the fixture holds."""
        told = transcript(self.spec)
        self.begin(told.instruments)
        if paced:
            self.pace(paced)
        for link in self.spec.links(told.instruments):
            self.open(link)
        for line in told.lines:
            if line.kind == "recv":
                self.hear(line.link, line.text)
            elif line.kind == "http":
                self.answer(line.text, line.instrument)
            self.act(lambda: self.told.tick(self.now))
            self.sample()
        return self

    def pace(self, every: Nanos) -> None:
        """The driver falls behind, or has caught up."""
        self.told.pace(every, self.now)
        self.monitor.pace(self.spec.name, every, self.now)

    def order(self, order: Order) -> None:
        """A person orders something of the desk."""
        self.monitor.advance(self.now)
        self.note(meta_line(self.now, Meta.ORDER, order=order))
        self.monitor.order(order, self.now)

    def say(self, event: FeedEvent) -> None:
        """A venue says something beside its feed."""
        self.monitor.advance(self.now)
        self.note(meta_line(self.now, Meta.EVENT, event=event))
        self.monitor.heard(event)

    def adopt(self, rules: RuleSet) -> None:
        """The rules are read anew."""
        self.monitor.advance(self.now)
        self.note(meta_line(self.now, Meta.RULES, rules=rules))
        self.monitor.adopt(rules, self.now)

    def begin(self, instruments: Sequence[Instrument]) -> None:
        listings = [Listing(symbol=f"our {each.name}", instrument=each) for each in instruments]
        self.obey(self.told.begin(listings, self.now))

    def open(self, link: str) -> None:
        self.act(lambda: self.told.opened("0", link, self.now))

    def hear(self, link: str, text: str) -> None:
        self.act(lambda: self.told.received("0", link, text, self.now))

    def answer(self, text: str, instrument: str | None) -> None:
        """Answer the request for that instrument, if it was made."""
        for asked in list(self.asked):
            shard, fetch = asked
            if fetch.instrument == instrument:
                self.asked.remove(asked)
                self.give(shard, fetch, Response(status=200, body=text.encode()))
                return

    def give(self, shard: str, fetch: Fetch, response: Response) -> None:
        self.act(lambda: self.told.fetched(shard, fetch, response, self.now))

    def act(self, work: Callable[[], Orders]) -> None:
        self.now += STEP
        self.monitor.advance(self.now)
        self.obey(work())

    def sample(self) -> None:
        """Do as the sampler does."""
        self.now += STEP
        self.note(tick_line(self.now))
        self.monitor.advance(self.now)

    def obey(self, orders: Orders) -> None:
        for shard, effect in orders:
            match effect:
                case InService(feed=feed):
                    self.monitor.watch(feed)
                case Released(book=book):
                    self.monitor.forget(book, self.now)
                case Entered() | Left():
                    pass
                case _:
                    for left in self.monitor.handle([effect], self.now):
                        if isinstance(left, Fetch):
                            self.asked.append((shard, left))

    def text(self) -> str:
        """Return the tape, with its end."""
        end = meta_line(self.now, Meta.END, sha256=self.digest.hexdigest())
        return "".join(f"{line.written()}\n" for line in (*self.lines, end))
