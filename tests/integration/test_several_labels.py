"""A project whose pictures have several labels, end to end on a stack: learned, promoted, classified, corrected."""

import re
from pathlib import Path

import pytest

import commands
from bench.drawn import drawn
from imagestore.errors import GateOverride, PromotionRefused
from imagestore.pipeline.labelling.correct import correct
from imagestore.pipeline.models.live import add_route, remove_route
from imagestore.record import Status
from model.default.build import DEFAULT
from model.promote import promote
from preprocess import Limits
from unit.model.labelled_pictures import quiet
from unit.pictures import encoded

from .conftest import Pipeline, Site

PROJECT = "drawn-shapes"
HOW = ("--colour", "--fit", "pad", "--no-level", "--no-middle-layers", "--backbone", "lite0", "--views", "0")


def shape(seed: int) -> tuple[bytes, tuple[str, ...]]:
    """A picture of up to two shapes, and its labels."""
    picture, labels = drawn(seed, ("circle", "cross"), ("red", "blue"))
    return encoded(picture), labels


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """Each picture lies under every label that it shows, and ten in the folder `none` show no shape."""
    for seed in range(120):
        data, labels = shape(seed)
        for label in labels:
            (tmp_path / "shapes" / label).mkdir(parents=True, exist_ok=True)
            (tmp_path / "shapes" / label / f"{seed}.png").write_bytes(data)
    (tmp_path / "none").mkdir()
    for seed in range(2000, 2010):
        (tmp_path / "none" / f"{seed}.png").write_bytes(encoded(drawn(seed, fewest=0, most=0)[0]))
    return tmp_path


def imagestore(pipeline: Pipeline, *arguments: object) -> str:
    done = commands.run(*arguments, environment=pipeline.stack.environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return " ".join((done.stdout + done.stderr).split())


def test_the_whole_way(pipeline: Pipeline, site: Site, folders: Path) -> None:
    stores = pipeline.stores
    imagestore(pipeline, "projects", "create", PROJECT, "--several-labels")
    ours = ("--project", PROJECT)
    said = imagestore(pipeline, "train", folders / "shapes", "--negative", folders / "none", *ours, *HOW)
    assert "130 labelled pictures, 130 of them new" in said
    assert "All labels right on" in said
    learned_and_tested = re.search(r"\(none of the labels\) (\d+) (\d+) ", said)
    assert learned_and_tested is not None
    assert f"{learned_and_tested[0]}0 0" in imagestore(pipeline, "training", *ours)
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

        said = imagestore(pipeline, "models", "show", "1", *ours)
        assert "All labels right on" in said
        assert "average precision" in said
        page = site.get(f"{site.base}/models").text
        assert "mean average precision" in page
        assert "with all labels right" in page

        name = next(iter(sent))
        correct(stores, name, "blue", "ada", others=["circle", "cross"])
        imagestore(pipeline, "train", *ours, *HOW)
        learned = stores.models.read(PROJECT, "2", "training.json")
        assert b'["blue","circle","cross"]' in learned
        with pytest.raises(PromotionRefused, match="Cannot tell, by two comparisons together: macro-F1"):
            promote(stores, DEFAULT, PROJECT, "2", by="the test", override=nothing, limits=Limits(), progress=quiet)
    finally:
        remove_route(stores, f"{PROJECT}/*")
