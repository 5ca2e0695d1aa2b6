"""What is public says little; what is ready says why not."""

from pathlib import Path

from tests.support.api import an_api
from tests.support.asking import ask

from tidegauge.runtime.window.hub import Hub


async def test_anybody_may_ask_whether_it_answers(tmp_path: Path) -> None:
    """And learns nothing else."""
    answer = await ask(an_api(tmp_path).app, "GET", "/healthz")
    assert (answer.status, answer.json) == (200, {"status": "ok"})


async def test_it_is_ready_when_the_hub_has_no_reason_against_it(tmp_path: Path) -> None:
    """Else it says them, with 503."""

    class Quiet(Hub):
        why: tuple[str, ...] = ()

        def reasons(self) -> list[str]:
            return list(self.why)

    served = an_api(tmp_path)
    served.app.state.hub = hub = Quiet(tmp_path)
    ready = await ask(served.app, "GET", "/readyz", served.reader)
    assert (ready.status, ready.json) == (200, {"ready": True, "reasons": []})
    hub.why = ("daemon 7 was last seen 9 s ago",)
    late = await ask(served.app, "GET", "/readyz", served.reader)
    assert (late.status, late.json) == (503, {"ready": False, "reasons": list(hub.why)})
