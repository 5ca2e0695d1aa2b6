"""The rules and dashboards we ship: read by Prometheus's own tool, over metrics that there are."""

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support.pictures import a_picture, a_symbol, an_incident
from tests.support.programs import require_program
from tests.support.scraped import scraped

ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "config" / "prometheus"
GRAFANA = ROOT / "config" / "grafana"
DOCUMENT = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
SECTION = DOCUMENT.partition("\n## Metrics\n")[2].partition("\n## ")[0]
BOARDS = sorted((GRAFANA / "dashboards").glob("*.json"))
SELECTOR = re.compile(r"(tidegauge_[a-z_]+)(?:\{([^}]*)\})?")
MATCHER = re.compile(r'(\w+)\s*(=~|=)\s*"([^"]*)"')
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((PROMETHEUS / "tidegauge.rules.yaml").read_text())["groups"]
    for rule in group["rules"]
]


def told() -> dict[str, list[dict[str, str]]]:
    """Return every metric there is, with the labels of its series."""
    picture = a_picture()
    picture.incidents["INC-2"] = replace(an_incident("INC-2"), severity="critical")
    symbol = a_symbol()
    sides = (symbol.stress[0], replace(symbol.stress[0], side="buy"))
    picture.symbols["ETHUSDT"] = replace(symbol, symbol="ETHUSDT", stress=sides)
    found = scraped(picture)
    return {name: [dict(labels) for labels in series] for name, series in found.values.items()}


TOLD = told()


def promtool(*arguments: str | Path) -> str:
    """Run it; what it says when all is well."""
    program = require_program("promtool")
    done = subprocess.run(
        [program, *arguments], capture_output=True, text=True, check=False, cwd=PROMETHEUS
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def panels(board: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(board.read_text(encoding="utf-8"))["panels"]
    return found


def exprs() -> Iterator[tuple[str, str]]:
    """Yield every expression of rules and dashboards, and where it stands."""
    for rule in RULES:
        yield rule["alert"], rule["expr"]
    for board in BOARDS:
        for panel in panels(board):
            for target in panel.get("targets", ()):
                yield f"{board.stem}: {panel['title']}", target["expr"]


ASKED = list(exprs())


def test_promtool_takes_the_rules_and_the_configuration() -> None:
    """As they stand in the repository."""
    assert f"{len(RULES)} rules found" in promtool("check", "rules", "tidegauge.rules.yaml")
    promtool("check", "config", "--syntax-only", "prometheus.yml")


def test_each_rule_fires_and_each_is_quiet() -> None:
    """By promtool's own tests of rules; none is without either."""
    promtool("test", "rules", "tidegauge.rules.test.yaml")
    fires: set[str] = set()
    quiet: set[str] = set()
    for case in yaml.safe_load((PROMETHEUS / "tidegauge.rules.test.yaml").read_text())["tests"]:
        for asked in case["alert_rule_test"]:
            (fires if asked["exp_alerts"] else quiet).add(asked["alertname"])
    names = {rule["alert"] for rule in RULES}
    assert fires == quiet == names


@pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
def test_a_rule_says_what_is_wrong_and_where_help_is(rule: dict[str, Any]) -> None:
    """The runbook is a heading that there is, and the rule has its line in the document."""
    notes = rule["annotations"]
    assert {*notes} == {"summary", "description", "runbook"}
    assert rule["labels"]["severity"] in {"critical", "high", "warning"}
    document, _, anchor = notes["runbook"].partition("#")
    assert document == "docs/operations.md"
    headings = re.findall(r"^#+ (.+)$", DOCUMENT, re.MULTILINE)
    assert anchor in {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings
    }
    assert f"`{rule['alert']}`" in SECTION


@pytest.mark.parametrize(
    ("where", "expr"), ASKED, ids=[f"{n}-{where}" for n, (where, _) in enumerate(ASKED)]
)
def test_what_is_asked_for_is_there(where: str, expr: str) -> None:
    """Every metric, label and value in an expression is one that the collector tells."""
    for name, matchers in SELECTOR.findall(expr):
        series = TOLD.get(name)
        assert series, f"{where}: there is no {name}"
        for label, how, value in MATCHER.findall(matchers):
            values = {each.get(label) for each in series}
            assert None not in values, f"{where}: {name} has no label {label}"
            if "$" not in value:
                asked = set(value.split("|")) if how == "=~" else {value}
                assert asked <= values, f"{where}: {name} has no {label} {asked - values}"


def test_promtool_parses_every_expression_of_the_dashboards(tmp_path: Path) -> None:
    """Put into a file of rules: Grafana's own words replaced, as Grafana does."""
    rules = [
        {"record": f"x:{number}", "expr": expr.replace("$__rate_interval", "5m")}
        for number, (_where, expr) in enumerate(ASKED)
    ]
    path = tmp_path / "rules.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "boards", "rules": rules}]}))
    assert f"{len(rules)} rules found" in promtool("check", "rules", path)


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.stem)
def test_a_dashboard_is_whole(board: Path) -> None:
    """Each panel says what it shows and asks the source one chose; none covers another."""
    whole = json.loads(board.read_text(encoding="utf-8"))
    assert whole["uid"] == board.stem
    assert whole["title"].startswith("Tidegauge")
    names = {each["name"] for each in whole["templating"]["list"]}
    assert "datasource" in names
    taken: set[tuple[int, int]] = set()
    ids = [panel["id"] for panel in whole["panels"]]
    assert len(ids) == len(set(ids))
    for panel in whole["panels"]:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells
        if panel["type"] != "row":
            assert panel["title"]
            assert panel["description"]
            assert panel["targets"]
    text = board.read_text(encoding="utf-8")
    assert set(re.findall(r"\$\{?([a-z]+)", text.replace("$__rate_interval", ""))) <= names
    assert "http" not in text, "nothing is fetched from elsewhere"


def test_a_variable_of_a_dashboard_asks_for_labels_that_there_are() -> None:
    """`label_values(metric, label)`."""
    for board in BOARDS:
        for each in json.loads(board.read_text(encoding="utf-8"))["templating"]["list"]:
            if each["type"] == "query":
                found = re.fullmatch(r"label_values\((\w+)(?:\{.*\})?, (\w+)\)", each["definition"])
                assert found is not None, each["definition"]
                assert all(found[2] in labels for labels in TOLD[found[1]])


def test_grafana_is_told_where_the_dashboards_and_prometheus_are() -> None:
    """Its provisioning files are read as it reads them."""
    (source,) = yaml.safe_load(
        (GRAFANA / "provisioning" / "datasources" / "tidegauge.yaml").read_text()
    )["datasources"]
    assert (source["type"], source["url"]) == ("prometheus", "http://prometheus:9090")
    (provider,) = yaml.safe_load(
        (GRAFANA / "provisioning" / "dashboards" / "tidegauge.yaml").read_text()
    )["providers"]
    assert provider["options"]["path"] == "/var/lib/grafana/dashboards/tidegauge"


def test_the_document_names_every_metric_and_no_other() -> None:
    """A histogram by its own name."""
    families = {re.sub(r"_(bucket|count|sum)$", "", name) for name in TOLD}
    table = SECTION.partition("| metric |")[2].partition("\n\n")[0]
    assert set(re.findall(r"`(tidegauge_[a-z_]+)`", table)) == families
