"""A model that Custom Vision exported, end to end on a running stack: added, routed, made live, asked."""

from pathlib import Path

import pytest

import commands
from imagestore.local.supervisor import Stack
from imagestore.record import Status
from unit.model.custom_vision_exports import LABELS, Kind, Sample, archive, graph, picture_files

from .conftest import Pipeline


def imagestore(stack: Stack, *arguments: object, code: int = 0) -> str:
    done = commands.run(*arguments, environment=stack.environment)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return " ".join((done.stdout + done.stderr).split())


@pytest.mark.parametrize("kind", [Kind(side=64), Kind("Rgb8", "Normalized_0_1", maps=True, several=True, side=64)])
def test_an_export_answers_in_the_record_as_its_sample_does(
    kind: Kind, stack: Stack, pipeline: Pipeline, tmp_path: Path
) -> None:
    project = "several" if kind.several else "single"
    exported, export = graph(kind), tmp_path / "export.zip"
    export.write_bytes(archive(exported))
    said = imagestore(stack, "models", "add", export, "--project", project)
    assert f"The project '{project}' is new." in said
    labels = "several a picture, threshold 0.5" if kind.several else "one a picture, threshold 0"
    assert f"{project} 1 is added: 4 labels, {labels}, 64 × 64 pixels." in said
    assert f"{project} 1" in imagestore(stack, "models")
    imagestore(stack, "route", "add", f"{project}/*", "--project", project)
    assert "is live" in imagestore(stack, "promote", "1", "--project", project, "--force")
    try:
        sample = Sample(exported)
        for number, data in enumerate(picture_files(16, seed=7)):
            name = f"{project}/{number}"
            record = pipeline.record(name, pipeline.drop(name, data))
            theirs = sample.predict(data)
            likeliest = max(theirs, key=lambda label: theirs[label])
            assert record.prediction is not None
            assert record.prediction.model.name == project
            for score in record.prediction.top:
                assert score.probability == pytest.approx(theirs[score.label], abs=0.01)
            holding = {label for label, probability in theirs.items() if probability >= 0.5}
            if not kind.several:
                assert (record.label, record.status) == (likeliest, Status.CLASSIFIED)
            else:
                assert record.label == (likeliest if holding else None)
                assert {score.label for score in record.prediction.labels or ()} == holding
    finally:
        imagestore(stack, "route", "remove", f"{project}/*")


def test_an_export_that_cannot_be_used_is_refused(stack: Stack, tmp_path: Path) -> None:
    export = tmp_path / "export.zip"
    export.write_bytes(archive(graph(Kind()), (*LABELS, "one too many")))
    said = imagestore(stack, "models", "add", export, "--project", "refused", code=1)
    assert "export.zip cannot be used: it answers with 4 probabilities, and there are 5 labels." in said
    assert "refused" not in imagestore(stack, "projects", "list")
    export.write_bytes(archive(graph(Kind()), others={"cvexport.manifest": b'{"DomainType": "ObjectDetection"}'}))
    assert "it detects objects in a picture" in imagestore(stack, "models", "add", export, code=1)


def test_an_added_version_is_exported_with_a_script(stack: Stack, tmp_path: Path) -> None:
    export = tmp_path / "export.zip"
    export.write_bytes(archive(graph(Kind())))
    imagestore(stack, "models", "add", export, "--project", "taken out", "--threshold", "0.4")
    imagestore(stack, "models", "export", "1", tmp_path / "out", "--project", "taken out")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "labels.txt",
        "manifest.json",
        "model.onnx",
        "predict.py",
    }
    said = imagestore(stack, "models", "add", tmp_path / "out" / "model.onnx", "--project", "taken out")
    assert "2 is added: 4 labels, one a picture, threshold 0.4" in said
