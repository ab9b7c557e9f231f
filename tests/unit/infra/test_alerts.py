"""Alerts of infra/ read what the code logs, and mail to whom the budget mails. None was ever seen to be sent."""

import logging
import re

import pytest

from exhaustive.memory import memory_stores
from imagestore.pipeline.sweep import log_queue_lengths
from imagestore.store.queues import BLOB_POISON_QUEUE, WORK_POISON_QUEUE, WORK_QUEUE
from unit.infra import bicep

MONITORING = bicep.text("modules/monitoring.bicep")
IF_SOMEBODY_IS_TOLD = "= if (!empty(alertEmail)) {"
ALERT = bicep.block(
    MONITORING, f"resource givenUp 'Microsoft.Insights/scheduledQueryRules@2023-12-01' {IF_SOMEBODY_IS_TOLD}"
)


def pattern() -> re.Pattern[str]:
    """What the alert's query parses, as a regular expression: texts as they are, each name with the type it states."""
    (query,) = re.findall(r"parse Message with \*(.*?)\*", ALERT)
    parts = re.findall(r'"([^"]*)"|(\w+)(?::(\w+))?', query)
    types = {"": r"(?P<{}>.+?)", "long": r"(?P<{}>-?\d+)"}
    return re.compile("".join(re.escape(text) if text else types[kind].format(name) for text, name, kind in parts))


def test_the_query_reads_the_lines_that_the_sweep_logs(caplog: pytest.LogCaptureFixture) -> None:
    stores = memory_stores()
    stores.work_poison.messages += ["one", "two"]
    with caplog.at_level(logging.INFO):
        log_queue_lengths(stores)
    found = [pattern().search(line.getMessage()) for line in caplog.records]
    assert [(one["Queue"], int(one["Length"])) for one in found if one] == [
        (WORK_QUEUE, 0),
        (WORK_POISON_QUEUE, 2),
        (BLOB_POISON_QUEUE, 0),
    ]


def test_the_queues_it_watches_are_those_in_which_messages_are_given_up() -> None:
    main = bicep.text("main.bicep")
    assert "poisonQueues: filter(queues, queue => endsWith(queue, '-poison'))" in main
    made = bicep.texts(bicep.block(main, "var queues = ["))
    assert {name for name in made if name.endswith("-poison")} == {WORK_POISON_QUEUE, BLOB_POISON_QUEUE}
    assert 'where Queue in ("${join(poisonQueues, \'", "\')}")' in ALERT


def test_it_looks_as_often_as_the_sweep_logs_and_at_the_log_of_the_functions() -> None:
    from imagestore.settings import Settings

    assert Settings().sweep_schedule.startswith("0 */15 ")
    assert "evaluationFrequency: 'PT15M'" in ALERT
    assert "windowSize: 'PT30M'" in ALERT
    assert "scopes: [workspace.id]" in ALERT
    assert "WorkspaceResourceId: workspace.id" in MONITORING


def test_whoever_is_told_of_the_budget_is_told_of_undelivered_events_and_of_what_was_given_up() -> None:
    main = bicep.text("main.bicep")
    group = f"resource actions 'Microsoft.Insights/actionGroups@2023-01-01' {IF_SOMEBODY_IS_TOLD}"
    assert "emailAddress: alertEmail" in bicep.block(MONITORING, group)
    assert "actions: { actionGroups: [actions.id] }" in ALERT
    assert "actionGroupId: monitoring.outputs.actionGroupId" in main
    assert "email: alertEmail" in main
