"""What is under deploy/, judged by the programs it is for, as far as they run without root and an engine."""

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support.programs import absent, require_program
from typer.testing import CliRunner

from tidegauge.faces.cli import app
from tidegauge.runtime.settings import load_settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
PROGRAM = "/opt/tidegauge/.venv/bin/tidegauge"
EXPOSURE = re.compile(r"exposure level for .*?: ([0-9.]+)")
MOST_EXPOSED = 1.5
"""Of ten, as `systemd-analyze security` counts."""


def run(*command: str | Path, **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=240, **more)


def understood(command: list[str]) -> None:
    """Check that our command line knows a command and each of its options."""
    words = [word for word in command if not word.startswith("-")]
    depth = 2 if words[0] in ("db", "symbols", "token") and words[0] != "token" else 1
    told = CliRunner().invoke(app, [*words[:depth], "--help"])
    assert told.exit_code == 0, command
    for option in (word for word in command if word.startswith("--")):
        assert f"{option} " in told.output, f"{command}: {option}"


# -- systemd -------------------------------------------------------------------------------------


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units with a program that is here in place of ours, one of them for a symbol, and the drop-in."""
    for path in UNITS:
        name = path.name.replace("@.", "@BTCUSDT.")
        (tmp_path / name).write_text(path.read_text().replace(PROGRAM, sys.executable))
        (tmp_path / f"{name}.d").mkdir()
        shutil.copy(DEPLOY / "systemd" / "own-database.conf", tmp_path / f"{name}.d")
    return tmp_path


def test_systemd_understands_every_line_of_the_units(units: Path) -> None:
    """Nothing is unknown, ignored or contradictory; and what is wrong would be told."""
    require_program("systemd-analyze")
    paths = sorted(units.glob("*.service"))
    assert len(paths) == 3
    told = run("systemd-analyze", "verify", "--man=no", *paths)
    assert (told.returncode, told.stdout, told.stderr) == (0, "", "")
    wrong = units / "tidegauge-api.service"
    wrong.write_text(wrong.read_text().replace("ProtectHome=yes", "ProtectHomes=yes"))
    assert "ProtectHomes" in run("systemd-analyze", "verify", "--man=no", wrong).stderr
    (units / f"{wrong.name}.d" / "own-database.conf").write_text(
        "[Service]\nLoadCredentials=x:/x\n"
    )
    assert "LoadCredentials" in run("systemd-analyze", "verify", "--man=no", wrong).stderr


def test_the_units_are_confined(units: Path) -> None:
    """As systemd itself counts what a service could do to the machine."""
    require_program("systemd-analyze")
    for path in sorted(units.glob("*.service")):
        told = run("systemd-analyze", "security", "--offline=true", "--no-pager", path)
        found = EXPOSURE.search(told.stdout)
        assert found is not None, told.stderr
        assert float(found[1]) <= MOST_EXPOSED, told.stdout


def lines_of(path: Path) -> Iterator[tuple[str, str]]:
    for line in path.read_text().splitlines():
        if "=" in line and not line.startswith("#"):
            name, _, value = line.partition("=")
            yield name, value


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_starts_what_there_is_with_settings_there_are(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its command, its options, its variables; and it waits to be told that the service works."""
    said = list(lines_of(path))
    (command,) = [value for name, value in said if name == "ExecStart"]
    assert command.startswith(f"{PROGRAM} ")
    understood(shlex.split(command)[1:])
    for name in ("settings.yaml", "rules.yaml"):
        shutil.copy(ROOT / "config" / name, tmp_path / name)
    variables = (shlex.split(value) for name, value in said if name == "Environment")
    environ = dict(each.split("=", 1) for words in variables for each in words)
    here = {name: text.replace("/etc/tidegauge", str(tmp_path)) for name, text in environ.items()}
    monkeypatch.chdir(tmp_path)
    settings = load_settings(environ=here, dotenv=None).settings
    assert settings.data_dir == Path("/var/lib/tidegauge/data")
    assert ("Type", "notify") in said
    assert ("KillMode", "process") in said
    assert ("User", "tidegauge") in said


