"""What a change of the model makes to be done again, and how a run that was stopped goes on."""

from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from exhaustive.memory import memory_stores
from exhaustive.test_commit import classified
from imagestore.errors import NotFound
from imagestore.pipeline import tasks
from imagestore.pipeline.upkeep.reprocess import (
    BACKLOG,
    Reprocessed,
    ReprocessProgress,
    is_outdated,
    needed,
    queue_again,
    reprocess,
)
from imagestore.record import Failure, Record, Staged, tombstone
from imagestore.store import Listed
from preprocess import ImageSpec, Reason

SPEC = ImageSpec(224, 224, 1, 0.875)
MODEL: Any = SimpleNamespace(spec=SPEC, ref=SimpleNamespace(sha256="a" * 64))


def only(model: Any) -> Any:
    """Models of which one classifies everything."""
    return SimpleNamespace(
        current=lambda name: SimpleNamespace(model=model, sha256=model.ref.sha256),
        fingerprint=lambda: model.ref.sha256,
        called=lambda: ("mine 2",),
    )


MODELS = only(MODEL)


def staged(width: int = 224) -> Record:
    return replace(classified("1", "tabby"), staged=Staged("a.png", 1, width, 224, 1, 0.875))


def by_the_new_model() -> Record:
    record = staged()
    assert record.prediction is not None
    return replace(
        record, prediction=replace(record.prediction, model=replace(record.prediction.model, sha256="a" * 64))
    )


REJECTED = replace(staged(), problem=Failure("preprocess", Reason.CORRUPT, ""), prediction=None)
FAILED = replace(staged(), problem=Failure("classify", "Unavailable", ""), prediction=None)


@pytest.mark.parametrize(
    ("record", "step"),
    [
        (None, tasks.PREPROCESS),
        (tombstone("a.jpg", ""), tasks.PREPROCESS),
        (staged(), tasks.CLASSIFY),
        (staged(width=260), tasks.PREPROCESS),
        (FAILED, tasks.CLASSIFY),
        (REJECTED, None),
        (by_the_new_model(), None),
    ],
)
def test_an_upload_begins_again_where_it_must(record: Record | None, step: str | None) -> None:
    assert needed(record, "1", MODEL) == step


def test_another_version_of_an_upload_begins_at_the_beginning() -> None:
    assert needed(by_the_new_model(), "2", MODEL) == tasks.PREPROCESS


def test_no_model_is_late_for_what_is_rejected_or_deleted() -> None:
    outdated = [is_outdated(record, "a" * 64) for record in (staged(), FAILED, REJECTED, tombstone("a.jpg", ""))]
    assert outdated == [True, True, False, False]


class Notes:
    """What the registry of models does for a checkpoint."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def note(self, name: str, data: bytes) -> None:
        self.kept[name] = data

    def noted(self, name: str) -> bytes:
        if name not in self.kept:
            raise NotFound(name)
        return self.kept[name]


@pytest.fixture
def stores() -> Any:
    """Three pages of two uploads, none of which has a record."""
    stores = memory_stores()
    stores.models = Notes()
    stores.work.due = lambda: 0
    stores.records.read = lambda id: None
    stores.records.count = lambda status: 2
    blob = Listed("", "1", 1, None, None, {})  # type: ignore[arg-type]

    def pages(marker: str | None = None) -> Iterator[tuple[list[Listed], str | None]]:
        for page in range(int(marker or 0), 3):
            yield [replace(blob, name=f"{page}/{n}.jpg") for n in range(2)], str(page + 1) if page < 2 else None

    stores.uploads.list = pages
    return stores


def queued(stores: Any) -> list[str]:
    return [tasks.parse(message).name for message in stores.work.messages]


def test_a_stopped_run_goes_on_with_the_page_it_was_in(stores: Any) -> None:
    run = queue_again(stores, MODELS)
    assert [next(run).name for _ in range(4)] == ["0/0.jpg", "0/1.jpg", "1/0.jpg", "1/1.jpg"]
    run.close()  # type: ignore[attr-defined]
    assert [looked.name for looked in queue_again(stores, MODELS)] == ["1/0.jpg", "1/1.jpg", "2/0.jpg", "2/1.jpg"]
    assert len(list(queue_again(stores, MODELS))) == 6, "a run that is complete begins anew"


def test_a_run_for_another_model_begins_anew(stores: Any) -> None:
    for _, looked in zip(range(4), queue_again(stores, MODELS), strict=False):
        assert looked.queued == tasks.PREPROCESS
    other: Any = SimpleNamespace(spec=SPEC, ref=SimpleNamespace(sha256="newer"))
    assert len(list(queue_again(stores, only(other)))) == 6


def test_it_waits_while_enough_tasks_are_due(stores: Any) -> None:
    due = [BACKLOG, BACKLOG, 0]
    stores.work.due = lambda: due.pop(0) if due else 0
    waits: list[float] = []
    next(queue_again(stores, MODELS, waits.append))
    assert len(waits) == 2
    assert queued(stores) == ["0/0.jpg"]


def test_it_is_settled_once_a_pass_finds_nothing_to_queue(stores: Any) -> None:
    stores.records.read = lambda id: SimpleNamespace(record=replace(by_the_new_model(), id=id))
    told: list[ReprocessProgress] = []
    assert reprocess(stores, MODELS, told.append) == Reprocessed(("mine 2",), 6, 0, is_settled=True)
    assert told[-1] == ReprocessProgress(passes=1, seen=6, total=8, queued=0)
    assert queued(stores) == []


def test_it_is_not_settled_by_a_pass_in_which_the_models_changed(stores: Any) -> None:
    stores.records.read = lambda id: SimpleNamespace(record=replace(by_the_new_model(), id=id))
    changing: Any = only(MODEL)
    prints = iter(["a", "a", "b"])
    changing.fingerprint = lambda: next(prints, "b")
    told: list[ReprocessProgress] = []
    assert reprocess(stores, changing, told.append, sleep=lambda seconds: None).is_settled
    assert told[-1].passes == 2


def test_what_cannot_be_done_is_looked_at_some_times_and_given_up(stores: Any) -> None:
    told: list[ReprocessProgress] = []
    result = reprocess(stores, MODELS, told.append, sleep=lambda seconds: None)
    assert not result.is_settled
    assert (result.seen, result.queued) == (6, 24)
    assert [one.seen for one in told if one.passes == 2][:6] == [1, 2, 3, 4, 5, 6]
