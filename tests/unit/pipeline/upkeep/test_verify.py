"""Whatever the stores disagree about is found, and has a task that resolves it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from imagestore.pipeline import tasks
from imagestore.pipeline.names import result_name, staged_name
from imagestore.pipeline.upkeep.verify import MENDED_BY, Difference, Kind, mend, verify
from imagestore.record import Status
from imagestore.store import Listed
from imagestore.store.records import Summary
from imagestore.store.tags import tags_for
from unit.web.memory import MemoryQueue

NAME = "garden/a.jpg"
OLD = datetime.now(UTC) - timedelta(hours=1)


@dataclass
class Stores:
    """Stores that agree about one classified upload, until a test changes something."""

    uploads: dict[str, Listed] = field(default_factory=dict)
    staging: set[str] = field(default_factory=lambda: {staged_name(NAME)})
    results: dict[str, str] = field(default_factory=lambda: {result_name(NAME): "r1"})
    records: dict[str, Summary] = field(default_factory=dict)
    keep_results: bool = False

    def __post_init__(self) -> None:
        self.upload(tags_for("u1", Status.CLASSIFIED, "cat"))
        self.record(Status.CLASSIFIED, "cat")

    def upload(self, tags: dict[str, str], etag: str = "u1", modified: datetime = OLD) -> None:
        self.uploads[NAME] = Listed(NAME, etag, 1, modified, None, tags)

    def record(self, status: Status, label: str | None, etag: str = "u1") -> None:
        self.records[NAME] = Summary(NAME, str(status), label, etag, "r1")

    def differences(self, min_age_s: float = 0) -> list[Difference]:
        def listing(blobs: list[Listed]) -> Any:
            return SimpleNamespace(list=lambda marker=None, tags=False: [(blobs, None)])

        stores: Any = SimpleNamespace(
            uploads=listing(list(self.uploads.values())),
            staging=listing([Listed(name, "s", 1, OLD, None, {}) for name in self.staging]),
            results=listing([Listed(name, etag, 1, OLD, None, {}) for name, etag in self.results.items()]),
            records=SimpleNamespace(summaries=lambda: list(self.records.values())),
            names=SimpleNamespace(keep_results=self.keep_results),
        )
        return list(verify(stores, min_age_s))


@pytest.fixture
def stores() -> Stores:
    return Stores()


def test_stores_that_agree_have_no_differences(stores: Stores) -> None:
    assert stores.differences() == []


def test_an_upload_without_a_record_or_with_that_of_another_version_is_preprocessed_again(stores: Stores) -> None:
    stores.record(Status.CLASSIFIED, "cat", etag="u0")
    assert stores.differences() == [Difference(NAME, Kind.OTHER_VERSION)]
    stores.record(Status.DELETED, None)
    assert stores.differences() == [Difference(NAME, Kind.NO_RECORD)]
    stores.records.clear()
    assert stores.differences() == [Difference(NAME, Kind.NO_RECORD)]


def test_a_result_that_is_missing_or_another_and_wrong_tags_are_repaired(stores: Stores) -> None:
    stores.results[result_name(NAME)] = "r0"
    stores.upload(tags_for("u1", Status.CLASSIFIED, "dog"))
    assert stores.differences() == [Difference(NAME, Kind.OTHER_RESULT), Difference(NAME, Kind.TAGS)]
    stores.results.clear()
    assert Difference(NAME, Kind.NO_RESULT) in stores.differences()


def test_only_what_was_classified_needs_a_staged_picture(stores: Stores) -> None:
    stores.staging.clear()
    assert stores.differences() == [Difference(NAME, Kind.NO_STAGED)]
    stores.record(Status.REJECTED, None)
    stores.upload(tags_for("u1", Status.REJECTED, None))
    assert stores.differences() == []


def test_what_has_no_upload_any_more_is_cleaned_up(stores: Stores) -> None:
    stores.uploads.clear()
    kinds = [Kind.ORPHAN_RECORD, Kind.ORPHAN_RESULT, Kind.ORPHAN_STAGED]
    assert stores.differences() == [Difference(NAME, kind) for kind in kinds]
    stores.record(Status.DELETED, None)
    stores.keep_results = True
    assert stores.differences() == [Difference(NAME, Kind.ORPHAN_STAGED)], "results may outlive their uploads"


def test_an_upload_that_may_still_be_in_progress_is_left_out(stores: Stores) -> None:
    stores.records.clear()
    stores.upload({}, modified=datetime.now(UTC))
    assert stores.differences(min_age_s=60) == []
    assert stores.differences() == [Difference(NAME, Kind.NO_RECORD)]


@pytest.mark.parametrize("kind", Kind)
def test_every_difference_has_a_task_that_resolves_it(kind: Kind) -> None:
    queue = MemoryQueue("work")
    stores: Any = SimpleNamespace(work=queue)
    mend(stores, Difference(NAME, kind))
    (message,) = queue.messages.values()
    assert tasks.parse(message) == tasks.Task(MENDED_BY[kind], NAME)