def test_a_database_of_ones_own_is_reached_by_a_password_that_systemd_hands_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The drop-in names settings there are."""
    monkeypatch.chdir(tmp_path)
    said = [
        value
        for name, value in lines_of(DEPLOY / "systemd/own-database.conf")
        if name == "Environment"
    ]
    environ = dict(each.replace("%d", str(tmp_path)).split("=", 1) for each in said)
    (tmp_path / "database-password").write_text("canary\n")
    database = load_settings(environ=environ, dotenv=None).settings.database
    assert database.password is not None
    assert database.password.get_secret_value() == "canary"


REFUSE_NEW_CODE = """
import ctypes, os, sys
if ctypes.CDLL(None).prctl(65, 1, 0, 0, 0):  # PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN
    sys.exit(77)
os.execv(sys.argv[1], sys.argv[1:])
"""


def test_the_database_lives_where_no_memory_may_become_code(data_dir: Path, tmp_path: Path) -> None:
    """`MemoryDenyWriteExecute=` of the units, by the kernel itself: for us, and for PostgreSQL below us."""
    command = (sys.executable, "-m", "tidegauge", "db", "up", "--once", "--data-dir", data_dir)
    told = run(sys.executable, "-c", REFUSE_NEW_CODE, *command, cwd=tmp_path)
    if told.returncode == 77:
        absent("a kernel that refuses memory to become code (Linux 6.3)")
    assert told.returncode == 0, told.stderr
    assert "schema up to date" in told.stdout


# -- the image -----------------------------------------------------------------------------------

DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
LAST_STAGE = DOCKERFILE[DOCKERFILE.rindex("\nFROM ") :]


def test_a_linter_has_nothing_to_say_of_the_dockerfile(tmp_path: Path) -> None:
    """hadolint, with the shell checker inside it; and of a worse one it would."""
    hadolint = Path(sys.executable).with_name("hadolint")
    if not hadolint.exists():
        absent("the program hadolint")
    told = run(hadolint, "--no-color", DEPLOY / "Dockerfile")
    assert (told.returncode, told.stdout) == (0, "")
    worse = tmp_path / "Dockerfile"
    worse.write_text(re.sub(r"^(FROM python):\S+$", r"\1:latest", DOCKERFILE, flags=re.MULTILINE))
    assert "DL3007" in run(hadolint, "--no-color", worse).stdout


def test_the_image_is_pinned_unprivileged_and_made_of_what_is_locked() -> None:
    """Nobody is root in it, nothing unlocked gets in, and the builder is sent no more than it needs."""
    for base in re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE):
        assert re.fullmatch(r"python:3\.11\.\d+-slim-\w+", base)
    assert re.findall(r"^USER (\S+)", LAST_STAGE, re.MULTILINE) == ["10001"]
    assert "pip install --require-hashes" in DOCKERFILE
    assert "pip install" not in LAST_STAGE
    assert 'ENTRYPOINT ["tini", "--", "tidegauge"]' in LAST_STAGE
    assert "VOLUME /var/lib/tidegauge" in LAST_STAGE
    sent = {
        line[1:]
        for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    copied = re.findall(r"^COPY (?!--)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    assert {name for line in copied for name in line.split()} == sent
    assert all((ROOT / name).exists() for name in sent)
    assert not re.search(r"^(ENV|ARG).*(PASSWORD|TOKEN|SECRET)", DOCKERFILE, re.MULTILINE)
    for kind in ("CMD", r"HEALTHCHECK[^\[]*CMD"):
        (command,) = re.findall(rf"^{kind} (\[.*\])$", LAST_STAGE, re.MULTILINE)
        words = yaml.safe_load(command)
        understood(words[1:] if words[0] == "tidegauge" else words)


# -- compose -------------------------------------------------------------------------------------


def composed(environ: Mapping[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Have compose put the file and the variables together; it judges both, and needs no engine for it."""
    require_program("docker-compose")
    path = folder / ".env"
    path.write_text("".join(f"{name}={value}\n" for name, value in environ.items()))
    return run("docker-compose", "--file", DEPLOY / "compose.yaml", "--env-file", path, "config")


