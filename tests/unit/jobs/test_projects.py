"""Projects are not deleted, nor purged, under work that is under way; what outlives one all the same harms no other."""

from types import SimpleNamespace
from typing import Any

import pytest

from imagestore.errors import Conflict
from imagestore.jobs.board import JobBoard
from imagestore.jobs.job import Arguments, Importing, JobKind
from imagestore.jobs.projects import delete_project, purge
from imagestore.pipeline.models import projects
from imagestore.store.models import MODEL_FILE
from imagestore.store.training import PictureFacts, SplitFile, TrainingPictures
from model.training.former_form import Moved, migrate
from unit.memory_items import MemoryItems
from unit.model.labelled_pictures import quiet
from unit.web.memory import MemoryBlobs, registry

SHA256 = "ab" * 32
ID = "0b5f3c1e-8a45-4d1c-9d55-5a7f0d4f9a10"
WORK = [
    (JobKind.TRAIN, Arguments("screws")),
    (JobKind.INSPECT, Arguments("screws", "1")),
    (JobKind.IMPORT, Arguments(importing=Importing("https://elsewhere.example.org", "Screws"))),
    (JobKind.IMPORT, Arguments(importing=Importing("https://elsewhere.example.org", ID.upper()))),
]


@pytest.fixture
def stores() -> Any:
    stores: Any = SimpleNamespace(**registry(), training=MemoryBlobs("training"), jobs=MemoryItems())
    stores.projects.create("screws", "me", id=ID)
    stores.models.keep("screws", "1", {MODEL_FILE: b"model"})
    for name in ("mine", "screws"):
        pictures = TrainingPictures(stores.training, name)
        pictures.put_split(SplitFile(), None)
        pictures.put_facts(SHA256, PictureFacts(labels=("rose",)), None)
        pictures.put_picture(SHA256, b"picture")
    return stores


def of_screws(stores: Any) -> set[str]:
    return {name for name in stores.training.blobs if name.startswith("screws/")}


@pytest.mark.parametrize(("kind", "arguments"), WORK)
def test_a_project_with_a_job_is_not_deleted_until_that_has_ended(
    stores: Any, kind: JobKind, arguments: Arguments
) -> None:
    board = JobBoard(stores.jobs)
    board.put(JobKind.TRAIN, "me", Arguments("mine"))
    job = board.put(kind, "me", arguments)
    with pytest.raises(Conflict, match=f"'screws' waits .*, job {job.id}.: wait for it, or imagestore jobs cancel"):
        delete_project(stores, "screws", "me")
    board.cancel(job.id)
    assert delete_project(stores, "screws", "me").deleted is not None


@pytest.mark.parametrize(("kind", "arguments"), WORK)
def test_what_was_deleted_beside_a_job_is_purged_once_that_has_ended(
    stores: Any, kind: JobKind, arguments: Arguments
) -> None:
    """A job that was put in the moment after, or by a version that did not look."""
    projects.delete_project(stores, "screws", "me")
    job = JobBoard(stores.jobs).put(kind, "me", arguments)
    before = of_screws(stores)
    assert list(purge(stores, 0)) == []
    assert of_screws(stores) == before
    JobBoard(stores.jobs).cancel(job.id)
    assert [project.name for project, _ in purge(stores, 0)] == ["screws"]
    assert of_screws(stores) == set()


def test_what_work_that_outlived_a_purge_writes_blocks_no_project_and_never_comes_back(stores: Any) -> None:
    delete_project(stores, "screws", "me")
    list(purge(stores, 0))
    late = ["computed-looks-0123456789abcdef01234567.npz", SHA256, f"{SHA256}.json", "cd" * 32]
    for name in late:
        stores.training.overwrite(f"screws/{name}", b"{}", "application/octet-stream")
    mine = TrainingPictures(stores.training, "mine")
    mine.demand_migrated(stores.projects.gone)
    before = list(mine.list())
    assert migrate(stores.training, "mine", quiet, stores.projects.gone()) == Moved(0, 0)
    assert list(mine.list()) == before
    assert [(project.name, files) for project, files in purge(stores, 0)] == [("screws", len(late))]
    assert of_screws(stores) == set()


def test_what_was_computed_and_what_is_known_of_a_picture_is_no_picture_of_an_earlier_version(stores: Any) -> None:
    for name in ("computed-looks-0123456789abcdef01234567.npz", f"{SHA256}.json"):
        stores.training.overwrite(f"unheard-of/{name}", b"{}", "application/octet-stream")
    assert migrate(stores.training, "mine", quiet) == Moved(0, 0)
