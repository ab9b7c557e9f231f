"""The labelled pictures that are kept: what is new, what is there already, and which of them only test."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from imagestore.errors import BadTrainingData, Conflict
from imagestore.record import Status
from imagestore.store.records import Summary
from imagestore.store.training import Part, SplitFile, TrainingPictures
from model.training import training_set
from model.training.examples import Example, Labelled
from model.training.kept_arrays import KeptArrays
from model.training.split import Split, divide
from model.training.training_set import all_with, begin, held_out, keep, keep_division, learned, open_set, with_content
from preprocess import Limits
from unit.memory_items import MemoryItems
from unit.model.labelled_pictures import examples_of, groups_of, labelled, quiet, scene
from unit.pictures import encoded
from unit.web.memory import MemoryBlobs, registry


class Training(MemoryBlobs):
    """A container that knows what was read of it."""

    def __init__(self) -> None:
        super().__init__("training")
        self.read_names: list[str] = []

    def get(self, name: str, max_bytes: int | None = None) -> Any:
        self.read_names.append(name)
        return super().get(name, max_bytes)


def silent() -> None:
    """Progress that nobody hears of."""


@pytest.fixture
def stores() -> Any:
    return SimpleNamespace(
        training=Training(),
        uploads=MemoryBlobs("uploads"),
        records=SimpleNamespace(corrections=lambda: []),
        projects=registry()["projects"],
        jobs=MemoryItems(),
    )


def hashed(*sources: Labelled) -> list[Labelled]:
    return with_content(list(sources), silent)


def scenes(count: int, first: int = 0) -> list[Labelled]:
    return hashed(*(labelled(f"l{n % 2}", f"l{n % 2}/{n}.png", encoded(scene(n))) for n in range(first, first + count)))


def kept_and_divided(
    stores: Any, sources: list[Labelled], examples: list[Example] | None = None
) -> tuple[list[Example], Split]:
    known = begin(stores, "mine")
    examples = examples or examples_of(all_with(stores, known, sources))
    split = divide(examples, groups_of(examples), known.split).split
    keep_division(known, split, examples, keep(known, sources, silent, examples))
    return examples, split


def test_what_is_there_is_not_written_again(stores: Any) -> None:
    sources = hashed(labelled("rose", "rose/1.png", b"one"), labelled("rose", "rose/2.png", b"two"))
    assert len(keep(begin(stores, "mine"), sources, silent)) == 2
    before = dict(stores.training.blobs)
    again = hashed(labelled("rose", "rose/other.png", b"one"), labelled("rose", "rose/3.png", b"three"))
    assert keep(begin(stores, "mine"), again, silent) == {again[1].sha256}
    assert before.items() <= stores.training.blobs.items()


def test_one_content_under_two_labels_of_a_folder_is_named(stores: Any) -> None:
    sources = [labelled("rose", "rose/1.png", b"one"), labelled("tulip", "tulip/7.png", b"one")]
    with pytest.raises(BadTrainingData, match=r"rose/1\.png under rose and tulip/7\.png under tulip"):
        hashed(*sources)


def test_a_content_that_is_kept_under_another_label_is_named_or_relabelled(stores: Any) -> None:
    keep(begin(stores, "mine"), hashed(labelled("rose", "rose/1.png", b"one")), silent)
    new = hashed(labelled("tulip", "tulip/7.png", b"one"))
    known = begin(stores, "mine")
    assert [one.label for one in all_with(stores, known, new)] == ["rose", "tulip"], "so that training names it"
    with pytest.raises(BadTrainingData, match=r"rose/1\.png under rose and tulip/7\.png under tulip.*--relabel"):
        training_set.demand_same_labels(known, new)
    assert [one.label for one in all_with(stores, known, new, relabel=True)] == ["tulip"]
    assert keep(known, new, silent, relabel=True) == set(), "it is no new picture"
    assert [(one.label, one.name) for one in open_set(stores, "mine").labelled] == [("tulip", "tulip/7.png")]


def test_all_are_the_new_the_kept_and_corrected_uploads(stores: Any) -> None:
    old = hashed(labelled("rose", "rose/1.png", b"old"), labelled("cat", "cat/1.png", b"kept"))
    keep(begin(stores, "mine"), old, silent)
    stores.uploads.overwrite("upload.jpg", b"corrected", "image/jpeg")
    stores.records.corrections = lambda: [
        Summary("upload.jpg", str(Status.CLASSIFIED), "lynx", "1", None),
        Summary("deleted.jpg", str(Status.DELETED), "lynx", "1", None),
    ]
    new = hashed(labelled("rose", "rose/9.png", b"new"), labelled("rose", "rose/10.png", b"old"))
    found = all_with(stores, open_set(stores, "mine"), new)
    assert sorted((one.label, one.name, one.read(), one.is_correction) for one in found) == [
        ("cat", "cat/1.png", b"kept", False),
        ("lynx", "(corrected) upload.jpg", b"corrected", True),
        ("rose", "rose/10.png", b"old", False),
        ("rose", "rose/9.png", b"new", False),
    ]
    assert [one.name for one in found] == [one.name for one in all_with(stores, open_set(stores, "mine"), new[::-1])]


def written_by_an_earlier_version(stores: Any) -> None:
    """Its facts have a group, and its listing does not tell it."""
    blobs = stores.training.blobs
    for name in [name for name in blobs if name.endswith(".json") and blobs[name].metadata]:
        told = {key: value for key, value in blobs[name].metadata.items() if key != "group"}
        blobs[name] = replace(blobs[name], metadata={**told, "v": "1"})


def test_a_group_that_an_earlier_version_left_out_of_the_listing_is_read_until_a_training_tells_it(stores: Any) -> None:
    keep(begin(stores, "mine"), hashed(*(labelled("rose", f"rose/{n}.png", bytes([n])) for n in range(3))), silent)
    sha256 = open_set(stores, "mine").listed[1].sha256
    TrainingPictures(stores.training, "mine").change(sha256, lambda facts: replace(facts, group="burst"))
    written_by_an_earlier_version(stores)
    facts = {f"mine/{one.sha256}.json" for one in open_set(stores, "mine").listed}
    for opened, reads in ((open_set, facts), (begin, facts), (begin, set()), (open_set, set())):
        stores.training.read_names.clear()
        known = opened(stores, "mine")
        assert [one.group for one in known.labelled] == [None, "burst", None]
        assert facts & set(stores.training.read_names) == reads


@pytest.mark.parametrize("relabel", [False, True])
def test_a_picture_that_is_given_again_keeps_its_group(stores: Any, relabel: bool) -> None:
    keep(begin(stores, "mine"), hashed(labelled("rose", "rose/1.png", b"one")), silent)
    (sha256,) = (one.sha256 for one in open_set(stores, "mine").listed)
    TrainingPictures(stores.training, "mine").change(sha256, lambda facts: replace(facts, group="burst"))
    known = begin(stores, "mine")
    again = hashed(labelled("tulip" if relabel else "rose", "new/2.png", b"one"))
    assert [one.group for one in all_with(stores, known, again, relabel=relabel)] == ["burst"]
    keep(known, [replace(one, group="folder") for one in again], silent, relabel=relabel)
    assert [one.group for one in open_set(stores, "mine").labelled] == ["burst"]


def test_a_correction_is_learned_by_the_project_that_classified_the_upload(stores: Any) -> None:
    stores.projects.create("screws", "me")
    for name in ("a.jpg", "b.jpg", "c.jpg", "d.jpg"):
        stores.uploads.overwrite(name, name.encode(), "image/jpeg")
    stores.records.corrections = lambda: [
        Summary(name, str(Status.CLASSIFIED), "lynx", "1", None, project)
        for name, project in (("a.jpg", None), ("b.jpg", "screws"), ("c.jpg", "mine"), ("d.jpg", "before projects"))
    ]

    def of(project: str) -> list[str]:
        return [one.name.removeprefix("(corrected) ") for one in all_with(stores, begin(stores, project), [])]

    assert of("mine") == ["a.jpg", "c.jpg", "d.jpg"]
    assert of("screws") == ["b.jpg"]


def test_of_the_kept_pictures_only_those_that_test_are_read(stores: Any) -> None:
    _, split = kept_and_divided(stores, scenes(12))
    tests = split.of(Part.TEST)
    assert len(tests) == 2
    stores.training.read_names.clear()
    found = held_out(stores, "mine", Limits(), quiet).examples
    assert {one.sha256 for one in found} == tests
    read = {name for name in stores.training.read_names if name.startswith("mine/") and "computed" not in name}
    assert read == {"mine/split.json", *(f"mine/{sha}" for sha in tests), *(f"mine/{sha}.json" for sha in tests)}


def test_learned_are_those_asked_for_that_never_tested_with_todays_labels(stores: Any) -> None:
    examples, split = kept_and_divided(stores, scenes(12))
    asked = {example.sha256 for example in examples[:8]}
    found = learned(stores, "mine", asked, Limits(), quiet, KeptArrays())
    assert {one.sha256 for one in found.examples} == asked & split.of(Part.LEARN)


def test_what_was_divided_is_recognised_when_its_file_is_gone(stores: Any) -> None:
    _, split = kept_and_divided(stores, scenes(12))
    tested = next(source for source in scenes(12) if source.sha256 in split.of(Part.TEST))
    for sha256 in split.parts:
        TrainingPictures(stores.training, "mine").remove_picture(sha256)
    known = begin(stores, "mine")
    copy = labelled(tested.label, "copy.jpg", encoded(scene(int(tested.name[3:-4])), "JPEG", quality=70))
    other = labelled("l0", "other.png", encoded(scene(100)))
    examples = examples_of(hashed(copy, other))
    assert known.split.parts == split.parts
    assert divide(examples, np.arange(2), known.split).is_test.tolist() == [True, False]


def test_a_corrected_upload_is_remembered_and_is_no_kept_picture(stores: Any) -> None:
    stores.uploads.overwrite("up.png", encoded(scene(50)), "image/png")
    stores.records.corrections = lambda: [Summary("up.png", str(Status.CLASSIFIED), "l0", "1", None)]
    kept_and_divided(stores, scenes(12))
    known = open_set(stores, "mine")
    (gone,) = (one for one in known.listed if not one.is_there)
    assert known.split.parts[gone.sha256] is Part.LEARN
    assert known.split.recall([gone.sha256])[gone.sha256].thumb.shape == (32, 32)


def test_a_split_that_another_training_changed_meanwhile_is_not_overwritten(stores: Any) -> None:
    """The other learned from a look-alike of what this would test with, say."""
    sources = scenes(12)
    mine, theirs = begin(stores, "mine"), begin(stores, "mine")
    examples = examples_of(sources)
    divided = divide(examples, groups_of(examples), Split()).split
    keep_division(theirs, divided, examples)
    with pytest.raises(Conflict):
        keep_division(mine, divided, examples)


def test_whatever_write_a_training_dies_at_the_next_one_divides_as_one_that_lived(stores: Any) -> None:
    """Nothing is learned from that a decision made a test, whichever of its writes was the last."""
    sources = scenes(12)
    whole, split = kept_and_divided(stores, sources)
    expected = open_set(stores, "mine").split.parts
    assert expected == split.parts
    died = 0
    for last in range(200):
        stores.training = Dying(last)
        try:
            kept_and_divided(stores, sources, whole)
        except Died:
            died += 1
            stores.training.lives_on()
            seen = open_set(stores, "mine").split.parts if stores.training.blobs else {}
            assert seen in ({}, expected), "a decision is whole, or was never made"
            kept_and_divided(stores, sources, whole)
        else:
            break
        known = begin(stores, "mine")
        assert known.split.parts == expected
        assert {one.part for one in known.listed} == {Part.LEARN, Part.TEST}, "it stands in each picture's own JSON"
        assert set(known.split.recall(list(expected))) == set(expected)
    assert died > 3 * len(whole)


def test_a_training_that_went_on_for_another_is_not_disturbed_when_that_comes_back(stores: Any) -> None:
    examples, split = kept_and_divided(stores, scenes(12))
    tested = sorted(split.of(Part.TEST))[0]
    later = replace(split, parts={**split.parts, tested: Part.RETIRED})
    keep_division(begin(stores, "mine"), later, examples)
    pictures = TrainingPictures(stores.training, "mine")
    pictures.assign(tested, Part.TEST)  # the first one's writing, which was paused
    assert open_set(stores, "mine").split.parts[tested] is Part.RETIRED


def test_similarity_and_centre_are_kept(stores: Any) -> None:
    known = begin(stores, "mine")
    keep_division(known, Split({}, 0.7, np.linspace(0, 1, 1280), turned=True), [])
    found = open_set(stores, "mine").split.chosen_similarity()
    assert found is not None
    assert (found.threshold, found.turned) == (0.7, True)
    assert np.allclose(found.centre, np.linspace(0, 1, 1280))
    centre = np.linspace(0, 1, 1280).astype(np.float32).tobytes()
    assert open_set(stores, "mine").file == SplitFile(0.7, centre, turned=True)


class Died(Exception):
    """The process is no more."""


class Dying(Training):
    """A container that takes so many writes."""

    def __init__(self, writes: int) -> None:
        super().__init__()
        self.writes: float = writes

    def lives_on(self) -> None:
        self.writes = float("inf")

    def overwrite(self, name: str, data: bytes, content_type: str, metadata: Any = None) -> str:
        with self.lock:
            self.one_less()
            return super().overwrite(name, data, content_type, metadata)

    def delete(self, name: str, etag: str | None = None) -> None:
        with self.lock:
            self.one_less()
            super().delete(name, etag)

    def one_less(self) -> None:
        self.writes -= 1
        if self.writes < 0:
            raise Died


def test_where_several_labels_may_hold_a_content_has_those_of_all_its_folders(stores: Any) -> None:
    first = with_content(
        [labelled("round", "round/1.png", b"one"), labelled("red", "red/7.png", b"one")], silent, has_several=True
    )
    assert [(one.labels, one.name) for one in first] == [(("red", "round"), "round/1.png")]
    known = begin(stores, "mine")
    assert len(keep(known, first, silent, has_several=True)) == 1
    more = with_content([labelled("big", "big/1.png", b"one")], silent, has_several=True)
    known = begin(stores, "mine")
    training_set.demand_same_labels(known, more, has_several=True)
    assert keep(known, more, silent, has_several=True) == set(), "it is no new picture"
    assert [(one.labels, one.name) for one in open_set(stores, "mine").labelled] == [
        (("big", "red", "round"), "round/1.png")
    ]
    keep(begin(stores, "mine"), more, silent, relabel=True, has_several=True)
    assert [one.labels for one in open_set(stores, "mine").labelled] == [("big",)]


def test_pictures_of_none_of_the_labels_are_kept_and_known_as_such(stores: Any) -> None:
    sources = hashed(labelled((), "other/1.png", b"one"), labelled("rose", "rose/2.png", b"two"))
    keep(begin(stores, "mine"), sources, silent)
    known = begin(stores, "mine")
    assert sorted((one.labels, one.name) for one in known.labelled) == [((), "other/1.png"), (("rose",), "rose/2.png")]
    assert keep(known, sources, silent) == set()
    with pytest.raises(BadTrainingData, match=r"other/1\.png under none of the labels and rose/1\.png under rose"):
        training_set.demand_same_labels(known, hashed(labelled("rose", "rose/1.png", b"one")), has_several=True)
    keep(known, hashed(labelled("rose", "rose/1.png", b"one")), silent, relabel=True)
    assert [one.labels for one in open_set(stores, "mine").labelled] == [("rose",), ("rose",)]
    keep(begin(stores, "mine"), sources[:1], silent, relabel=True)
    assert sorted(one.labels for one in open_set(stores, "mine").labelled) == [(), ("rose",)]


def test_a_picture_whose_label_is_taken_away_during_a_training_stays_without(stores: Any) -> None:
    keep(begin(stores, "mine"), scenes(12), silent)
    known = begin(stores, "mine")
    examples = examples_of(all_with(stores, known, []))
    split = divide(examples, groups_of(examples), known.split).split
    TrainingPictures(stores.training, "mine").change(examples[0].sha256, lambda facts: replace(facts, labels=()))
    keep_division(known, split, examples)
    there = open_set(stores, "mine")
    assert {one.sha256 for one in there.labelled} == {example.sha256 for example in examples[1:]}
    assert there.split.parts.keys() == {example.sha256 for example in examples}


def test_a_picture_that_waits_for_a_label_gets_that_of_a_folder(stores: Any) -> None:
    sources = hashed(labelled("rose", "rose/1.png", b"one"), labelled((), "other/2.png", b"two"))
    keep(begin(stores, "mine"), sources, silent)
    for source in sources:
        TrainingPictures(stores.training, "mine").change(
            source.sha256 or "", lambda facts: replace(facts, labels=(), negative=False)
        )
    assert open_set(stores, "mine").labelled == []
    assert keep(begin(stores, "mine"), sources, silent) == set(), "they are no new pictures"
    assert sorted(one.labels for one in open_set(stores, "mine").labelled) == [(), ("rose",)]