@pytest.fixture
def services(tmp_path: Path) -> dict[str, Any]:
    told = composed({"TIDEGAUGE_SECRETS": str(tmp_path)}, tmp_path)
    assert told.returncode == 0, told.stderr
    found = yaml.safe_load(told.stdout)["services"]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("environ", [{}, {"TIDEGAUGE_SECRETS": ""}], ids=["unset", "empty"])
def test_compose_starts_nothing_without_the_secrets(
    environ: dict[str, str], tmp_path: Path
) -> None:
    """There is no default, and it is said what to do."""
    told = composed(environ, tmp_path)
    assert told.returncode != 0
    assert "deploy/.env.example says how they are made" in told.stderr


def test_every_port_is_of_this_machine_only(services: dict[str, Any]) -> None:
    """And the database has none."""
    ports = {name: each.get("ports", []) for name, each in services.items()}
    assert ports["postgres"] == []
    for port in (port for some in ports.values() for port in some):
        assert str(port).startswith("127.0.0.1:")


def test_no_secret_stands_in_the_compose_file(services: dict[str, Any]) -> None:
    """What is secret is read from files below /run/secrets."""
    for name, each in services.items():
        for variable, value in (each.get("environment") or {}).items():
            if re.search("PASSWORD|TOKEN|SECRET", variable):
                assert variable.endswith("_FILE"), f"{name}: {variable}"
                assert str(value).startswith("/run/secrets/")


def test_every_service_is_watched_started_again_and_kept_in_bounds(
    services: dict[str, Any],
) -> None:
    """Pinned to a version, and unable to gain rights; what others wait for can say that it is well."""
    for name, each in services.items():
        assert re.fullmatch(r"[\w/]+:v?\d+\.\d+[\w.-]*", each["image"]), each["image"]
        assert each["security_opt"] == ["no-new-privileges:true"]
        once = each["restart"] == "no"
        assert once == (name == "scrape-token")
        assert once or each["healthcheck"]["test"][0] == "CMD"
        for other, how in each.get("depends_on", {}).items():
            assert how["condition"] != "service_started"
            well = (
                "service_completed_successfully"
                if services[other]["restart"] == "no"
                else "service_healthy"
            )
            assert how["condition"] == well


def test_what_is_mounted_is_in_the_repository(services: dict[str, Any]) -> None:
    """Read-only; the rest are volumes."""
    mounted = [mount for each in services.values() for mount in each.get("volumes", [])]
    files = [str(mount) for mount in mounted if str(mount).startswith("/")]
    assert files
    for mount in files:
        source, _target, mode = mount.split(":")
        assert mode == "ro"
        assert Path(source).exists(), source


def test_the_monitor_of_the_compose_file_understands_what_it_is_told(
    services: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its command, and its variables as settings."""
    monkeypatch.chdir(tmp_path)
    monitor = services["tidegauge"]
    understood(monitor["command"])
    (tmp_path / "database-password").write_text("canary")
    environ = {
        name: str(value).replace("/run/secrets", str(tmp_path))
        for name, value in monitor["environment"].items()
    }
    settings = load_settings(environ=environ, dotenv=None).settings
    assert settings.serve.exposed
    assert settings.serve.allowed_hosts == ("tidegauge",)
    assert "tidegauge token read" in services["scrape-token"]["entrypoint"][-1]


def test_prometheus_can_read_how_it_is_to_scrape(tmp_path: Path) -> None:
    """With the rules beside it, and the token where the compose file mounts it."""
    require_program("promtool")
    text = (DEPLOY / "prometheus" / "prometheus.yml").read_text()
    mounts = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]["prometheus"][
        "volumes"
    ]
    folder = "/run/tidegauge-scrape"
    assert f"scrape-token:{folder}:ro" in mounts
    (tmp_path / "token").write_text("x")
    (tmp_path / "prometheus.yml").write_text(text.replace(folder, str(tmp_path)))
    shutil.copy(ROOT / "config" / "prometheus" / "tidegauge.rules.yaml", tmp_path)
    told = run("promtool", "check", "config", tmp_path / "prometheus.yml")
    assert told.returncode == 0, told.stdout + told.stderr
