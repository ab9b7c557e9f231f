"""A project whose pictures have several labels, end to end on a stack: learned, promoted, classified, corrected."""

from pathlib import Path

import pytest

import commands
from bench.drawn import drawn
from imagestore.errors import GateOverride
from imagestore.pipeline.correct import correct
from imagestore.pipeline.live import add_route, remove_route
from imagestore.record import Status
from imagestore.store.projects import LabelsPerPicture
from model.default.build import DEFAULT
from model.promote import promote
from model.training.recipe import Held
from model.training.train import TrainingOptions
from model.versions import gather, train_version
from preprocess import Fit, Limits
from unit.model.labelled_pictures import quiet
from unit.pictures import encoded

from .conftest import Pipeline, Site

PROJECT = "drawn-shapes"
HOW = Held(colour=True, fit=Fit.PAD, level=False, backbone="lite0", views=0)


def shape(seed: int) -> tuple[bytes, tuple[str, ...]]:
    """A picture of up to two shapes, and its labels."""
    picture, labels = drawn(seed, ("circle", "cross"), ("red", "blue"))
    return encoded(picture), labels


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """Each picture lies under every label that it shows."""
    for seed in range(120):
        data, labels = shape(seed)
        for label in labels:
            (tmp_path / label).mkdir(exist_ok=True)
            (tmp_path / label / f"{seed}.png").write_bytes(data)
    return tmp_path


def trained(pipeline: Pipeline, folders: list[Path], version: str) -> None:
    gathered = gather(pipeline.stores, pipeline.stores.projects.open(PROJECT), folders, Limits(), quiet)
    made = train_version(
        pipeline.stores, gathered, PROJECT, lambda number: TrainingOptions(PROJECT, number, HOW), Limits(), quiet
    )
    assert made.version == version


def test_the_whole_way(pipeline: Pipeline, site: Site, folders: Path) -> None:
    stores = pipeline.stores
    stores.projects.create(PROJECT, "the test", LabelsPerPicture.SEVERAL)
    trained(pipeline, [folders], "1")
    add_route(stores, f"{PROJECT}/*", PROJECT, "the test")
    nothing = GateOverride.NOTHING
    done = promote(stores, DEFAULT, PROJECT, "1", by="the test", override=nothing, limits=Limits(), progress=quiet)
    assert done.entry.note.startswith("Better than guessing: macro-F1 0.")
    try:
        sent = {}
        for seed in range(1000, 1012):
            data, labels = shape(seed)
            name = f"{PROJECT}/{seed}.png"
            sent[name] = (pipeline.drop(name, data, "image/png"), labels)
        records = {name: pipeline.record(name, etag) for name, (etag, _) in sent.items()}
        assert all(record.labels is not None for record in records.values())
        right = sum(set(records[name].labels or ()) == set(labels) for name, (_, labels) in sent.items())
        assert right >= 6, {name: (records[name].labels, labels) for name, (_, labels) in sent.items()}
        surest = next(record for record in records.values() if len(record.labels or ()) >= 2)
        assert (surest.status, surest.project) == (Status.CLASSIFIED, PROJECT)
        assert surest.label == (surest.labels or ())[0]

        said = commands.run("models", "show", "1", "--name", PROJECT, environment=pipeline.stack.environment).stdout
        assert "All labels right on" in said
        assert "average precision" in said
        page = site.get(f"{site.base}/models").text
        assert "mean average precision" in page
        assert "with all labels right" in page

        name = next(iter(sent))
        correct(stores, name, "blue", "ada", others=["circle", "cross"])
        trained(pipeline, [], "2")
        learned = stores.models.read(PROJECT, "2", "training.json")
        assert b'["blue","circle","cross"]' in learned
    finally:
        remove_route(stores, f"{PROJECT}/*")
