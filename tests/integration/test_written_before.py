"""The data folder of version 0.1 is taken over as it is, with what waited in its queues, and nothing differs then.

`tests/written_before/local.tar.xz` is such a folder, of which the logs that nothing reads are left out. Version 0.1
made it: eight uploads and one that was deleted, a correction, two trainings on labelled pictures, two promotions, a
reprocess; then its functions were stopped, and three more uploads and five messages were left to wait. The files of its
trained models hold `model.onnx` of the same folder, under their own names, since its own have 13 MB.
"""

import tarfile
from collections.abc import Iterator

import pytest

import commands
from imagestore.errors import NotFound
from imagestore.local.ports import Ports
from imagestore.local.supervisor import Options, Stack
from imagestore.record import Record, Status, record_id
from imagestore.settings import ROOT
from imagestore.store.training import MINE, Part, TrainingPictures
from unit.pictures import encoded, photo

from .conftest import Pipeline, eventually

BEFORE = ROOT / "tests" / "written_before"
GARDEN = [f"garden/{n} ü's.png" for n in range(3)]
SKY = [f"sky/{n}.png" for n in range(3)]
LATE = ["late/event only.png", "late/queued.png", "late/staged.png"]


@pytest.fixture(scope="module")
def taken_over(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    folder = tmp_path_factory.mktemp("before")
    with tarfile.open(BEFORE / "local.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    values = {"MODEL": str(BEFORE / "model.onnx"), "MODEL_POLL_SECONDS": "0.3", "RETRY_DELAYS_SECONDS": "1,1,2"}
    with Stack(Options(ports=Ports.from_base(24150), folder=folder, workers=1, values=values)) as stack:
        stack.start(lambda what: None)
        yield Pipeline(stack)


def record(pipeline: Pipeline, name: str) -> Record:
    stored = pipeline.stores.records.read(record_id(name))
    assert stored is not None
    return stored.record


def imagestore(pipeline: Pipeline, *arguments: str) -> str:
    done = commands.run(*arguments, environment=pipeline.stack.environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return " ".join(done.stdout.split())


def test_what_version_0_1_wrote_and_left_to_be_done_is_whole_afterwards(taken_over: Pipeline) -> None:
    stores = taken_over.stores
    eventually(taken_over.is_idle, "what waited to be done")
    eventually(lambda: record(taken_over, SKY[2]).status is Status.DELETED, "what a message asks for that waited")
    for name in LATE:
        upload = stores.uploads.stat(name)
        assert upload is not None
        made = taken_over.record(name, upload.etag)
        assert made.prediction is not None
        assert (made.prediction.model.name, made.prediction.model.version) == ("mine", "2")
    before = {name: record(taken_over, name) for name in (*GARDEN, *SKY)}
    for name, found in before.items():
        if name != SKY[2]:
            assert found.prediction is not None
            assert (found.prediction.model.name, found.prediction.model.version) == ("mine", "1")
    corrected = before[SKY[1]].correction
    assert corrected is not None
    assert (corrected.label, before[SKY[1]].label) == ("dark", "dark")
    assert record(taken_over, "notes.txt").status is Status.REJECTED
    assert record(taken_over, "gone.png").status is Status.DELETED
    assert "Everything agrees." in imagestore(taken_over, "verify")

    moved = imagestore(taken_over, "migrate")
    assert "24 labelled pictures moved" in moved
    pictures = {one.source: one for one in TrainingPictures(stores.training, MINE).list()}
    kept = {f"{label}/{n} é.png" for label in ("dark", "light") for n in range(12)}
    assert kept <= pictures.keys()
    assert all(pictures[name].is_there for name in kept)
    assert {pictures[name].labels for name in kept} == {("dark",), ("light",)}
    assert [one.part for one in pictures.values()].count(Part.TEST) == 5, "the test part is as it was"

    listed = imagestore(taken_over, "models")
    assert "mine 1" in listed
    assert "mine 2" in listed
    live = stores.routes.read().default
    assert live is not None
    assert [one.version for one in (live.live, *live.previous)] == ["2", "1", "3"], (
        "the one that came with the app has the version 3 here"
    )
    assert "4 of 5" in imagestore(taken_over, "models", "show", "2")
    assert "mine 1 is live again" in imagestore(taken_over, "rollback")
    new = taken_over.record("new.png", taken_over.drop("new.png", encoded(photo()), "image/png"))
    assert new.prediction is not None
    assert (new.prediction.model.name, new.prediction.model.version) == ("mine", "1")
    assert "with mine 1 now" in imagestore(taken_over, "reprocess")
    for name in (*GARDEN, *SKY[:2], *LATE):
        by = record(taken_over, name).prediction
        assert by is not None
        assert (by.model.name, by.model.version) == ("mine", "1")
    assert record(taken_over, SKY[1]).correction == corrected
    assert "Everything agrees." in imagestore(taken_over, "verify")
    with pytest.raises(NotFound):
        stores.uploads.get(SKY[2])
