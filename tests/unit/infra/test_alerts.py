"""Alerts of infra/ read what the code logs, and mail to whom the budget mails. None was ever seen to be sent."""

import json
import logging
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from exhaustive.memory import memory_stores
from imagestore.pipeline.steps.outcome import tell
from imagestore.pipeline.upkeep.sweep import log_queue_lengths
from imagestore.pipeline.watch.drift import Baseline, Day
from imagestore.pipeline.watch.watched import Watch, WatchedModel
from imagestore.record import Record, Status, record_id, utc
from imagestore.settings import ROOT, Settings
from imagestore.store.queues import BLOB_POISON_QUEUE, WORK_POISON_QUEUE, WORK_QUEUE
from imagestore.telemetry import signals
from imagestore.web.guards.access_log import _write
from imagestore.web.models import watching
from unit.infra import bicep

MONITORING = bicep.text("modules/monitoring.bicep")
ALERTS = bicep.text("modules/alerts.bicep")
MAIN = bicep.text("main.bicep")
WORKBOOK = json.loads(bicep.read(bicep.INFRA / "workbook.json"))
RUNBOOK = bicep.read(ROOT / "docs" / "runbook.md")


def alerts() -> dict[str, dict[str, str]]:
    """Each alert's values by its title, with variables put in."""
    found = {}
    (picture,) = re.findall(r"var picture = '(.*)'", ALERTS)
    for block in bicep.block(ALERTS, "var alerts = [").split("\n  {\n")[1:]:
        values = {name: text for name, text in re.findall(r"(?m)^    (\w+): '?(.*?)'?$", block)}
        values["query"] = values["query"].replace("${picture}", picture).replace(r"\\", "\\")
        found[values["title"]] = values
    return found


def queries() -> dict[str, str]:
    """Every query there is, of alerts and workbook, by its title."""
    parts = [item["content"] for item in WORKBOOK["items"] if item["type"] == 3]
    return {title: one["query"] for title, one in alerts().items()} | {one["title"]: one["query"] for one in parts}


def pattern(query: str) -> re.Pattern[str] | None:
    """What a query parses, as a regular expression: texts as they are, each name with the type it states."""
    found = re.search(r"parse Message with (.*?)(?: \||$)", query)
    if found is None:
        return None
    parts = re.findall(r'"([^"]*)"|(\w+)(?::(\w+))?|(\*)', found[1])
    types = {"": r"(?P<{}>.*?)", "long": r"(?P<{}>-?\d+)", "int": r"(?P<{}>-?\d+)"}
    texts = [
        ".*?" if star else re.escape(text) if text else types[kind].format(name) for text, name, kind, star in parts
    ]
    return re.compile("".join(texts) + "$")


def queue_lines() -> None:
    stores = memory_stores()
    stores.work_poison.messages += ["one", "two"]
    log_queue_lengths(stores)


def picture_line() -> None:
    tell(
        Record(
            record_id("a"), "a", status=Status.FAILED, timings_ms={"preprocess": 21, "classify": 4},
            uploaded_at="2026-11-21T09:00:00.000Z", finished_at="2026-11-21T09:02:30.000Z",
        )
    )  # fmt: skip


def drift_line() -> None:
    today = utc()[:10]
    day = Day(today, 200, 9, 190, 0.31, 2e-11, True)
    model = WatchedModel("a-b", "3", "f" * 64, "", None, Baseline(500, 480, 48, 0.4), [day, replace(day, p=None)])
    anything: Any = None
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(watching, "watch", lambda *_: Watch([model], []))
        watching.DriftLog(anything, anything, anything, anything).tell()


LINES: dict[str, Callable[[], None]] = {
    '"queue=" Queue': queue_lines,
    '"picture id=" Id': picture_line,
    '"drift=" Model': drift_line,
    '"access method=" Method': lambda: _write("GET", {"route": "/pictures/{id}"}, 503, 0.25),
}
"""What is parsed, and what makes the code write such lines."""


@pytest.mark.parametrize("title", queries())
def test_what_a_query_parses_is_what_the_code_writes(title: str, caplog: pytest.LogCaptureFixture) -> None:
    query = queries()[title]
    expression = pattern(query)
    if expression is None:
        return
    (write,) = (write for begin, write in LINES.items() if begin in query)
    with caplog.at_level(logging.INFO):
        write()
    assert caplog.messages
    for line in caplog.messages:
        found = expression.search(line)
        assert found, (expression.pattern, line)
        assert all(value is not None for value in found.groupdict().values())


