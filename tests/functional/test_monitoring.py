"""What deploy/ has for Prometheus and Grafana names metrics that exist, uses them as what they are, and says what to do."""
from __future__ import annotations

import json
import re
import shutil
import subprocess

import pytest

from conftest import ROOT, wait_until
from s3_server import own_s3_server  # noqa: F401 (fixture)

RULES = ROOT / "deploy" / "prometheus" / "alerts.yml"
DASHBOARD = ROOT / "deploy" / "grafana" / "mitosis.json"
# Functions that need a counter, and those that make no sense of one.
OF_COUNTERS = ("rate", "irate", "increase")
OF_GAUGES = ("predict_linear", "deriv", "delta", "min_over_time", "max_over_time")
# Labels that Prometheus itself adds to what it scrapes.
ADDED = {"job", "instance"}


def alerts() -> list[dict]:
    """The rules. The file keeps to one form, so that this needs no YAML parser: a key a line, texts on one line."""
    found: list[dict] = []
    for line in RULES.read_text().splitlines():
        key, _, value = line.strip().partition(": ")
        if value[:1] == "'":
            assert value[-1] == "'" and "'" not in value[1:-1].replace("''", ""), line
            value = value[1:-1].replace("''", "'")
        if key == "- alert":
            found.append({"alert": value})
        elif found and value:
            assert key in ("expr", "for", "severity", "summary", "description", "runbook_url") and key not in found[-1], line
            found[-1][key] = value
    return found


def panels() -> list[dict]:
    return [panel for panel in json.loads(DASHBOARD.read_text())["panels"] if panel["type"] != "row"]


def expressions() -> list[tuple[str, str]]:
    named = [(rule["alert"], rule["expr"]) for rule in alerts()]
    return named + [(panel["title"], target["expr"]) for panel in panels() for target in panel["targets"]]


class Metrics:
    """A real answer: the type of each name, and the labels that its samples have."""

    def __init__(self, text: str):
        self.types = dict(re.findall(r"^# TYPE (\w+) (\w+)$", text, re.M))
        self.labels: dict[str, set[str]] = {}
        self.values: dict[str, float] = {}
        for name, labels, value in re.findall(r"^(\w+)(?:\{(.*)\})? (\S+)$", text, re.M):
            self.labels.setdefault(name, set()).update(re.findall(r"(\w+)=", labels))
            self.values[name] = float(value)


def ask(coordinator) -> Metrics:
    status, _, body = coordinator.api.request("GET", "/metrics")
    assert status == 200
    return Metrics(body.decode())


@pytest.fixture(scope="module")
def metrics(tmp_path_factory):
    from conftest import Tools
    tools = Tools(tmp_path_factory.mktemp("metrics"))
    try:
        yield ask(tools.coordinator())
    finally:
        tools.end()


def test_names_labels_and_types_are_those_of_the_coordinator(metrics):
    assert len(alerts()) > 10 and len(panels()) > 15
    for where, expression in expressions():
        names = re.findall(r"\bmito_\w+", expression)
        assert names, where
        for name in names:
            assert name in metrics.types, f"{where}: {name} does not exist"
        for name, labels in re.findall(r"(mito_\w+)\{([^}]*)\}", expression):
            unknown = set(re.findall(r"(\w+)\s*[=!]", labels)) - metrics.labels[name] - ADDED
            assert not unknown, f"{where}: {name} has no label {unknown}"
        for function, name in re.findall(r"\b(\w+)\((mito_\w+)", expression):
            if function in OF_COUNTERS:
                assert metrics.types[name] == "counter", f"{where}: {function}() of {name}, a {metrics.types[name]}"
            if function in OF_GAUGES:
                assert metrics.types[name] == "gauge", f"{where}: {function}() of {name}, a {metrics.types[name]}"
        for counter in re.findall(r"mito_\w+_total\b", expression):
            assert re.search(rf"\b(?:{'|'.join(OF_COUNTERS)})\({counter}(?:\{{[^}}]*\}})?\[", expression), f"{where}: {counter} bare"
        assert expression.count("(") == expression.count(")")


def test_each_alert_says_what_it_is_and_where_more_is():
    names = [rule["alert"] for rule in alerts()]
    assert len(set(names)) == len(names)
    for rule in alerts():
        assert re.fullmatch(r"Mitosis\w+", rule["alert"])
        assert rule["severity"] in ("warning", "critical") and rule["summary"] and len(rule["description"]) > 30, rule["alert"]
        assert re.fullmatch(r"\d+[mh]", rule.get("for", "1m"))
        assert rule["runbook_url"] == f"docs/guide/operation.md#{rule['alert'].lower()}"


