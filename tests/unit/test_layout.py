"""The house stays in order: small files, short functions, telling names, a test for each module."""

import ast
import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGE = REPOSITORY / "src" / "tidegauge"
OURS = [
    path
    for folder in ("src", "tests", "examples", "scripts", "benchmarks")
    for path in sorted((REPOSITORY / folder).rglob("*.py"))
]
MODULES = [path for path in sorted(PACKAGE.rglob("*.py")) if not path.name.startswith("__")]

MOST_LINES = 400
MOST_LINES_OF_A_VENUE = 250
LONGEST_FUNCTION = 60
NO_NAMES = {"utils", "util", "helpers", "helper", "manager", "base", "common", "misc"}

CRUNCH = "unit/risk/test_crunch.py"
DIVERGENCE = "unit/risk/test_divergence.py"
WINDOW = "integration/test_window.py"
SCRAPED = "unit/faces/metrics/test_collector.py"
DASHBOARD = "integration/test_dashboard.py"
TESTED_ELSEWHERE = {
    # words and records, which only their users give a meaning
    "core/trust": "unit/core/test_keeper.py",
    "wire/protocol": "unit/wire/test_feed.py",
    "wire/counts": "unit/wire/test_feed.py",
    "wire/kept_books": "unit/wire/test_feed.py",
    "wire/trail": "unit/wire/test_feed.py",
    "wire/effects": "unit/wire/test_feed.py",
    "wire/handover": "unit/wire/test_fleet.py",
    "wire/shards": "unit/wire/test_fleet.py",
    "runtime/journal": "unit/runtime/test_venue_runner.py",
    "runtime/world": "unit/runtime/test_venue_runner.py",
    "runtime/kept": "unit/runtime/test_kept_state.py",
    "runtime/watched_symbol": "unit/runtime/test_crossing.py",
    "runtime/symbol_changes": "integration/test_symbols.py",
    "runtime/desk_room": "integration/test_desk_room.py",
    "runtime/rules/reloader": "integration/test_rules_reload.py",
    # a window is two processes, or nothing
    "runtime/window/across": WINDOW,
    "runtime/window/books": WINDOW,
    "runtime/window/client": WINDOW,
    "runtime/window/daemon": WINDOW,
    "runtime/window/desk": "integration/test_api_desk.py",
    "runtime/window/hub": "integration/test_api_market.py",
    "runtime/window/picture": "unit/runtime/window/test_merge.py",
    "runtime/window/show_across": WINDOW,
    "runtime/window/show_books": WINDOW,
    "runtime/window/window": WINDOW,
    "faces/look/looking": "integration/test_look.py",
    # a dashboard is an application on a screen, or nothing
    "faces/dashboard/app": DASHBOARD,
    "faces/dashboard/board": DASHBOARD,
    "faces/dashboard/dialogs": DASHBOARD,
    "faces/dashboard/link": DASHBOARD,
    "faces/dashboard/sheet": DASHBOARD,
    "faces/dashboard/orders": "integration/test_dashboard_orders.py",
    "faces/dashboard/beside": "integration/test_dashboard_terminal.py",
    "faces/dashboard/command": "integration/test_dashboard_terminal.py",
    "faces/api/answers": "integration/test_api_market.py",
    "faces/api/desk": "integration/test_api_desk.py",
    "faces/api/drills": "integration/test_api_market.py",
    "faces/api/market": "integration/test_api_market.py",
    "faces/api/stream": "integration/test_api_market.py",
    "sinks/history": "integration/test_history.py",
    "runtime/watched_book": "unit/runtime/test_monitor_glance.py",
    # parts of one judgement, tested as the whole they are
    "risk/choice": CRUNCH,
    "risk/inputs": CRUNCH,
    "risk/rules": CRUNCH,
    "risk/sentence": CRUNCH,
    "risk/settings": CRUNCH,
    "risk/status": CRUNCH,
    "risk/walk": "unit/risk/test_measure.py",
    "risk/signal_settings": "unit/runtime/rules/test_build.py",
    # what a desk keeps and shows, and the way of a page: tested as the desk they are
    "risk/desk/case": "unit/risk/desk/test_incidents.py",
    "risk/desk/state": "unit/risk/desk/test_restarting.py",
    "risk/desk/view": "unit/risk/desk/test_desk.py",
    "risk/departures": DIVERGENCE,
    "risk/divergence_said": DIVERGENCE,
    "risk/divergence_status": DIVERGENCE,
    "risk/watch": DIVERGENCE,
    "risk/health_said": "unit/risk/test_health.py",
    "risk/liveness": "unit/risk/test_health.py",
    "risk/stress_sentence": "unit/risk/test_stress.py",
    # branches and sources of one tree of settings
    "runtime/plans": "unit/runtime/rules/test_build.py",
    "runtime/settings_sources": "unit/runtime/test_settings_errors.py",
    "runtime/settings_types": "unit/runtime/test_settings_tree.py",
    # branches of one tree of rules, and what is made of them
    "runtime/rules/build_signals": "unit/runtime/rules/test_build.py",
    "runtime/rules/crunch": "unit/runtime/rules/test_tree.py",
    "runtime/rules/desk": "unit/runtime/rules/test_tree.py",
    "runtime/rules/signals": "unit/runtime/rules/test_tree.py",
    # parts of one generated market
    "simulator/dialect": "unit/simulator/test_recorded.py",
    "simulator/dialects/binance_beside": "unit/venues/test_conformance_served.py",
    "simulator/dialects/binance_catalogue": "unit/simulator/dialects/test_binance.py",
    "simulator/dialects/bybit_beside": "unit/venues/test_conformance_served.py",
    "simulator/dialects/okx_beside": "unit/simulator/dialects/test_okx.py",
    "simulator/dialects/okx_catalogue": "unit/simulator/dialects/test_okx.py",
    "simulator/exchange": "unit/simulator/test_scenario.py",
    "simulator/listing": "unit/simulator/test_market.py",
    "simulator/path": "unit/simulator/test_market.py",
    "simulator/profile": "unit/simulator/test_market.py",
    "simulator/quotes": "unit/simulator/test_market.py",
    "simulator/readings": "unit/simulator/test_noise.py",
    "simulator/reel": "unit/simulator/test_recorded.py",
    "simulator/venues": "unit/simulator/test_market.py",
    # a real server, or real sockets, are what they are about
    "runtime/app": "integration/test_runtime.py",
    "runtime/storage": "integration/test_stopping.py",
    "runtime/venue": "integration/test_runtime.py",
    "runtime/control": "integration/test_symbols.py",
    "faces/symbols": "integration/test_symbols.py",
    "faces/demo_clerk": "integration/test_demo.py",
    "runtime/local_server": "integration/test_local_venues.py",
    "runtime/local_venues": "integration/test_local_venues.py",
    "runtime/view": "unit/faces/test_live.py",
    "sinks/ask": "integration/test_asking.py",
    "sinks/export": "integration/test_export.py",
    "faces/sql": "integration/test_sql_command.py",
    "faces/export": "integration/test_sql_command.py",
    "sinks/caretaker": "integration/test_nothing_lost.py",
    "sinks/desk_read": "integration/test_incidents_command.py",
    "faces/desk/alerts": "integration/test_desk_commands.py",
    "faces/desk/incidents": "integration/test_incidents_command.py",
    "faces/desk/trail": "integration/test_incidents_command.py",
    "sinks/chain_check": "integration/test_incident_trail.py",
    "sinks/desk_rows": "unit/sinks/test_rows.py",
    "sinks/orders": "integration/test_orders.py",
    "sinks/connect": "integration/test_postgres_database.py",
    "sinks/embedded": "integration/test_embedded.py",
    "sinks/lease_keeper": "integration/test_leases.py",
    "sinks/leases": "integration/test_leases.py",
    "sinks/move": "integration/test_move.py",
    "sinks/shape": "integration/test_move.py",
    "sinks/transfer": "integration/test_move.py",
    "sinks/health/checks": "integration/test_db_check.py",
    "sinks/health/desk": "integration/test_db_check_desk.py",
    "sinks/health/machine": "integration/test_db_check.py",
    "sinks/health/rows": "integration/test_db_check.py",
    "sinks/health/schema": "integration/test_db_check.py",
    "sinks/health/server": "integration/test_db_check.py",
    "sinks/health/finding": "integration/test_db_check.py",
    "sinks/health/overview": "integration/test_db_status.py",
    "sinks/health/retention": "integration/test_db_prune.py",
    "sinks/postmaster": "integration/test_embedded.py",
    "sinks/report": "integration/test_postgres_database.py",
    # a postmortem is read from a real server, and drawn as one page
    "sinks/postmortem/books": "integration/test_report.py",
    "sinks/postmortem/questioner": "integration/test_report.py",
    "sinks/postmortem/read": "integration/test_report.py",
    "sinks/postmortem/records": "unit/sinks/postmortem/test_lines.py",
    "faces/report/command": "integration/test_report.py",
    "faces/report/lanes": "unit/faces/report/test_page.py",
    "faces/report/tables": "unit/faces/report/test_page.py",
    # parts of what records and replays
    "runtime/digest": "integration/test_tape.py",
    "runtime/recording": "integration/test_tape.py",
    "runtime/tape_player": "unit/runtime/test_tape_fleet.py",
    "runtime/tape_runs": "unit/runtime/test_tape_cut.py",
    "wire/resumed": "integration/test_tape.py",
    # a channel is what the notifier makes of it, an outbox what its file holds
    "sinks/notify/channel": "unit/sinks/notify/test_notifier.py",
    "sinks/outbox/tables": "unit/sinks/outbox/test_file.py",
    # parts of what Prometheus reads, tested as the text that they are
    "faces/metrics/families": SCRAPED,
    "faces/metrics/daemons": SCRAPED,
    "faces/metrics/feeds": SCRAPED,
    "faces/metrics/judged": SCRAPED,
    "faces/api/metrics_route": "integration/test_prometheus.py",
    # what a drill is made of
    "simulator/drill_plan": "unit/simulator/test_drills.py",
    "runtime/drill_costs": "unit/runtime/test_drill.py",
    "runtime/drill_notes": "unit/runtime/test_drill.py",
    "runtime/drill_outcome": "unit/runtime/test_drill_verdict.py",
    "runtime/tape_rehearsal": "integration/test_drill_command.py",
    # a server is what it does with real sockets
    "faces/api/app": "unit/faces/api/test_doors.py",
    "faces/api/connections": "integration/test_api_limits.py",
    "faces/api/serving": "integration/test_api_limits.py",
    "faces/api/asking": "integration/test_api_process.py",
    "faces/api/command": "integration/test_api_process.py",
    "faces/api/companion": "integration/test_api_process.py",
    "faces/api/process": "integration/test_api_process.py",
    # the whole program, seen from outside
    "faces/tune": "integration/test_drill_command.py",
    "faces/notify": "integration/test_notify_command.py",
    "faces/database/adopt": "integration/test_db_adopt.py",
    "faces/database/check": "integration/test_db_check.py",
    "faces/database/move": "integration/test_move_command.py",
    "faces/database/prune": "integration/test_db_prune.py",
    "faces/database/status": "integration/test_db_status.py",
    "faces/demo": "integration/test_demo.py",
    "faces/demo_report": "integration/test_demo.py",
}
"""Modules without a test file of their own, and the file under tests/ that tests them."""


