"""What the pages and the API tell of a project's training."""

import msgspec
import pytest

from imagestore.errors import Unavailable
from imagestore.jobs.job import Arguments, JobKind
from imagestore.store.labelling import LABELLING_FILE, Labelling
from imagestore.web.answering.training import newest_version, work_on
from imagestore.web.services import Services


def test_work_is_the_latest_training_or_promotion_of_the_project(services: Services) -> None:
    assert work_on(services, "mine").job is None
    first = services.jobs.put(JobKind.TRAIN, "local", Arguments("mine"))
    services.jobs.put(JobKind.TRAIN, "local", Arguments("garden"))
    services.jobs.put(JobKind.REPROCESS, "local")
    found = work_on(services, "mine")
    assert found.job is not None
    assert (found.job.id, found.has_runner, found.is_known) == (int(first.id), False, True)


def test_work_is_not_known_while_the_database_is_away(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise Unavailable("The database does not answer.")

    monkeypatch.setattr(type(services.jobs), "kinds", lambda self: away())
    assert not work_on(services, "mine").is_known


def test_the_newest_version_is_that_of_the_highest_number(services: Services) -> None:
    assert newest_version(services, "mine") == (None, "")
    for version in ("9", "10"):
        services.stores.models.keep("mine", version, {"model.onnx": b"model"})
    assert newest_version(services, "mine")[0] == "10"


def test_corrections_are_new_from_when_the_training_read_the_labels(services: Services) -> None:
    kept = Labelling(10, 0, [], None, "2026-11-21T09:00:00.000Z")
    services.stores.models.keep("mine", "1", {LABELLING_FILE: msgspec.json.encode(kept), "model.onnx": b"model"})
    assert newest_version(services, "mine") == ("1", "2026-11-21T09:00:00.000Z")
