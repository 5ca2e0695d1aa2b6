"""The real command line again and again: imported once, then a forked process for every command."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.cli import Told, environment

SERVER = """
import json, os, sys
from tidegauge.faces.cli import main

for line in sys.stdin:
    asked = json.loads(line)
    pid = os.fork()
    if pid == 0:
        for number, name in enumerate(asked["files"]):
            os.dup2(os.open(name, os.O_RDWR | os.O_CREAT, 0o600), number)
        os.chdir(asked["cwd"])
        os.environ.clear()
        os.environ.update(asked["env"])
        sys.argv = ["tidegauge", *asked["arguments"]]
        main()
        sys.exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""


@dataclass(frozen=True, slots=True)
class ForkedCommands:
    """Runs commands, each in a process of its own, without the half second of importing."""

    server: subprocess.Popen[str]
    folder: Path

    def __call__(self, *arguments: str, cwd: Path, env: Mapping[str, str] | None = None) -> Told:
        """Run a command to its end."""
        out, err = self.folder / "out", self.folder / "err"
        for file in (out, err):
            file.unlink(missing_ok=True)
        asked = {
            "arguments": arguments,
            "cwd": str(cwd),
            "env": environment(cwd, env),
            "files": [os.devnull, str(out), str(err)],
        }
        assert self.server.stdin is not None
        assert self.server.stdout is not None
        self.server.stdin.write(json.dumps(asked) + "\n")
        self.server.stdin.flush()
        code = int(self.server.stdout.readline())
        return Told(code, out.read_text(), err.read_text())


@contextmanager
def forked_commands(folder: Path) -> Iterator[ForkedCommands]:
    """Lend a server of commands; its files are in `folder`."""
    with subprocess.Popen(
        [sys.executable, "-c", SERVER],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        yield ForkedCommands(server, folder)