def place_of_test(path: Path) -> str:
    """Return the unit test of a module: a venue that is a package has one, as any other."""
    module = path.relative_to(PACKAGE).with_suffix("")
    if module.parts[0] == "venues":
        return f"unit/venues/test_{module.parts[1]}.py"
    return f"unit/{module.parent}/test_{module.name}.py"


def name_of(path: Path) -> str:
    return str(path.relative_to(REPOSITORY))


@pytest.mark.parametrize("path", OURS, ids=name_of)
def test_no_file_is_long_and_no_function_is(path: Path) -> None:
    """What does not fit has two subjects."""
    text = path.read_text(encoding="utf-8")
    venue = path.is_relative_to(PACKAGE / "venues")
    assert len(text.splitlines()) <= (MOST_LINES_OF_A_VENUE if venue else MOST_LINES)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            lines = node.end_lineno - node.lineno + 1
            assert lines <= LONGEST_FUNCTION, f"{node.name}: {lines} lines"


@pytest.mark.parametrize("path", OURS, ids=name_of)
def test_names_tell_what_is_inside(path: Path) -> None:
    """`utils` and its like are where everything goes and nothing is found."""
    words = {
        word for part in path.relative_to(REPOSITORY).parts for word in re.split(r"[_.]", part)
    }
    assert not words & NO_NAMES


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_every_module_has_its_test(path: Path) -> None:
    """At the same place under tests/unit; those that have not are listed with it."""
    module = path.relative_to(PACKAGE).with_suffix("")
    test = REPOSITORY / "tests" / place_of_test(path)
    if str(module) in TESTED_ELSEWHERE:
        assert not test.exists(), f"{module} has a test now: take it off the list"
    else:
        assert test.exists(), f"write {name_of(test)}"


def test_the_list_of_modules_tested_elsewhere_is_true() -> None:
    """A module or a test that is gone, or was renamed, must not stay on the list."""
    there = {str(path.relative_to(PACKAGE).with_suffix("")) for path in MODULES}
    assert set(TESTED_ELSEWHERE) <= there
    for test in sorted(set(TESTED_ELSEWHERE.values())):
        assert (REPOSITORY / "tests" / test).exists(), test


def test_every_floor_says_what_it_is() -> None:
    """The first line of a package is its place in the house."""
    for init in sorted(PACKAGE.rglob("__init__.py")):
        assert ast.get_docstring(ast.parse(init.read_text(encoding="utf-8"))), name_of(init)


@pytest.mark.parametrize("path", OURS, ids=name_of)
def test_every_test_has_a_sentence(path: Path) -> None:
    """What a test stands for is not in its code."""
    if not path.name.startswith("test_"):
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        assert not node.name.startswith("test_") or ast.get_docstring(node), node.name
