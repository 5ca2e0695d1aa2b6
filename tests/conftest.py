"""What every test shares: hypothesis profiles, a clean environment, and what may be left out."""

import os
from importlib.util import find_spec
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, settings
from tests.support.programs import absent, required

REPOSITORY = Path(__file__).resolve().parent.parent
RECORDED = REPOSITORY.parent / "shared" / "data"
KEPT_VARIABLES = {
    "TIDEGAUGE_REQUIRE_ALL",
    "TIDEGAUGE_CAMPAIGN",
    "TIDEGAUGE_PG_BIN",
    "TIDEGAUGE_SEED",
}

FIXTURES = ("tests.support.database", "tests.support.crunch_at_noon")
pytest_plugins = [name for name in FIXTURES if find_spec(name)]

SLOW = [HealthCheck.too_slow]  # two cores, shared: slowness is no failure
settings.register_profile("dev", max_examples=25, deadline=None, suppress_health_check=SLOW)
settings.register_profile(
    "ci", max_examples=100, derandomize=True, deadline=None, suppress_health_check=SLOW
)
settings.register_profile("soak", max_examples=5_000, deadline=None, suppress_health_check=SLOW)
settings.load_profile(
    os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "dev")
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out the long forms, and what needs recordings that are not here."""
    for item in items:
        if item.get_closest_marker("campaign") and os.environ.get("TIDEGAUGE_CAMPAIGN") != "1":
            item.add_marker(pytest.mark.skip(reason="a long form: set TIDEGAUGE_CAMPAIGN=1"))
        missing = item.get_closest_marker("recorded") and not RECORDED.is_dir()
        if missing and not required():
            item.add_marker(pytest.mark.skip(reason="no recorded frames in ../shared/data"))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Fail, rather than skip, where everything is said to be here."""
    if item.get_closest_marker("recorded") and not RECORDED.is_dir():
        absent("the recorded frames in ../shared/data")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take our variables out of the environment: a test sees the settings it makes."""
    for name in list(os.environ):
        if name.startswith("TIDEGAUGE_") and name not in KEPT_VARIABLES:
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _usual_logging() -> None:
    """Undo what an earlier test of this process set for the log: a line that is looked for is told."""
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def recorded() -> Path:
    """Return the folder of recorded frames; for tests marked `recorded`."""
    return RECORDED
