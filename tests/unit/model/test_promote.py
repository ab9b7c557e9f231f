"""What is asked of a model before it becomes the live one."""

import hashlib
import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from classify import ModelError
from imagestore.errors import Conflict, GateOverride, ImageStoreError, NotFound, PromotionRefused
from imagestore.store import Active, LiveModels, PromotionEntry, Route, Routes
from imagestore.store.models import MODEL_FILE
from imagestore.store.projects import Project
from model import model_process
from model import promote as module
from model.default.build import DEFAULT
from model.promote import Promotion, promote
from model.training.examples import Example
from model.training.split import Split
from model.training.training_set import Chosen
from preprocess import Limits
from unit.classify.test_model import tiny
from unit.model.labelled_pictures import examples_of, labelled, quiet
from unit.pictures import encoded

LABELS = ("dark", "light")


@dataclass
class Registry:
    """What the store does for a promotion."""

    files: dict[tuple[str, str], bytes] = field(default_factory=dict)
    found: LiveModels = field(default_factory=lambda: LiveModels(None, Routes()))

    def read(self, name: str, version: str, file: str = MODEL_FILE) -> bytes:
        if file != MODEL_FILE or (name, version) not in self.files:
            raise NotFound(version)
        return self.files[name, version]

    def write_default(self, active: Active, replacing: LiveModels) -> None:
        assert replacing == self.found
        self.found = replace(replacing, default=active)

    def write_routes(self, routes: Routes, replacing: LiveModels) -> LiveModels:
        assert replacing == self.found
        self.found = replace(replacing, routes=routes)
        return self.found

    @property
    def live(self) -> PromotionEntry | None:
        return self.found.default.live if self.found.default else None


@pytest.fixture(scope="module")
def pictures() -> list[Example]:
    """Twenty dark and twenty light ones."""
    levels = [*range(20), *range(230, 250)]
    return examples_of(
        [labelled(LABELS[level > 100], str(level), encoded(Image.new("L", (16, 16), level))) for level in levels]
    )


def part_of(examples: list[Example]) -> Chosen:
    return Chosen(examples, np.arange(len(examples)))


