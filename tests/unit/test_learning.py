"""Duplicates stay together, the test part stays apart, figures are right, and the gate says what the numbers say."""

import io
import json
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from PIL import Image, ImageEnhance

from classify import read_model
from classify.share import wilson
from errors import ModelError
from model.colour import compare_colours
from model.examples import FEWEST, BadTrainingData, Example, Labelled, check, contradictions, in_folder, read
from model.gate import Outcome, compare
from model.groups import group
from model.head import Head, fit, steps, threshold
from model.inspect import inspect
from model.judge import Verdict, judge
from model.metrics import auroc, expected_calibration_error, macro_f1, metrics
from model.report import Report
from model.split import BadSplit, Split, divide
from model.train import Wish, prepare, train
from preprocess import Limits
from unit.pictures import encoded


def quiet(name: str, steps: int) -> Callable[[], None]:
    """Progress that nobody hears of."""
    return lambda: None


def scene(seed: int, label: int = 0) -> Image.Image:
    """A picture with large and small shapes, brighter on the left for label 1 and striped for label 2."""
    chance = np.random.default_rng(seed)
    low = chance.uniform(0, 255, (6, 8, 3)).astype(np.uint8)
    pixels = np.asarray(Image.fromarray(low).resize((160, 120), Image.Resampling.BICUBIC)).astype(float)
    x = np.arange(160)
    if label == 1:
        pixels += np.where(x < 80, 110, -110)[None, :, None]
    if label == 2:
        pixels += np.where((x // 8) % 2, 120, -120)[None, :, None]
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def labelled(label: str, name: str, data: bytes, *, correction: bool = False) -> Labelled:
    return Labelled(label, name, lambda: data, correction)


def examples_of(sources: list[Labelled]) -> list[Example]:
    return read(sources, Limits(), lambda: None).good


def altered(image: Image.Image) -> dict[str, bytes]:
    """The same picture in other clothes."""
    mirrored = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return {
        "re-encoded": encoded(image, "JPEG", quality=70),
        "smaller": encoded(image.resize((96, 72)), "JPEG", quality=85),
        "larger": encoded(image.resize((400, 300)), "WEBP", quality=80),
        "mirrored": encoded(mirrored, "JPEG", quality=85),
        "upside down": encoded(image.transpose(Image.Transpose.FLIP_TOP_BOTTOM)),
        "mirrored and smaller": encoded(mirrored.resize((100, 75)), "JPEG", quality=75),
        "a little lighter": encoded(ImageEnhance.Brightness(image).enhance(1.05)),
    }


def groups_of(examples: list[Example]) -> np.ndarray:
    return group(np.stack([e.thumb for e in examples]), [e.sha256 for e in examples])


def test_copies_in_other_clothes_are_one_group_and_strangers_are_not() -> None:
    sources = []
    for seed in range(12):
        image = scene(seed)
        sources.append(labelled("a", f"{seed}", encoded(image)))
        sources += [labelled("a", f"{seed} {what}", data) for what, data in altered(image).items()]
    examples = examples_of(sources)
    found = groups_of(examples)
    by_name = {e.source.name: g for e, g in zip(examples, found, strict=True)}
    for name, number in by_name.items():
        assert number == by_name[name.split()[0]], name
    assert len(set(found.tolist())) == 12


def test_blank_pictures_are_no_group_of_their_own() -> None:
    blanks = [labelled("a", str(n), encoded(Image.new("L", (64, 64), n))) for n in range(8)]
    assert len(set(groups_of(examples_of(blanks)).tolist())) == 8


def test_nothing_leaks_over_three_rounds_of_new_data() -> None:
    """Each round brings altered copies of what is known, on either side, and new pictures; once a test, always one."""
    chance, known, sources = random.Random(3), Split(), []
    ever_tested: set[int] = set()
    ever_learned: set[int] = set()
    for round_number in range(3):
        new = range(round_number * 30, round_number * 30 + 30)
        sources += [labelled(f"label {seed % 2}", f"{seed} first", encoded(scene(seed))) for seed in new]
        for seed in chance.sample(range(round_number * 30 + 30), 20):
            what, data = chance.choice(sorted(altered(scene(seed)).items()))
            sources.append(labelled(f"label {seed % 2}", f"{seed} {round_number} {what}", data))
        if round_number == 2:  # originals may go; what they were is remembered, on both sides
            gone = {f"{seed} first" for seed in range(60)}
            sources = [source for source in sources if source.name not in gone]
        examples = examples_of(sources)
        is_test, known = divide(examples, groups_of(examples), known)
        sides: dict[int, set[bool]] = {}
        for example, test in zip(examples, is_test, strict=True):
            sides.setdefault(int(example.source.name.split()[0]), set()).add(bool(test))
        assert all(len(found) == 1 for found in sides.values()), "a picture and its copy lie on both sides"
        tested = {seed for seed, found in sides.items() if found == {True}}
        assert not {s for s, found in sides.items() if found == {False}} & ever_tested, (
            "one that tested is learned from"
        )
        assert not tested & ever_learned, "one that was learned from tests"
        ever_tested |= tested
        ever_learned |= sides.keys() - tested
    assert 10 <= len(ever_tested) <= 30
    assert not known.train.keys() & known.test.keys()


def test_the_split_is_stratified_repeatable_and_survives_its_file() -> None:
    sources = [labelled(f"l{s % 3}", str(s), encoded(scene(s))) for s in range(60)]
    examples = examples_of(sources)
    is_test, split = divide(examples, groups_of(examples), Split())
    for label in ("l0", "l1", "l2"):
        assert sum(t for e, t in zip(examples, is_test, strict=True) if e.label == label) == 4
    again, _ = divide(examples[::-1], groups_of(examples[::-1]), Split())
    assert again[::-1].tolist() == is_test.tolist()
    read_back = Split.from_json(split.to_json())
    assert read_back.to_json() == split.to_json()
    assert divide(examples, groups_of(examples), read_back)[0].tolist() == is_test.tolist()
    for bad in (b"", b"[]", b'{"train": 1}', b'{"train": {}, "test": {"a": ["00", "!!"]}}'):
        with pytest.raises(BadSplit):
            Split.from_json(bad)


def test_corrections_never_test() -> None:
    sources = [labelled("a", str(s), encoded(scene(s)), correction=True) for s in range(30)]
    examples = examples_of(sources)
    assert not divide(examples, groups_of(examples), Split())[0].any()


def test_a_corrected_copy_of_a_test_picture_is_neither_learned_from_nor_tested() -> None:
    sources = [labelled(f"l{s % 2}", str(s), encoded(scene(s))) for s in range(30)]
    first = prepare(sources, Split(), Limits(), quiet)
    tested = first.part(test=True)[0]
    copy = labelled(tested.label, "corrected", encoded(scene(int(tested.source.name)), "JPEG"), correction=True)
    second = prepare([*sources, copy], first.split, Limits(), quiet)
    assert tested.source.name in {e.source.name for e in second.part(test=True)}
    assert "corrected" not in {e.source.name for part in (True, False) for e in second.part(test=part)}


def test_a_single_correction_to_a_new_label_keeps_nobody_from_training() -> None:
    sources = [labelled(f"l{s % 2}", str(s), encoded(scene(s))) for s in range(20)]
    new = [labelled("new", f"new {s}", encoded(scene(s)), correction=True) for s in range(100, 105)]
    first = prepare([*sources, *new[:1]], Split(), Limits(), quiet)
    assert first.rare == {"new": 1}
    assert {e.label for e in first.examples.good} == {"l0", "l1"}
    assert len(first.groups) == len(first.is_test) == 20
    second = prepare([*sources, *new], first.split, Limits(), quiet)
    assert second.rare == {}
    assert sum(e.label == "new" for e in second.part(test=False)) == 5
    with pytest.raises(BadTrainingData, match="'l2' has 1"):
        prepare([*sources, labelled("l2", "x", encoded(scene(200))), *new[:1]], Split(), Limits(), quiet)


def test_what_cannot_be_learned_from_is_said_by_name(tmp_path: Path) -> None:
    with pytest.raises(BadTrainingData, match="not a folder"):
        in_folder(tmp_path / "missing")
    with pytest.raises(BadTrainingData, match="subfolder"):
        in_folder(tmp_path)
    for label, count in {"rose": 6, "tulip": 3}.items():
        (tmp_path / label).mkdir()
        for n in range(count):
            (tmp_path / label / f"{n}.png").write_bytes(encoded(scene(n + 100 * len(label))))
    (tmp_path / "rose" / "bad.png").write_bytes(b"no picture")
    (tmp_path / "rose" / ".hidden.png").write_bytes(b"no picture")
    (tmp_path / "tulip" / "copy.png").write_bytes((tmp_path / "tulip" / "0.png").read_bytes())
    found = read(in_folder(tmp_path), Limits(), lambda: None)
    assert list(found.bad) == ["rose/bad.png"]
    assert found.bad["rose/bad.png"].startswith("not_an_image: ")
    with pytest.raises(BadTrainingData, match=f"at least {FEWEST} different pictures.*'tulip' has 3"):
        check(found.good, groups_of(found.good))
    roses = [e for e in found.good if e.label == "rose"]
    with pytest.raises(BadTrainingData, match="only the label 'rose'"):
        check(roses, groups_of(roses))
    strange = examples_of([labelled(label, label, encoded(scene(1))) for label in ("unknown", "rose")])
    with pytest.raises(BadTrainingData, match="'unknown' cannot be a label"):
        check(strange, np.array([0, 1]))
    assert contradictions(strange) == [(strange[0].sha256, ["rose", "unknown"])]


def test_a_model_is_trained_runs_in_production_code_and_is_the_same_every_time() -> None:
    sources = [labelled(f"l{s % 3}", str(s), encoded(scene(s, s % 3))) for s in range(45)]
    prepared = prepare(sources, Split(), Limits(), quiet)
    first, second = (train(prepared, Wish(version="7"), Limits(), quiet) for _ in range(2))
    assert first.data == second.data
    assert (first.training.pictures, first.training.fingerprint) == (36, second.training.fingerprint)
    inspect(first.data, "it")
    model = read_model(first.data, "it")
    assert (model.ref.name, model.ref.version, model.labels) == ("mine", "7", ("l0", "l1", "l2"))
    assert model.threshold == first.head.threshold
    tests = prepared.part(test=True)
    verdict = judge(first.data, "it", tests, Limits(), lambda: None)
    figures = verdict.metrics()
    assert figures.accuracy.share >= 0.8, "stripes and halves are easy to tell"
    assert verdict.probabilities.sum(axis=1) == pytest.approx(1, abs=1e-4)
    _, features = model.run(np.zeros((224, 224, 1), np.uint8))
    assert features is not None
    expected = first.head.probabilities(features[None])[0]
    assert model.run(np.zeros((224, 224, 1), np.uint8))[0] == pytest.approx(expected, abs=1e-4)


def test_the_report_holds_its_figures_and_shows_labels_inert() -> None:
    hostile = "<script>alert(1)</script>"
    sources = [labelled((hostile, "b", "c")[s % 3], f'"{s}"><b>', encoded(scene(s))) for s in range(30)]
    examples = examples_of(sources)
    chance = np.random.default_rng(1)
    probabilities = chance.dirichlet(np.ones(3), 30)
    model = _model((hostile, "b", "c"))
    report = Report.of(Verdict(model, examples, probabilities, np.full(30, 5.0)), 1000, 2)
    page = report.to_html(Limits()).decode()
    assert hostile not in page
    assert "&lt;script&gt;" in page
    assert 'src="data:image/webp;base64,' in page
    assert "http" not in page.replace("http-equiv", ""), "it needs no other file"
    figures = json.loads(report.to_json())
    assert figures["metrics"]["count"] == 30
    assert figures["unreadable"] == 2
    assert figures["sentence"].startswith(f"Right on {figures['metrics']['accuracy']['right']} of 30 (")


def test_figures_by_hand() -> None:
    probabilities = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.7, 0.3]])
    found = metrics(probabilities, np.array([0, 0, 1, 1]), ["a", "b"], 0.65)
    assert (found.accuracy.right, found.accuracy.of) == (3, 4)
    assert found.confusion == [[2, 0], [1, 1]]
    assert found.classes[0].precision.share == pytest.approx(2 / 3)
    assert found.classes[0].precision.low is None, "three pictures are too few for an interval"
    assert found.macro_f1 == pytest.approx((0.8 + 2 / 3) / 2)
    assert (found.answered.right, found.right_of_answered.right) == (3, 2)
    unknown = metrics(probabilities, np.array([0, 0, 1, -1]), ["a", "b"], 0.65)
    assert (unknown.accuracy.right, unknown.top5.right) == (3, 3)


