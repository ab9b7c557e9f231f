"""What only a test picture or a write can tell: events that do not come, a slow answer, versions, no tags."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from imagestore.errors import Refusal, ServiceRefused
from imagestore.pipeline import checks
from imagestore.pipeline.checks import CheckResult, Severity
from imagestore.pipeline.names import staged_name
from imagestore.pipeline.upkeep import doctor
from imagestore.pipeline.upkeep.doctor import SLOW_S, examine
from imagestore.record import Failure, Record, Status, Upload, record_id, tombstone, utc
from unit.web.memory import memory_stores

PROBE_S = 60.0


@dataclass
class Deployment:
    """Functions that take up events, or some of them, whenever the doctor waits."""

    stores: Any
    stages: bool = True
    classifies: bool = True
    follows_deletions: bool = True
    takes_s: float = 1.0
    status: Status = Status.CLASSIFIED
    now: float = 0.0
    name: str = ""

    def monotonic(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.name = next(iter(self.stores.uploads.blobs), self.name)
        present = self.stores.uploads.stat(self.name)
        if present is None and self.follows_deletions:
            self.write(tombstone(self.name, utc()))
        elif present is not None and self.now >= self.takes_s and self.stages:
            self.stores.staging.overwrite(staged_name(self.name), b"", "image/png")
            if self.classifies:
                problem = Failure("classify", "Unavailable", "no model") if self.status is Status.FAILED else None
                upload = Upload(present.etag, 1)
                self.write(Record(record_id(self.name), self.name, self.status, upload=upload, problem=problem))

    def write(self, record: Record) -> None:
        self.stores.records.write(record, None, self.stores.records.read(record.id))


@pytest.fixture
def azure(monkeypatch: pytest.MonkeyPatch) -> Deployment:
    """A deployment in which everything is set up as it should be."""
    deployment = Deployment(memory_stores())
    monkeypatch.setattr(doctor, "time", SimpleNamespace(monotonic=deployment.monotonic))
    for name in ("account", "containers", "queues", "records"):
        monkeypatch.setattr(checks, name, nothing_wrong)
    monkeypatch.setattr(doctor, "_model", lambda stores, path: CheckResult("model", Severity.OK, "is live"))
    return deployment


def nothing_wrong(*_: object) -> Iterator[CheckResult]:
    yield CheckResult("everything", Severity.OK, "is there", service_time=None)


def results(azure: Deployment) -> dict[str, CheckResult]:
    found = examine(azure.stores, Path("model.onnx"), PROBE_S, azure.wait)
    return {one.subject: one for one in found if one.subject in ("events", "deletions")}


def test_a_picture_that_comes_out_classified_and_goes_again_is_well(azure: Deployment) -> None:
    found = results(azure)
    assert {subject: one.severity for subject, one in found.items()} == {
        "events": Severity.OK,
        "deletions": Severity.OK,
    }
    assert azure.stores.uploads.blobs == {}, "nothing of the doctor's own stays"


def test_one_that_takes_long_is_slow(azure: Deployment) -> None:
    azure.takes_s = SLOW_S + 2
    found = results(azure)["events"]
    assert found.severity is Severity.WARNING
    assert "had its record after 12." in found.detail


def test_one_that_is_not_staged_tells_of_the_first_subscription(azure: Deployment) -> None:
    azure.stages = azure.follows_deletions = False
    found = results(azure)
    assert "no record after 60 s, and was not staged" in found["events"].detail
    assert "BlobCreated under uploads/ to the function preprocess" in found["events"].remedy
    assert "deletions" not in found, "of which nothing can be told without a record"
    assert azure.now < PROBE_S + 1, "it waits for that once"
    assert azure.stores.uploads.blobs == {}


def test_one_that_is_staged_and_not_classified_tells_of_the_second(azure: Deployment) -> None:
    azure.classifies = False
    found = results(azure)["events"]
    assert "though it was staged" in found.detail
    assert "BlobCreated under staging/ to the function classify" in found.remedy


def test_a_deletion_that_nobody_follows_tells_of_the_third(azure: Deployment) -> None:
    azure.follows_deletions = False
    found = results(azure)
    assert found["events"].severity is Severity.OK
    assert found["deletions"].severity is Severity.PROBLEM
    assert "its record is still there after 60 s" in found["deletions"].detail
    assert "BlobDeleted to the queue work" in found["deletions"].remedy


def test_one_that_fails_says_why(azure: Deployment) -> None:
    azure.status = Status.FAILED
    found = results(azure)["events"]
    assert found.severity is Severity.PROBLEM
    assert "ended as failed: no model" in found.detail


def written(monkeypatch: pytest.MonkeyPatch, answer: bool | ServiceRefused) -> CheckResult:
    """The result of the write with a tag, to which the account answers so."""

    def write_probe(*_: object) -> bool:
        if isinstance(answer, ServiceRefused):
            raise answer
        return answer

    monkeypatch.setattr(doctor, "write_probe", write_probe)
    names = SimpleNamespace(thumbnails="thumbnails", staging="staging")
    storage = SimpleNamespace(string=None)
    stores: Any = SimpleNamespace(names=names, storage=storage)
    return doctor._writing(stores)


def test_an_account_that_keeps_versions_is_a_warning_with_the_rule_to_add(monkeypatch: pytest.MonkeyPatch) -> None:
    found = written(monkeypatch, True)
    assert found.severity is Severity.WARNING
    assert "works; the account keeps a version" in found.detail
    assert "deletes old versions in staging" in found.remedy


def test_an_account_without_tags_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    found = written(monkeypatch, ServiceRefused(Refusal.NO_TAGS, "no"))
    assert found.severity is Severity.PROBLEM
    assert "hierarchical namespace is on" in found.detail
    assert "Use an account without" in found.remedy