class Lab:
    """A registry, test pictures, and models that are made as they are needed."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.registry, self.default = folder, Registry(), DEFAULT
        self.deleted: set[str] = set()

    def add(self, version: str, labels: tuple[str, ...] = LABELS, **options: Any) -> None:
        """A version that is right wherever a picture is light or dark, if its first two labels say so."""
        options.setdefault("bias", (1.0, *(0.0 for _ in labels[1:])))
        path = tiny(
            self.folder / f"{version}.onnx",
            name="mine",
            version=version,
            labels=json.dumps(labels),
            classes=len(labels),
            **options,
        )
        self.registry.files["mine", version] = path.read_bytes()

    def make_live(self, version: str) -> None:
        """Whatever the gate would have said."""
        digest = hashlib.sha256(self.registry.files["mine", version]).hexdigest()
        self.registry.found = replace(
            self.registry.found, default=Active(PromotionEntry("mine", version, digest, "", ""))
        )

    def promote(
        self,
        version: str,
        override: GateOverride = GateOverride.NOTHING,
        drop: tuple[str, ...] = (),
        project: str = "mine",
    ) -> Promotion:
        registry = self.registry
        writing = {"write_default": registry.write_default, "write_routes": registry.write_routes}
        routes = SimpleNamespace(read=lambda: registry.found, settle=lambda: None, **writing)
        projects = SimpleNamespace(open=self._project, find=self._project)
        stores: Any = SimpleNamespace(models=registry, routes=routes, projects=projects)
        asked: dict[str, Any] = {"by": "me", "override": override, "drop": drop, "limits": Limits(), "progress": quiet}
        return promote(stores, self.default, project, version, **asked)

    def _project(self, name: str) -> Project:
        if name in self.deleted:
            raise NotFound(f"The project '{name}' is deleted.")
        return Project(name, name)

    def live(self) -> str | None:
        """The version that is live."""
        return self.registry.live.version if self.registry.live else None


@pytest.fixture
def lab(tmp_path: Path, pictures: list[Example], monkeypatch: pytest.MonkeyPatch) -> Lab:
    monkeypatch.setattr(module, "held_out", lambda *_: part_of(pictures))
    return Lab(tmp_path)


def test_the_first_model_of_ones_own_needs_no_flag(lab: Lab) -> None:
    """Nobody taught the default model its thousand labels, so nobody has to name those that go."""
    lab.add("1")
    note = lab.promote("1").entry.note
    assert note.startswith("Better than guessing: mean recall 1.000 (0.")
    assert "The live model knew none of these labels." in note
    assert lab.live() == "1"


@pytest.mark.parametrize("override", GateOverride)
@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ({"bias": (float("nan"), 0)}, "values that are no finite numbers"),
        ({"bias": (7, 0), "output": "probabilities"}, "whose sum is 7"),
        ({"threshold": "-5"}, "threshold is -5"),
    ],
)
def test_one_that_cannot_be_used_is_never_promoted(
    lab: Lab, override: GateOverride, damage: dict[str, Any], said: str
) -> None:
    lab.add("1")
    lab.make_live("1")
    lab.add("2", **damage)
    with pytest.raises(ModelError, match=said):
        lab.promote("2", override)
    assert lab.live() == "1"


def test_one_whose_project_is_deleted_while_the_gate_compares_is_not_made_live(
    lab: Lab, pictures: list[Example], monkeypatch: pytest.MonkeyPatch
) -> None:
    def deleted_meanwhile(*_: Any) -> Chosen:
        lab.deleted.add("mine")
        return part_of(pictures)

    lab.add("1")
    monkeypatch.setattr(module, "held_out", deleted_meanwhile)
    with pytest.raises(NotFound, match="is deleted"):
        lab.promote("1")
    assert lab.live() is None


def test_one_that_fails_on_a_test_picture_is_never_promoted(lab: Lab) -> None:
    """It answers the pictures that every model is asked when it is loaded."""
    lab.add("2", nan_above=200)
    with pytest.raises(ModelError, match="no finite numbers"):
        lab.promote("2", GateOverride.FORCE)
    assert lab.live() is None


def test_one_that_never_answers_is_refused(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_process, "LOAD_SECONDS", 2.0)
    lab.add("1", endless=True)
    with pytest.raises(ModelError, match="it takes longer than 2 s"):
        lab.promote("1", GateOverride.FORCE)


def test_shuffled_labels_are_refused_unless_they_are_forced(lab: Lab) -> None:
    lab.add("2", ("light", "dark"))
    with pytest.raises(PromotionRefused, match=r"Worse than guessing: mean recall 0\.000") as refused:
        lab.promote("2", GateOverride.ACCEPT_EQUAL)
    assert refused.value.override is GateOverride.FORCE
    lab.add("1")
    lab.make_live("1")
    with pytest.raises(
        PromotionRefused, match=r"Worse: macro-F1 0\.000 against 1\.000.*Worse than guessing.*not promoted"
    ):
        lab.promote("2", GateOverride.ACCEPT_EQUAL)
    assert lab.live() == "1"
    assert lab.promote("2", GateOverride.FORCE).entry.note.startswith("forced: Worse")


def test_one_that_only_guesses_must_be_forced(lab: Lab) -> None:
    for version, bias in (("1", (-9000.0, 0.0)), ("2", (9000.0, 0.0))):  # always light, always dark
        lab.add(version, bias=bias)
    lab.make_live("1")
    for override in (GateOverride.NOTHING, GateOverride.ACCEPT_EQUAL):
        with pytest.raises(PromotionRefused, match="Not clearly better than guessing") as refused:
            lab.promote("2", override)
        assert refused.value.override is GateOverride.FORCE
    assert lab.live() == "1"


@pytest.mark.parametrize("default", [b"no model", None], ids=["broken", "missing"])
def test_a_default_that_cannot_be_used_holds_nobody_up_and_is_not_gone_back_to(lab: Lab, default: bytes | None) -> None:
    lab.default = lab.folder / "default.onnx"
    if default is not None:
        lab.default.write_bytes(default)
    lab.add("1")
    assert "The live model could not be used." in lab.promote("1").entry.note
    assert lab.registry.found.default is not None
    assert lab.registry.found.default.previous == ()


def test_a_first_promotion_runs_no_model_file_in_this_process(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*_: object) -> None:
        raise AssertionError("a model file was run in this process")

    monkeypatch.setattr("classify.model.open_session", run)
    lab.add("1")
    lab.promote("1")
    assert lab.registry.found.default is not None
    (before,) = lab.registry.found.default.previous
    assert (before.name, before.sha256) == ("default", hashlib.sha256(DEFAULT.read_bytes()).hexdigest())


def test_one_that_knows_none_of_the_tested_labels_is_refused(lab: Lab) -> None:
    lab.add("1")
    lab.make_live("1")
    lab.add("2", ("cat", "dog"))
    with pytest.raises(PromotionRefused, match="does not know 2 labels dark, light, which mine 1 knows") as refused:
        lab.promote("2", GateOverride.FORCE)
    assert refused.value.drop == ["dark", "light"]
    with pytest.raises(PromotionRefused, match="knows none of the labels that are tested, dark, light") as refused:
        lab.promote("2", GateOverride.ACCEPT_EQUAL, ("dark", "light"))
    assert (refused.value.override, refused.value.drop) == (GateOverride.FORCE, ["dark", "light"])
    assert lab.live() == "1"


def test_a_label_goes_only_by_name(lab: Lab) -> None:
    lab.add("1", (*LABELS, "fish", "bird"), bias=(1.0, 0.0, -9.0, -9.0))
    lab.make_live("1")
    lab.add("2", (*LABELS, "bird"), bias=(1.0, 0.0, -9.0))
    with pytest.raises(PromotionRefused, match="does not know the label fish, which mine 1 knows") as refused:
        lab.promote("2")
    assert (refused.value.drop, refused.value.override) == (["fish"], GateOverride.NOTHING)
    with pytest.raises(ImageStoreError, match=r"no label 'bird' of the live model that would go.*: fish"):
        lab.promote("2", drop=("bird",))
    with pytest.raises(PromotionRefused, match="too close to call") as refused:
        lab.promote("2", drop=("fish",))
    assert (refused.value.drop, refused.value.override) == (["fish"], GateOverride.ACCEPT_EQUAL)
    assert lab.promote("2", GateOverride.ACCEPT_EQUAL, ("fish",)).entry.note.endswith("Without fish.")


def test_a_label_of_the_default_that_is_tested_must_be_kept(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    tests = examples_of([labelled("tabby", "a", encoded(Image.new("L", (16, 16))))])
    monkeypatch.setattr(module, "held_out", lambda *_: part_of(tests))
    lab.add("1")
    with pytest.raises(PromotionRefused, match="does not know the label tabby, which default 2 knows"):
        lab.promote("1")


def test_a_live_model_that_cannot_be_used_holds_nobody_up(lab: Lab) -> None:
    lab.add("1", ("cat", "dog"), bias=(float("nan"), 0))
    lab.make_live("1")
    lab.add("2")
    assert "The live model could not be used." in lab.promote("2").entry.note
    assert lab.live() == "2"


def test_without_test_pictures_it_must_be_forced(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "held_out", lambda *_: part_of([]))
    lab.add("1")
    with pytest.raises(PromotionRefused, match="no test pictures"):
        lab.promote("1", GateOverride.ACCEPT_EQUAL)
    assert lab.promote("1", GateOverride.FORCE).entry.note == "forced: nothing was compared"


def test_what_is_live_is_not_promoted_again(lab: Lab) -> None:
    lab.add("1")
    lab.make_live("1")
    with pytest.raises(Conflict, match="mine 1 is live already"):
        lab.promote("1", GateOverride.FORCE)


def test_the_first_model_of_a_route_is_compared_with_guessing_and_leaves_the_others(lab: Lab) -> None:
    lab.add("1")
    lab.make_live("1")
    lab.add("2", labels=("dark", "light", "striped"))
    lab.registry.files["screws", "1"] = lab.registry.files["mine", "2"]
    lab.registry.found = replace(lab.registry.found, routes=Routes((Route("factory/", "screws"),)))
    done = lab.promote("1", project="screws")
    assert done.sentence().startswith("screws 1 is live for factory/*: Better than guessing: ")
    assert done.entry.note.endswith("It is the first live model of its project.")
    assert lab.live() == "1"
    assert lab.registry.found.routes.projects["screws"].live == done.entry
    with pytest.raises(Conflict, match="screws 1 is live already"):
        lab.promote("1", project="screws")


def test_who_would_replace_another_projects_model_hears_of_routes(lab: Lab) -> None:
    lab.add("1", labels=("dark", "light", "striped"))
    lab.make_live("1")
    path = tiny(lab.folder / "screws.onnx", name="screws", labels=json.dumps(LABELS), classes=2, bias=(1.0, 0.0))
    lab.registry.files["screws", "1"] = path.read_bytes()
    with pytest.raises(PromotionRefused, match=r'beside mine 1: imagestore route add "FOLDER/\*" --project screws'):
        lab.promote("1", project="screws")


def test_how_the_live_model_was_made_may_be_lost(lab: Lab) -> None:
    lab.add("1")
    lab.make_live("1")
    lab.add("2")
    with pytest.raises(PromotionRefused, match="too close to call") as refused:
        lab.promote("2")
    assert "how the candidate was made is not kept." in refused.value.details[-1]


SEVERAL: dict[str, Any] = {"labels_per_picture": "several", "threshold": "0.5", "bias": (-1.0, -1.0)}
"""A model that gives light pictures the label light, and others none."""


def test_models_of_several_labels_are_compared_with_each_other(lab: Lab) -> None:
    lab.add("1", **SEVERAL)
    note = lab.promote("1").entry.note
    assert note.startswith("Better than guessing: macro-F1 0.500, where the same answers dealt at random have 0.250")
    assert "The live model gives a picture one label, so the two were not compared." in note, "the one of the app"
    lab.add("2", **SEVERAL)
    lab.add("3", **{**SEVERAL, "bias": (-1.0, 0.7)})  # light, whatever it sees
    with pytest.raises(PromotionRefused, match=r"Cannot tell: macro-F1 0\.500 against 0\.500") as refused:
        lab.promote("2")
    assert refused.value.override is GateOverride.ACCEPT_EQUAL
    with pytest.raises(PromotionRefused, match=r"Worse: macro-F1 0\.333 against 0\.500"):
        lab.promote("3", GateOverride.ACCEPT_EQUAL)
    lab.promote("2", GateOverride.ACCEPT_EQUAL)
    assert lab.live() == "2"


def test_a_model_of_one_label_and_one_of_several_do_not_replace_each_other_unless_it_is_forced(lab: Lab) -> None:
    lab.add("1")
    lab.add("2", **SEVERAL)
    for live, candidate, said in (("1", "2", "may give a picture several labels"), ("2", "1", "gives a picture one")):
        lab.make_live(live)
        for override in (GateOverride.NOTHING, GateOverride.ACCEPT_EQUAL):
            with pytest.raises(PromotionRefused, match=r"cannot be compared.*imagestore route add") as refused:
                lab.promote(candidate, override)
            assert said in str(refused.value)
            assert refused.value.override is GateOverride.FORCE
        assert lab.live() == live
        assert lab.promote(candidate, GateOverride.FORCE).entry.note.startswith("forced: Better than guessing")


def test_what_each_model_answers_of_none_of_the_labels_is_told(
    lab: Lab, pictures: list[Example], monkeypatch: pytest.MonkeyPatch
) -> None:
    none = examples_of([labelled((), f"none {n}", encoded(Image.new("L", (16, 16), n))) for n in range(100, 106)])
    monkeypatch.setattr(module, "held_out", lambda *_: part_of([*pictures, *none]))
    lab.add("1", threshold="0.1")
    lab.make_live("1")
    lab.add("2", threshold="0.99", bias=(1.001, 0.0))
    done = lab.promote("2", GateOverride.ACCEPT_EQUAL)
    said = "Of 6 pictures that show none of the labels the candidate answers 0, and the live model 6."
    assert said in done.details
    assert "on 40 test pictures" in done.entry.note, "they are no pictures of a label"


def test_a_model_of_one_label_is_refused_where_test_pictures_have_several(
    lab: Lab, pictures: list[Example], monkeypatch: pytest.MonkeyPatch
) -> None:
    both = [example.with_labels(LABELS) for example in pictures[:4]]
    monkeypatch.setattr(module, "held_out", lambda *_: part_of([*both, *pictures[4:]]))
    lab.add("1")
    with pytest.raises(PromotionRefused, match="gives a picture one label, and 4 of 40 test pictures") as refused:
        lab.promote("1", GateOverride.ACCEPT_EQUAL)
    assert refused.value.override is GateOverride.FORCE
    assert "on 36 test pictures" in lab.promote("1", GateOverride.FORCE).entry.note


def test_what_others_learned_tests_nobody(lab: Lab, pictures: list[Example], monkeypatch: pytest.MonkeyPatch) -> None:
    lab.add("1")
    lab.make_live("1")
    lab.add("2")
    lab.registry.files["screws", "1"] = lab.registry.files["mine", "2"]
    learned = SimpleNamespace(learned={example.sha256: "dark" for example in pictures})
    monkeypatch.setattr(module, "_made", lambda stores, name, version: learned if name == "mine" else None)
    monkeypatch.setattr(module, "open_set", lambda stores, folder: SimpleNamespace(split=Split()))
    with pytest.raises(PromotionRefused, match="There are no test pictures"):
        lab.promote("1", project="screws")