def test_intervals_agree_with_published_ones() -> None:
    """Newcombe 1998, table I: 81 of 263 is 0.2553 to 0.3662; 0 of 20 is 0 to 0.1611."""
    assert wilson(81, 263).low == pytest.approx(0.2553, abs=1e-4)
    assert wilson(81, 263).high == pytest.approx(0.3662, abs=1e-4)
    assert (wilson(0, 20).low, wilson(0, 20).high) == (0.0, pytest.approx(0.1611, abs=1e-4))
    assert wilson(0, 0).low is None


def test_calibration_and_auroc() -> None:
    assert expected_calibration_error(np.full(10, 0.7), np.array([1] * 7 + [0] * 3)) == pytest.approx(0)
    assert expected_calibration_error(np.full(10, 0.99), np.zeros(10)) == pytest.approx(0.99)
    assert auroc(np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True])) == pytest.approx(0.75)
    assert auroc(np.array([0.5, 0.5]), np.array([False, True])) == 0.5
    assert auroc(np.array([0.5]), np.array([True])) is None


def test_the_threshold_is_the_lowest_at_which_enough_are_right() -> None:
    confidence = np.array([0.9, 0.8, 0.7, 0.6, 0.5])
    assert threshold(confidence, np.array([1, 1, 1, 0, 1], bool), 0.8) == 0.5
    assert threshold(confidence, np.array([1, 1, 0, 0, 0], bool), 1.0) == 0.8
    assert threshold(confidence, np.zeros(5, bool)) == 0.9
    assert threshold(np.array([0.999, 0.998, 0.997]), np.ones(3, bool)) == 0.5, "clear pictures ask for no high one"


