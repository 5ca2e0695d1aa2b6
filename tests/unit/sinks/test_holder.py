"""Who a process is, and whether it still lives."""

import os
import subprocess
from dataclasses import replace

import pytest
from tests.support.database import until

from tidegauge.sinks import holder
from tidegauge.sinks.holder import Holder, process_started, this_host


def test_this_process_lives() -> None:
    """What it says of itself is what others find."""
    me = Holder.of_this_process("run-1")
    assert (me.run, me.pid, me.host) == ("run-1", os.getpid(), this_host())
    assert process_started(me.pid) == me.process_started_ns
    assert not me.is_dead


async def test_a_process_that_ended_is_dead_even_as_a_zombie() -> None:
    """A zombie answers `kill(pid, 0)`, but watches nothing."""
    with subprocess.Popen(["/bin/sleep", "600"]) as process:
        started = process_started(process.pid)
        assert started is not None
        other = Holder(run="run-2", host=this_host(), pid=process.pid, process_started_ns=started)
        assert not other.is_dead
        process.kill()
        await until(lambda: other.is_dead)
        assert process.returncode is None, "nobody has waited for it yet"
    assert other.is_dead


def test_a_number_given_again_is_somebody_else() -> None:
    """The process id alone does not tell that the holder is gone; its start does."""
    me = Holder.of_this_process("run-1")
    assert replace(me, process_started_ns=me.process_started_ns - 1).is_dead
    assert not replace(me, process_started_ns=holder.UNKNOWN_START).is_dead


def test_nothing_is_known_of_another_hosts_processes() -> None:
    """Nor of those of a container, which has our host's name and its own table of processes."""
    me = Holder.of_this_process("run-1")
    for host in ("elsewhere#01234567", f"{me.name}#01234567", me.name):
        assert not replace(me, host=host, pid=2**22 + 1).is_dead
    assert replace(me, pid=2**22 + 1).is_dead


def test_a_host_has_one_name_and_one_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    """However it is called; after another start of the machine the mark is another."""
    monkeypatch.setattr("platform.node", lambda: "my#odd host")
    first = this_host.__wrapped__()
    assert first.count("#") == 1
    assert first.startswith("my-odd-host#")
    monkeypatch.setattr(holder, "_boot", lambda: "another")
    assert this_host.__wrapped__() != first


def test_where_there_is_no_proc_ps_is_asked() -> None:
    """As on macOS: to the second, and the same each time."""
    started = holder._started_by_ps(os.getpid())
    assert started is not None
    assert started > 10**18
    assert holder._started_by_ps(os.getpid()) == started
    assert holder._started_by_ps(2**22 + 1) is None
