"""Programs and files a test needs and this machine may lack."""

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest


def required() -> bool:
    """Whether everything must be here: nothing may be skipped for want of a program."""
    return os.environ.get("TIDEGAUGE_REQUIRE_ALL") == "1"


def absent(what: str) -> NoReturn:
    """Skip the running test for want of `what`; fail it where everything must be here."""
    if required():
        pytest.fail(f"{what} is needed (TIDEGAUGE_REQUIRE_ALL=1)")
    pytest.skip(f"{what} is not here")


def require_program(name: str) -> Path:
    """Return the path of the program `name`; without it the running test is skipped, or fails."""
    found = shutil.which(name)
    if found is None:
        absent(f"the program {name}")
    return Path(found)