def test_a_head_tells_what_can_be_told_and_counts_its_fits() -> None:
    chance, fits = np.random.default_rng(0), []
    centres = chance.uniform(0, 2, (2, 1280))
    labels = ["a", "b"] * 30
    features = np.stack([centres[i % 2] + chance.normal(0, 0.4, (2, 1280)) for i in range(60)]).clip(0)
    head: Head = fit(features.astype(np.float32), labels, np.arange(60), 1, lambda: fits.append(1))
    assert head.accuracy == 1.0
    assert len(fits) == steps(60)
    assert head.probabilities(features[:, 0]).argmax(axis=1).tolist() == [0, 1] * 30


def _model(labels: tuple[str, ...]) -> object:
    from types import SimpleNamespace

    from record import ModelRef

    return SimpleNamespace(labels=labels, threshold=0.5, ref=ModelRef("m", "1", "0" * 64))


def verdict(examples: list[Example], labels: tuple[str, ...], answers: list[str]) -> Verdict:
    probabilities = np.full((len(answers), len(labels)), 0.01)
    for row, answer in enumerate(answers):
        probabilities[row, labels.index(answer)] = 0.9
    return Verdict(_model(labels), examples, probabilities, np.ones(len(answers)))


@pytest.fixture(scope="module")
def tests() -> list[Example]:
    thumb = np.zeros((32, 32), np.uint8)
    return [Example(labelled("ab"[n % 2], str(n), b""), str(n), str(n), thumb) for n in range(80)]