def test_the_values_are_read_as_they_were_written(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        for write in LINES.values():
            write()
    found: dict[str, list[dict[str, str]]] = {}
    for title, query in queries().items():
        if (expression := pattern(query)) is not None:
            found[title] = [one.groupdict() for line in caplog.messages if (one := expression.search(line))]
    assert [(one["Queue"], one["Length"]) for one in found["Messages that were given up"]] == [
        (WORK_QUEUE, "0"), (WORK_POISON_QUEUE, "2"), (BLOB_POISON_QUEUE, "0"),
    ]  # fmt: skip
    (picture,) = found["Pictures that failed"]
    assert (picture["Status"], picture["TotalMs"]) == ("failed", "150000")
    (drifted,) = found["Pictures have drifted away from a model"]
    assert (drifted["Model"], drifted["Version"], drifted["Drifted"]) == ("a-b", "3", "1")
    (request,) = found["Requests"]
    assert (request["Route"], request["Status"], request["Ms"]) == ("/pictures/{id}", "503", "250")


def test_texts_that_are_looked_for_are_those_of_the_code() -> None:
    code = "".join(
        bicep.read(ROOT / "imagestore" / "pipeline" / name)
        for name in ("upkeep/sweep.py", "steps/dead_letters.py", "steps/retry_later.py")
    )
    assert alerts()["The functions are silent"]["query"].endswith('startswith "sweep seen="')
    assert '"sweep seen=%d' in code
    assert 'has "an event was not delivered"' in alerts()["Events that were not delivered"]["query"]
    assert "an event was not delivered" in code
    (refused,) = re.findall(r'matches regex @"(.*)"', alerts()["A store is asked too much"]["query"])
    assert re.search(refused, "step=classify id=0 attempt=1, again in 1 s: Unavailable: reading: TooManyRequests (429)")
    assert not re.search(refused, "step=classify id=4290 attempt=1, again in 1 s: Unavailable: reading (500)")


def test_metrics_in_the_workbook_are_told_with_the_attributes_it_splits_by() -> None:
    known = {metric.name: set(metric.attributes) for metric in signals.METRICS}
    asked = [query for query in queries().values() if query.startswith("AppMetrics")]
    assert len(asked) >= 4
    for query in asked:
        (name,) = re.findall(r'Name == "([^"]+)"', query)
        assert set(re.findall(r"Properties\.(\w+)", query)) <= known[name]


def test_each_alert_has_its_page_in_the_runbook_and_no_other() -> None:
    titles = re.findall(r"(?m)^## (.*)$", RUNBOOK)
    elsewhere = {"Undelivered events lie in the dead-letter container", "The budget is nearly spent"}
    assert set(titles) == set(alerts()) | elsewhere
    assert "docs/runbook.md" in ALERTS


def test_the_queues_it_watches_are_those_in_which_messages_are_given_up() -> None:
    assert "poisonQueues: filter(queues, queue => endsWith(queue, '-poison'))" in MAIN
    made = bicep.texts(bicep.block(MAIN, "var queues = ["))
    assert {name for name in made if name.endswith("-poison")} == {WORK_POISON_QUEUE, BLOB_POISON_QUEUE}
    assert "var poison = join(poisonQueues, '\", \"')" in ALERTS
    assert 'where Queue in ("${poison}")' in alerts()["Messages that were given up"]["query"]


def test_they_look_as_often_as_the_sweep_logs_and_at_the_workspace_of_the_apps() -> None:
    assert Settings().sweep_schedule.startswith("0 */15 ")
    assert "evaluationFrequency: alert.window == 'P1D' ? 'PT1H' : 'PT15M'" in ALERTS
    assert alerts()["Messages that were given up"]["window"] == "PT30M"
    assert "scopes: [workspaceId]" in ALERTS
    assert "workspaceId: monitoring.outputs.workspaceId" in MAIN
    assert "WorkspaceResourceId: workspace.id" in MONITORING


def test_whoever_is_told_of_the_budget_is_told_of_all_that_goes_wrong() -> None:
    group = "resource actions 'Microsoft.Insights/actionGroups@2023-01-01' = if (!empty(alertEmail)) {"
    assert "emailAddress: alertEmail" in bicep.block(MONITORING, group)
    assert "module alerts 'modules/alerts.bicep' = if (!empty(alertEmail)) {" in MAIN
    assert "actions: { actionGroups: [actionGroupId] }" in ALERTS
    assert MAIN.count("actionGroupId: monitoring.outputs.actionGroupId") == 2
    assert "email: alertEmail" in MAIN


def test_the_workbook_is_deployed_and_names_its_workspace() -> None:
    assert "serializedData: loadTextContent('../workbook.json')" in MONITORING
    assert "sourceId: workspace.id" in MONITORING
    assert len({item["name"] for item in WORKBOOK["items"]}) == len(WORKBOOK["items"])
