"""Projects on the whole stack: pictures of their own, corrections of their own, and what is deleted."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

import commands
from imagestore.pipeline.labelling.correct import correct
from imagestore.pipeline.models.live import add_route, make_live, remove_route
from imagestore.record import utc
from imagestore.store import PromotionEntry
from model.training.training_set import all_with, open_set
from unit.classify.test_model import tiny
from unit.model.labelled_pictures import scene
from unit.pictures import encoded, photo

from .conftest import Pipeline

TITLE, NAME = "Shelves, level 2", "Shelves-level-2"


def imagestore(
    pipeline: Pipeline, *arguments: object, code: int = 0, answer: str | None = None, **settings: str
) -> str:
    """What a command says, on one line."""
    done = commands.run(*arguments, environment=pipeline.stack.environment | settings)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return " ".join((done.stdout + done.stderr).split())


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    for number, label in enumerate(("full", "empty")):
        (tmp_path / label).mkdir()
        for n in range(3):
            (tmp_path / label / f"{n}.png").write_bytes(encoded(scene(9000 + 10 * number + n)))
    return tmp_path


@pytest.fixture
def routed(pipeline: Pipeline, labelled: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The project has labelled pictures and a live version for its folder."""
    assert f"The project '{TITLE}' is new." in imagestore(pipeline, "train", "import", labelled, "--project", TITLE)
    data = tiny(tmp_path_factory.mktemp("model") / "model.onnx", name=NAME, version="1").read_bytes()
    pipeline.stores.models.keep(NAME, "1", {"model.onnx": data})
    add_route(pipeline.stores, "shelves/*", NAME, "the test")
    entry = PromotionEntry(NAME, "1", hashlib.sha256(data).hexdigest(), utc(), "the test")
    make_live(pipeline.stores, entry, pipeline.stores.routes.read())
    yield
    remove_route(pipeline.stores, "shelves/*")


@pytest.mark.usefixtures("routed")
def test_each_project_has_pictures_corrections_and_versions_of_its_own(pipeline: Pipeline) -> None:
    counted = imagestore(pipeline, "training", "--project", TITLE.upper())
    assert "empty 0 0 0 3 full 0 0 0 3" in counted
    assert "full" not in imagestore(pipeline, "training")
    for name in ("shelves/1.png", "elsewhere/shelf.png"):
        record = pipeline.record(name, pipeline.drop(name, encoded(photo()), "image/png"))
        assert (record.project == NAME) == name.startswith("shelves/")
        correct(pipeline.stores, name, "full", "the test")

    def corrected(project: str) -> set[str]:
        found = all_with(pipeline.stores, open_set(pipeline.stores, project), [])
        return {one.name for one in found if one.is_correction}

    assert corrected(NAME) == {"(corrected) shelves/1.png"}
    assert "(corrected) elsewhere/shelf.png" in corrected("mine")
    assert "(corrected) shelves/1.png" not in corrected("mine")
    assert "Labelled pictures: empty 3, full 3." in imagestore(pipeline, "projects", "show", NAME)
    assert "classifies shelves/*" in imagestore(pipeline, "projects", "delete", NAME, "--yes", code=1)


def test_a_project_is_deleted_after_a_question_and_can_be_taken_back_until_its_day(
    pipeline: Pipeline, labelled: Path
) -> None:
    imagestore(pipeline, "projects", "create", "Doors")
    imagestore(pipeline, "train", "import", labelled, "--project", "Doors")
    asked = imagestore(pipeline, "projects", "delete", "doors", code=1)
    assert "With the project Doors go: 0 versions. Labelled pictures: empty 3, full 3." in asked
    assert "imagestore projects undelete Doors" in imagestore(pipeline, "projects", "delete", "doors", "--yes")
    for refused in (("train", "import", labelled), ("training",), ("promote", "1")):
        said = imagestore(pipeline, *refused, "--project", "Doors", code=1)
        assert "imagestore projects undelete Doors brings it back" in said
    assert imagestore(pipeline, "projects", "purge") == ""
    imagestore(pipeline, "projects", "undelete", "Doors")
    assert "empty 3, full 3" in imagestore(pipeline, "projects", "show", "Doors")
    imagestore(pipeline, "projects", "delete", "Doors", "--yes")
    said = imagestore(pipeline, "projects", "purge", UNDELETE_DAYS="0")
    assert "Doors is gone for good: 13 files." in said
    assert "There is no project 'Doors'" in imagestore(pipeline, "projects", "undelete", "Doors", code=1)
    assert not [blob for page, _ in pipeline.stores.training.list(prefix="Doors/") for blob in page]