def test_the_gate(tests: list[Example]) -> None:
    truth = [e.label for e in tests]
    wrong = [("b" if label == "a" and n % 3 == 0 else label) for n, label in enumerate(truth)]
    one_off = ["b", *truth[1:]]
    good, bad, same = (verdict(tests, ("a", "b"), answers) for answers in (truth, wrong, one_off))
    groups = np.arange(80)
    assert compare(good, bad, groups).outcome is Outcome.BETTER
    worse = compare(bad, good, groups)
    assert worse.outcome is Outcome.WORSE
    assert [(label, before) for label, before, _ in worse.fell] == [("a", 1.0)]
    assert worse.sentence().startswith("Worse: macro-F1 0.")
    assert compare(good, same, groups).outcome is Outcome.CANNOT_TELL
    assert compare(good, bad, np.zeros(80, int)).low == compare(good, bad, np.zeros(80, int)).high, (
        "one group, no spread"
    )


def test_the_gate_compares_what_both_know(tests: list[Example]) -> None:
    truth = [e.label for e in tests]
    wider = verdict(tests, ("a", "b", "c"), truth)
    found = compare(wider, verdict(tests, ("a", "b", "z"), truth), np.arange(80))
    assert (found.only_candidate, found.only_live) == (["c"], ["z"])
    with pytest.raises(ValueError, match="no label in common"):
        compare(wider, verdict(tests, ("x", "y"), ["x"] * 80), np.arange(80))


