"""Install the extra `bench` here, one package after another: what does not install is left out."""

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    """Install what can be; return 0 even so, since the benchmark goes on without a peer."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    for requirement in project["optional-dependencies"]["bench"]:
        # With our own requirements beside it: a peer must not take away what the product runs on.
        done = subprocess.run(  # noqa: S603 (our own command)
            [*pip, "install", *project["dependencies"], requirement],
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            said = done.stderr.strip().splitlines()
            print(f"{requirement}: left out: {said[-1] if said else 'pip failed'}")
        else:
            print(f"{requirement}: installed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
