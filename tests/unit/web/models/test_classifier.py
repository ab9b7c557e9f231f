"""Pictures that are classified and not kept, in a child process with bounds."""

import hashlib
import os
import signal
import threading
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from classify import ModelError, Vector, load_model, predict
from imagestore.errors import Conflict, NotFound
from imagestore.store import Stores
from imagestore.store.models import Inspection
from imagestore.web.models.classifier import Classifier, Version
from imagestore.web.services import Services
from preprocess import ImageInfo, Limits, PictureError, preprocess
from unit.classify.test_model import tiny
from unit.classify.test_places import by_hand
from unit.pictures import encoded, photo

PICTURE = encoded(photo())


def keep(stores: Stores, data: bytes, project: str = "mine", version: str = "1", **found: Any) -> Version:
    """Keep a version that a job has admitted, unless `found` says otherwise."""
    stores.models.keep(project, version, {"model.onnx": data})
    seen = {"is_admitted": True} | found
    inspection = Inspection(hashlib.sha256(data).hexdigest(), "2026-11-21T09:00:00.000Z", "me", **seen)
    stores.models.keep_inspection(project, version, inspection)
    return Version(project, version)


@pytest.fixture
def small(tmp_path: Path) -> bytes:
    return tiny(tmp_path / "model.onnx").read_bytes()


@pytest.fixture
def classifier(services: Services) -> Any:
    yield services.classifier
    services.classifier.close()
    services.renderer.close()


def of(classifier: Classifier) -> int:
    """The child's process."""
    child = classifier._child
    assert child is not None
    return child.pid


def test_it_says_what_the_pipeline_says_and_of_all_labels(
    classifier: Classifier, stores: Stores, small: bytes, tmp_path: Path
) -> None:
    found = classifier.classify(PICTURE, keep(stores, small))
    model = load_model(tmp_path / "model.onnx")
    _, pixels = preprocess(PICTURE, model.spec, Limits())
    assert found.prediction == predict(model, pixels, len(model.labels))
    assert {score.label for score in found.prediction.top} == set(model.labels)
    assert (found.image.width, found.image.height) == photo().size


def test_the_model_that_came_with_the_app_needs_nobodys_look(classifier: Classifier) -> None:
    found = classifier.classify(PICTURE, None)
    assert len(found.prediction.top) == 1000
    sha256 = found.prediction.model.sha256
    again = classifier.classify(PICTURE, Version("efficientnet-lite0", "2", sha256))
    assert again.prediction == found.prediction, "also where a rollback made it live"


def test_only_a_version_that_was_admitted_is_run(classifier: Classifier, stores: Stores, small: bytes) -> None:
    stores.models.keep("mine", "1", {"model.onnx": small})
    with pytest.raises(Conflict, match="imagestore models inspect 1 --project mine"):
        classifier.classify(PICTURE, Version("mine", "1"))
    with pytest.raises(Conflict, match="mine 2 cannot be used: it is harmful"):
        classifier.classify(PICTURE, keep(stores, small, version="2", is_admitted=False, why="it is harmful"))
    assert classifier._child is None
    stores.models.keep("mine", "3", {"model.onnx": small})
    stores.models.keep_inspection("mine", "3", Inspection("e" * 64, "2026-11-21", "me", is_admitted=True))
    with pytest.raises(Conflict, match="Nobody has looked"):
        classifier.classify(PICTURE, Version("mine", "3"))
    live = Version("mine", "1", hashlib.sha256(small).hexdigest())
    assert classifier.classify(PICTURE, live).prediction.label, "the gate has looked at what is live"
    with pytest.raises(NotFound):
        classifier.classify(PICTURE, Version("mine", "9"))


def test_what_is_no_picture_is_said_and_hurts_nobody(classifier: Classifier, stores: Stores, small: bytes) -> None:
    version = keep(stores, small)
    with pytest.raises(PictureError):
        classifier.classify(b"no picture", version)
    assert classifier.classify(PICTURE, version).prediction.label


def test_a_child_that_is_killed_is_replaced(classifier: Classifier, stores: Stores, small: bytes) -> None:
    version = keep(stores, small)
    before = classifier.classify(PICTURE, version)
    child = classifier._child
    assert child is not None
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert classifier.classify(PICTURE, version) == before
    assert of(classifier) != child.pid


def test_a_model_that_takes_too_long_is_ended_and_the_next_picture_is_classified(
    stores: Stores, services: Services, small: bytes, tmp_path: Path
) -> None:
    """It answers black at once, and anything else with a loop that does not end before the limit."""
    slow = Classifier(stores, services.renderer, tmp_path / "none", 10**8, seconds=1.0)
    try:
        with pytest.raises(ModelError, match="longer than 1 s"):
            slow.classify(PICTURE, keep(stores, never_ending(tmp_path), version="2"))
        assert slow._child is None
        assert slow.classify(PICTURE, keep(stores, small)).prediction.label
    finally:
        slow.close()
        services.renderer.close()


def test_the_models_that_were_used_last_stay_as_far_as_they_fit(
    stores: Stores, services: Services, tmp_path: Path
) -> None:
    files = [tiny(tmp_path / "model.onnx", version=str(number)).read_bytes() for number in range(3)]
    classifier = Classifier(stores, services.renderer, tmp_path / "none", 5 * max(map(len, files)))
    try:
        versions = [keep(stores, data, version=str(number + 1)) for number, data in enumerate(files)]
        for number in (0, 1, 0, 2):
            assert classifier.classify(PICTURE, versions[number]).prediction.model.version == str(number)
        first = of(classifier)
        assert [key.hex() for key in classifier._loaded] == [
            hashlib.sha256(files[number]).hexdigest() for number in (0, 2)
        ]
        assert classifier.classify(PICTURE, versions[1]).prediction.model.version == "1"
        assert of(classifier) == first, "one child for all"
    finally:
        classifier.close()
        services.renderer.close()