def test_the_guide_explains_each_alert():
    headings = {re.sub(r"[^\w -]", "", title).strip().lower().replace(" ", "-")
                for title in re.findall(r"^#+ +(.*)$", (ROOT / "docs" / "guide" / "operation.md").read_text(), re.M)}
    missing = [rule["alert"] for rule in alerts() if rule["alert"].lower() not in headings]
    assert not missing, f"docs/guide/operation.md has no heading for {missing}"


def test_what_an_operator_must_know_is_watched():
    watched = " ".join(rule["expr"] for rule in alerts())
    for name in ("oldest_queued_seconds", "workers_lost_total", "commit_p99_seconds", "object_errors_total", "object_store_away", "data_free_bytes",
                 "active", "database_away", "commands_refused_total"):
        assert f"mito_{name}" in watched, name


def test_the_dashboard_is_whole():
    board = json.loads(DASHBOARD.read_text())
    assert board["title"] == "Mitosis" and board["uid"]
    ids = [panel["id"] for panel in board["panels"]]
    assert len(set(ids)) == len(ids)
    taken = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
        assert place["x"] + place["w"] <= 24 and not cells & taken, f"{panel['title']} lies over another"
        taken |= cells
    variables = {variable["name"] for variable in board["templating"]["list"]}
    assert set(re.findall(r"\$\{?(\w+)", json.dumps(board))) <= variables | {"__rate_interval"}
    assert all(panel["description"] and panel["fieldConfig"]["defaults"]["unit"] for panel in panels())


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is missing (Debian's package prometheus)")
def test_prometheus_takes_rules_and_configuration(tmp_path):
    shutil.copy(RULES, tmp_path)
    (tmp_path / "token").write_text("token")
    configuration = (RULES.parent / "prometheus.yml").read_text()
    configuration = re.sub(r"credentials_file: \S+", f"credentials_file: {tmp_path / 'token'}", configuration)
    (tmp_path / "prometheus.yml").write_text(configuration)
    checked = subprocess.run(["promtool", "check", "config", str(tmp_path / "prometheus.yml")], text=True, capture_output=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_example_of_scraping_is_answered(tools):
    """The path and the form of the token that prometheus.yml has."""
    text = (RULES.parent / "prometheus.yml").read_text()
    path = re.search(r"metrics_path: (\S+)", text).group(1)
    assert "credentials_file:" in text and "alerts.yml" in text
    coordinator = tools.coordinator("--metrics-token", "secret")
    assert coordinator.api.request("GET", path)[0] == 403
    status, headers, body = coordinator.api.request("GET", path, headers={"Authorization": "Bearer secret"})
    assert status == 200 and b"mito_active 1" in body
    assert "version=0.0.4" in {name.lower(): value for name, value in headers.items()}["content-type"]


def test_the_age_of_the_queue_and_room_on_the_volume_are_told(tools):
    coordinator = tools.coordinator()
    assert ask(coordinator).values["mito_oldest_queued_seconds"] == 0
    admin = coordinator.api.login()
    coordinator.api.submit(admin, ["true"])
    wait_until(lambda: ask(coordinator).values["mito_oldest_queued_seconds"] > 0.2, 10, "a task that grows old")
    values = ask(coordinator).values
    assert values["mito_oldest_queued_seconds"] < 60
    assert 0 < values["mito_data_free_bytes"] <= values["mito_data_size_bytes"]
    coordinator.stop()
    # Its age is known again after a start.
    again = tools.coordinator()
    assert values["mito_oldest_queued_seconds"] < ask(again).values["mito_oldest_queued_seconds"] < 600
    tools.worker(again.url)
    wait_until(lambda: ask(again).values["mito_oldest_queued_seconds"] == 0, 20, "an empty queue")


def test_an_object_store_that_goes_away_is_noticed(tools, own_s3_server):  # noqa: F811
    coordinator = tools.coordinator(*own_s3_server.arguments())
    assert ask(coordinator).values["mito_object_store_away"] == 0
    own_s3_server.kill()
    wait_until(lambda: ask(coordinator).values["mito_object_store_away"] == 1, 30, "the loss of the store")
    assert ask(coordinator).values["mito_object_errors_total"] > 0
    own_s3_server.start()
    wait_until(lambda: ask(coordinator).values["mito_object_store_away"] == 0, 30, "its return")
    assert "answers again" in coordinator.output()


def test_a_lost_worker_is_counted(tools):
    coordinator = tools.coordinator("--heartbeat-timeout", "1s")
    admin = coordinator.api.login()
    coordinator.api.call("POST", "/workers", {"tags": [], "labels": [], "groups": ["mitosis_admin"]}, admin)
    wait_until(lambda: ask(coordinator).values["mito_workers_lost_total"] == 1, 20, "the loss")
    assert ask(coordinator).values["mito_workers"] == 0
