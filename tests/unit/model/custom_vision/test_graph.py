"""What becomes of an exported graph: a model file that gives what Custom Vision's sample gives."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import helper

from classify import ModelError, predict, read_model
from classify.metadata import read_labels
from model.custom_vision.graph import Wanted, model_file
from preprocess import Decoder, ImageSpec, Limits
from preprocess.image import Fit
from preprocess.staged import open_staged, write_staged
from unit.model.custom_vision_exports import LABELS, Kind, Sample, graph, picture_files

SIDE = 48
WANTED = Wanted("mine", "3", LABELS)
KINDS = [
    Kind(),
    Kind(pixels="Rgb8", levels="Normalized_0_1", maps=True),
    Kind(levels="Normalized_0_1", several=True, maps=True),
    Kind(pixels=None, levels=None, several=True),
    Kind(half=True, opset=9),
    Kind(opset=7, maps=True, shape=()),
]


@pytest.fixture(scope="module")
def files() -> list[bytes]:
    return picture_files(240)


@pytest.fixture(scope="module")
def staged(files: list[bytes]) -> list[np.ndarray]:
    """The pictures as the pipeline stages them for such a model: by the decode child, as a PNG."""
    decoder, spec = Decoder(), ImageSpec(SIDE, SIDE, 3, 1.0, Fit.STRETCH, plain=True)
    try:
        return [open_staged(write_staged(decoder.preprocess(data, spec, Limits())[1], ""))[0] for data in files]
    finally:
        decoder.close()


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_it_answers_as_the_sample_does(kind: Kind, files: Sequence[bytes], staged: Sequence[np.ndarray]) -> None:
    exported = graph(kind)
    sample, model = Sample(exported), read_model(model_file(exported, WANTED, "export.onnx"), "it")
    assert model.spec == ImageSpec(SIDE, SIDE, 3, 1.0, Fit.STRETCH, plain=True)
    assert (model.labels, model.has_several) == (LABELS, kind.several)
    same, farthest, seen = 0, 0.0, set()
    for data, pixels in zip(files, staged, strict=True):
        theirs, ours = sample.predict(data), predict(model, pixels, len(LABELS))
        likeliest = max(theirs, key=lambda label: theirs[label])
        same += ours.top[0].label == likeliest
        seen.add(likeliest)
        farthest = max(farthest, *(abs(score.probability - theirs[score.label]) for score in ours.top))
    assert seen == set(LABELS)  # a model that always says the same would prove nothing
    assert same >= 0.999 * len(files)
    assert farthest < 0.01


def test_its_metadata_say_what_a_model_file_must_say() -> None:
    data = model_file(graph(Kind()), WANTED, "export.onnx")
    said = read_labels(data, "it")
    assert (said.ref.name, said.ref.version, said.labels) == ("mine", "3", LABELS)
    model = read_model(data, "it")
    assert (model.threshold, model.gives_logits) == (0.0, False)
    assert read_model(model_file(graph(Kind(several=True)), WANTED, "it"), "it").threshold == 0.5
    held = model_file(graph(Kind()), replace(WANTED, threshold=0.8), "it")
    assert read_model(held, "it").threshold == 0.8
    assert model_file(graph(Kind()), WANTED, "export.onnx") == data


def test_labels_come_from_the_graph_where_it_names_them() -> None:
    exported = graph(Kind(maps=True))
    assert read_model(model_file(exported, Wanted("m", "1"), "it"), "it").labels == LABELS
    in_other_order = model_file(exported, Wanted("m", "1"), "it", tuple(sorted(LABELS)))
    assert read_model(in_other_order, "it").labels == LABELS
    with pytest.raises(ModelError, match="its own labels are 'rose', 'tulip', 'Negative', 'daisy', and those beside"):
        model_file(exported, Wanted("m", "1"), "it", ("a", "b", "c", "d"))


def test_labels_can_be_given_other_names() -> None:
    reserved = ("rose", "unknown", "tulip", "daisy")
    exported = graph(Kind(maps=True), reserved)
    with pytest.raises(ModelError, match="'unknown', which is reserved"):
        model_file(exported, Wanted("m", "1"), "it", tuple(sorted(reserved)))
    given = Wanted("m", "1", ("daisy", "rose", "tulip", "other"))
    assert read_model(model_file(exported, given, "it", tuple(sorted(reserved))), "it").labels == (
        "rose",
        "other",
        "tulip",
        "daisy",
    )
    with pytest.raises(ModelError, match="1 labels are given, and it has 4"):
        model_file(exported, Wanted("m", "1", ("a",)), "it", reserved)


def test_a_model_file_of_ours_gets_another_name_and_version() -> None:
    ours = model_file(graph(Kind(several=True)), WANTED, "it")
    again = model_file(ours, Wanted("other", "7"), "it")
    assert (read_model(again, "it").ref.name, read_model(again, "it").ref.version) == ("other", "7")
    assert model_file(again, Wanted("mine", "3"), "it") == ours
    with pytest.raises(ModelError, match="its own labels are"):
        model_file(ours, Wanted("m", "1", ("a", "b")), "it")


def test_a_model_that_does_not_tell_whether_several_labels_may_hold_asks() -> None:
    exported = graph(Kind(last="HardSigmoid"))
    with pytest.raises(ModelError, match=r"come from 'HardSigmoid'.*give --labels-per-picture one or several"):
        model_file(exported, WANTED, "it")
    assert read_model(model_file(exported, replace(WANTED, labels_per_picture="several"), "it"), "it").has_several


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (Kind(pixels="Gray8"), "Image.BitmapPixelFormat = 'Gray8'; it takes bgr8 or rgb8"),
        (Kind(levels="Normalized_1_1"), "Image.NominalPixelRange = 'Normalized_1_1'"),
        (Kind(shape=("None", 45, 13, 13)), "it detects objects"),
    ],
)
def test_what_is_no_export_of_a_classifier_is_refused(kind: Kind, said: str) -> None:
    with pytest.raises(ModelError, match=f"e.onnx cannot be used: .*{said}"):
        model_file(graph(kind), WANTED, "e.onnx")


def test_detectors_and_labels_that_do_not_fit_are_refused() -> None:
    info, floats = helper.make_tensor_value_info, onnx.TensorProto.FLOAT
    model = onnx.load_from_string(graph(Kind()))
    with pytest.raises(ModelError, match="answers with 4 probabilities, and there are 2 labels"):
        model_file(graph(Kind()), Wanted("m", "1", ("a", "b")), "it")
    with pytest.raises(ModelError, match="names of its labels are needed"):
        model_file(graph(Kind()), Wanted("m", "1"), "it")
    with pytest.raises(ModelError, match="it detects objects"):
        model_file(graph(Kind()), WANTED, "it", is_detection=True)
    model.graph.output.extend([info("detected_boxes", floats, [1, 64, 4])])
    with pytest.raises(ModelError, match="it detects objects"):
        model_file(model.SerializeToString(), WANTED, "it")
    del model.graph.output[:]
    with pytest.raises(ModelError, match="its outputs are none"):
        model_file(model.SerializeToString(), WANTED, "it")
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 1
    model.graph.output.extend([info("scores", floats, [1, 4])])
    with pytest.raises(ModelError, match=r"its inputs are 'data' float \[None, 1, 48, 48\]"):
        model_file(model.SerializeToString(), WANTED, "it")
    with pytest.raises(ModelError, match="operators of version 3"):
        model_file(_in_opset(graph(Kind()), 3), WANTED, "it")


def _in_opset(data: bytes, version: int) -> bytes:
    model = onnx.load_from_string(data)
    model.opset_import[0].version = version
    changed: bytes = model.SerializeToString()
    return changed


def test_what_the_probabilities_do_not_need_is_left_out() -> None:
    model = onnx.load_from_string(model_file(graph(Kind(maps=True)), WANTED, "it"))
    operators = {node.op_type for node in model.graph.node}
    assert not operators & {"ZipMap", "ArgMax", "LabelEncoder"}
    assert [output.name for output in model.graph.output] == ["probabilities"]


def node_of(model: onnx.ModelProto, operator: str) -> onnx.NodeProto:
    found: onnx.NodeProto = next(node for node in model.graph.node if node.op_type == operator)
    return found


def of_ir_3() -> onnx.ModelProto:
    """As in ONNX 1.2, where constants are among the inputs."""
    model = onnx.load_from_string(graph(Kind(opset=7)))
    model.ir_version = 3
    for one in model.graph.initializer:
        model.graph.input.append(helper.make_tensor_value_info(one.name, one.data_type, one.dims))
    return model


def with_numbers() -> onnx.ModelProto:
    """Maps whose keys are lines of labels.txt."""
    model = onnx.load_from_string(graph(Kind(maps=True)))
    maps = node_of(model, "ZipMap")
    del maps.attribute[:]
    maps.attribute.append(helper.make_attribute("classlabels_int64s", [2, 0, 3, 1]))
    model.graph.output[1].type.sequence_type.elem_type.map_type.key_type = onnx.TensorProto.INT64
    return model


def of_one_picture() -> onnx.ModelProto:
    """Probabilities with no dimension for the batch."""
    model = onnx.load_from_string(graph(Kind(maps=True)))
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    at = list(model.graph.node).index(node_of(model, "ZipMap"))
    model.graph.node.insert(at, helper.make_node("Reshape", ["scores", "all"], ["one_row"]))
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.array([-1]), "all"))
    node_of(model, "ZipMap").input[0] = "one_row"
    return model


def with_trailing_dimensions() -> onnx.ModelProto:
    """Probabilities as a picture of one pixel."""
    model = onnx.load_from_string(graph(Kind(shape=("None", 4, 1, 1))))
    model.graph.node[-1].output[0] = "flat scores"
    model.graph.node.append(helper.make_node("Reshape", ["flat scores", "pixel"], ["scores"]))
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.array([0, 4, 1, 1]), "pixel"))
    return model


@pytest.mark.parametrize("make", [of_ir_3, with_numbers, of_one_picture, with_trailing_dimensions])
def test_so_it_does_in_other_forms(
    make: Callable[[], onnx.ModelProto], files: Sequence[bytes], staged: Sequence[np.ndarray]
) -> None:
    exported = make().SerializeToString()
    sample, model = Sample(exported), read_model(model_file(exported, WANTED, "it"), "it")
    assert set(model.labels) == set(LABELS)
    for data, pixels in zip(files[1:20], staged[1:20], strict=True):
        theirs = {LABELS[key] if isinstance(key, int) else key: value for key, value in sample.predict(data).items()}
        for label, probability in zip(model.labels, model.answer(pixels).probabilities, strict=True):
            assert probability == pytest.approx(theirs[label], abs=0.001)