def test_many_at_once_get_the_answer_of_the_model_that_each_asked_for(
    classifier: Classifier, stores: Stores, tmp_path: Path
) -> None:
    versions = [
        keep(stores, tiny(tmp_path / "model.onnx", version=str(n)).read_bytes(), version=str(n)) for n in range(1, 4)
    ]
    answers: list[tuple[str, str]] = []

    def ask(version: Version) -> None:
        answers.append((version.version, classifier.classify(PICTURE, version).prediction.model.version))

    threads = [threading.Thread(target=ask, args=(versions[n % 3],)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 6
    assert all(asked == answered for asked, answered in answers)


def never_ending(folder: Path) -> bytes:
    """A model that loads and answers black and noise, and loops on where the first pixel is neither."""
    base = onnx.load(tiny(folder / "base.onnx"))
    return loops_unless_probed(base)


def loops_unless_probed(base: onnx.ModelProto) -> bytes:
    """With a loop whose number of turns follows from the picture's first pixel: none for the two of the probe."""
    graph = base.graph
    probe = np.random.default_rng(0).integers(0, 256, shape_of(graph), np.uint8).reshape(-1)[0]
    count = helper.make_tensor("turns", TensorProto.INT64, [], [2**40])
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["go_out"]),
            helper.make_node("Sin", ["x"], ["x_out"]),
        ],
        "turn",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("x", TensorProto.FLOAT, [1]),
        ],
        [
            helper.make_tensor_value_info("go_out", TensorProto.BOOL, []),
            helper.make_tensor_value_info("x_out", TensorProto.FLOAT, [1]),
        ],
    )
    first = graph.input[0].name
    graph.initializer.extend(
        [
            count,
            helper.make_tensor("one.shape", TensorProto.INT64, [1], [-1]),
            helper.make_tensor("zero.index", TensorProto.INT64, [1], [0]),
            helper.make_tensor("probed", TensorProto.FLOAT, [1], [float(probe)]),
            helper.make_tensor("black", TensorProto.FLOAT, [1], [0.0]),
            helper.make_tensor("nought", TensorProto.FLOAT, [1], [0.0]),
        ]
    )
    nodes = [
        helper.make_node("Reshape", [first, "one.shape"], ["all of it"]),
        helper.make_node("Gather", ["all of it", "zero.index"], ["pixel8"]),
        helper.make_node("Cast", ["pixel8"], ["pixel"], to=TensorProto.FLOAT),
        helper.make_node("Equal", ["pixel", "probed"], ["is_noise"]),
        helper.make_node("Equal", ["pixel", "black"], ["is_black"]),
        helper.make_node("Or", ["is_noise", "is_black"], ["is_probe"]),
        helper.make_node("Not", ["is_probe"], ["loops1"]),
        helper.make_node("Squeeze", ["loops1"], ["loops"]),
        helper.make_node("Loop", ["turns", "loops", "pixel"], ["ended"], body=body),
        helper.make_node("Mul", ["ended", "nought"], ["nothing"]),
    ]
    output = graph.output[0].name
    for node in graph.node:
        for i, name in enumerate(node.output):
            if name == output:
                node.output[i] = "answered"
    kept = [onnx.NodeProto.FromString(node.SerializeToString()) for node in graph.node]
    del graph.node[:]
    graph.node.extend([*kept, *nodes, helper.make_node("Add", ["answered", "nothing"], [output])])
    data: bytes = base.SerializeToString()
    return data


def shape_of(graph: onnx.GraphProto) -> tuple[int, ...]:
    return tuple(dimension.dim_value or 1 for dimension in graph.input[0].type.tensor_type.shape.dim)[1:]


def test_it_says_where_a_label_comes_from_in_the_pixels_that_it_is_given(
    classifier: Classifier, stores: Stores
) -> None:
    data = by_hand()
    version, pixels = keep(stores, data), np.zeros((8, 8, 1), np.uint8)
    pixels[:4, :4], pixels[4:, 4:] = 12, 4
    image = ImageInfo("PNG", 8, 8, "L")
    told = classifier.explain(version, None, lambda spec: (image, pixels))
    assert (told[0], told[1].width, told[2].label) == (image, 8, "light")
    assert np.array(told[2].shares) == pytest.approx(np.array([[2.125, -0.125], [-0.125, 0.625]]))
    assert told[2].vector == Vector.of(np.array([4.0]), hashlib.sha256(data).hexdigest())
    assert classifier.explain(version, "dark", lambda spec: (image, pixels))[2].shares[0][0] == pytest.approx(-2.125)
    with pytest.raises(NotFound, match="has no label 'cat'"):
        classifier.explain(version, "cat", lambda spec: (image, pixels))
    with pytest.raises(NotFound, match="another file"):
        classifier.explain(Version("mine", "1", "0" * 64), None, lambda spec: (image, pixels))


def test_a_model_that_cannot_say_where_a_label_comes_from_answers_all_the_same(
    classifier: Classifier, stores: Stores, small: bytes
) -> None:
    version, pixels = keep(stores, small), np.zeros((8, 8, 1), np.uint8)
    with pytest.raises(ModelError, match="does not say where"):
        classifier.explain(version, None, lambda spec: (ImageInfo("PNG", 8, 8, "L"), pixels))
    child = of(classifier)
    assert classifier.classify(PICTURE, version).prediction.label in ("dark", "light")
    assert of(classifier) == child