def test_macro_f1_counts_each_class_alike() -> None:
    assert macro_f1(np.array([0, 0, 0, 0]), np.array([0, 0, 0, 1])) == pytest.approx((6 / 7 + 0) / 2)


def test_hostile_model_files_are_refused() -> None:
    def saved(*nodes: onnx.NodeProto, outside: bool = False) -> bytes:
        helper = onnx.helper
        weight = onnx.numpy_helper.from_array(np.zeros(4, np.float32), "w")
        if outside:
            weight.ClearField("raw_data")
            weight.data_location = onnx.TensorProto.EXTERNAL
            weight.external_data.add(key="location", value="/etc/passwd")
        value = helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [4])
        model = helper.make_model(helper.make_graph(list(nodes), "g", [value], [value], [weight]))
        out = io.BytesIO(model.SerializeToString())
        return out.getvalue()

    strange = onnx.helper.make_node("Evil", ["x"], ["y"], domain="com.evil")
    inner = onnx.helper.make_graph([strange], "inner", [], [])
    hidden = onnx.helper.make_node("If", ["x"], ["y"], then_branch=inner, else_branch=inner)
    inspect(saved(onnx.helper.make_node("Relu", ["x"], ["y"])), "good.onnx")
    for data, said in (
        (saved(strange), "com.evil.Evil"),
        (saved(hidden), "com.evil.Evil"),
        (saved(outside=True), "another file"),
        (b"\xff not a model", "not an ONNX file"),
    ):
        with pytest.raises(ModelError, match=said):
            inspect(data, "bad.onnx")


def test_what_colour_is_worth_is_said_where_there_is_any() -> None:
    """Two classes that differ in nothing but their hue, at the same brightness."""

    def tinted(seed: int) -> bytes:
        gray = np.asarray(scene(seed).convert("L")).astype(float) * 0.5 + 60
        tint = (40, -20, 0) if seed % 2 else (-40, 20, 0)  # 0.299 · 40 = 0.587 · 20: the same to the eye in gray
        return encoded(Image.fromarray(np.clip(gray[..., None] + tint, 0, 255).astype(np.uint8)))

    sources = [labelled(f"l{s % 2}", str(s), tinted(s)) for s in range(60)]
    prepared = prepare(sources, Split(), Limits(), quiet)
    learning, groups = prepared.part(test=False), prepared.groups[~prepared.is_test]
    found = compare_colours(learning, groups, 1, Limits(), quiet)
    assert found is not None
    assert found.low > 0, found
    assert found.colour >= 0.9 > 0.75 > found.gray
    assert "Colour helps" in found.sentence()
    gray = [labelled(f"l{s % 2}", str(s), encoded(scene(s).convert("L"), "JPEG")) for s in range(12)]
    assert compare_colours(examples_of(gray), np.arange(12), 1, Limits(), quiet) is None
