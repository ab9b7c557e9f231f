"""Labelled pictures by content: what a listing tells, and what two that write at once do to each other."""

from dataclasses import replace
from typing import Any

import pytest

from imagestore.errors import BadSplit, Conflict, NotMigrated
from imagestore.store.training import (
    MOVED,
    ListedPicture,
    Part,
    PictureFacts,
    SplitFile,
    TrainingPictures,
    known_parts,
    later,
)
from unit.web.memory import MemoryBlobs

ONE, TWO, THREE = ("1" * 64, "2" * 64, "3" * 64)


class Counting(MemoryBlobs):
    """Counts what is read of it besides its listing."""

    def __init__(self) -> None:
        super().__init__("training")
        self.read_names: list[str] = []

    def get(self, name: str, max_bytes: int | None = None) -> Any:
        self.read_names.append(name)
        return super().get(name, max_bytes)


@pytest.fixture
def blobs() -> Any:
    return Counting()


@pytest.fixture
def pictures(blobs: Any) -> TrainingPictures:
    found = TrainingPictures(blobs, "mine")
    found.put_split(SplitFile(), None)
    return found


def test_a_listing_tells_all_that_it_must_without_reading_a_picture(blobs: Any, pictures: TrainingPictures) -> None:
    facts = PictureFacts(("garden = fun, 50 % Ü", "ライオン"), source="a b/ü,1.png", part=Part.TEST, thumb=b"thumb")
    pictures.put_facts(ONE, facts, None)
    pictures.put_picture(ONE, b"content")
    pictures.put_facts(TWO, PictureFacts((), negative=True), None)
    assert [(one.sha256, one.is_there, one.labels, one.negative, one.part, one.source) for one in pictures.list()] == [
        (ONE, True, facts.labels, False, Part.TEST, facts.source),
        (TWO, False, (), True, None, ""),
    ]
    assert blobs.read_names == []
    assert blobs.blobs[f"mine/{ONE}.json"].metadata["labels"].isascii()
    assert pictures.facts(ONE) == (facts, blobs.blobs[f"mine/{ONE}.json"].etag)


@pytest.mark.parametrize("lost", ["metadata that do not fit", "a copy without metadata"])
def test_where_the_listing_cannot_tell_the_facts_are_read(blobs: Any, pictures: TrainingPictures, lost: str) -> None:
    many = lost == "metadata that do not fit"
    facts = PictureFacts(tuple(f"label {n} {'ü' * 200}" for n in range(20 if many else 1)), part=Part.LEARN)
    pictures.put_facts(ONE, facts, None)
    if not many:
        blobs.blobs[f"mine/{ONE}.json"] = replace(blobs.blobs[f"mine/{ONE}.json"], metadata={})
    assert [(one.labels, one.part) for one in pictures.list()] == [(facts.labels, Part.LEARN)]


def test_another_project_is_another_set(blobs: Any, pictures: TrainingPictures) -> None:
    others = TrainingPictures(blobs, "mine-too")
    others.put_split(SplitFile(), None)
    others.put_facts(ONE, PictureFacts(("cat",)), None)
    assert list(pictures.list()) == []
    assert [one.labels for one in others.list()] == [("cat",)]
    others.demand_migrated(set)


@pytest.mark.parametrize(
    "name", ["rose/1.png", "mine/1.png", f"mine/{ONE}", f"mine/{'g' * 64}", "mine/former-split.json", "split.json"]
)
def test_what_lies_there_in_the_form_of_before_is_said_with_the_command(
    blobs: Any, pictures: TrainingPictures, name: str
) -> None:
    blobs.overwrite(name, b"1", "image/png")

    def look() -> None:
        pictures.demand_migrated(set)
        list(pictures.list())

    with pytest.raises(NotMigrated, match="imagestore migrate"):
        look()
    assert list(pictures.list(during_migration=True)) == []


def test_what_a_migration_left_in_place_of_the_former_split_is_no_former_split(
    blobs: Any, pictures: TrainingPictures
) -> None:
    blobs.overwrite("split.json", MOVED, "application/json")
    pictures.demand_migrated(set)


def test_of_two_that_change_a_picture_neither_is_lost(pictures: TrainingPictures) -> None:
    pictures.put_facts(ONE, PictureFacts(("rose",)), None)
    had_turn: list[bool] = []

    def slowly(facts: PictureFacts) -> PictureFacts:
        if not had_turn:
            had_turn.append(True)
            pictures.assign(ONE, Part.TEST)
        return replace(facts, labels=("tulip",))

    pictures.change(ONE, slowly)
    found = pictures.facts(ONE)
    assert found is not None
    assert (found[0].labels, found[0].part) == (("tulip",), Part.TEST)
    with pytest.raises(Conflict):
        pictures.put_facts(ONE, PictureFacts(), None)


def test_what_was_decided_is_never_undone_by_who_comes_late(pictures: TrainingPictures) -> None:
    for part in (Part.TEST, Part.RETIRED, Part.TEST):
        pictures.assign(ONE, part)
    (found,) = pictures.list()
    assert found.part is Part.RETIRED
    assert later(None, Part.LEARN) is Part.LEARN
    assert later(Part.LEARN, Part.TEST) is Part.RETIRED, "two versions of the program decided beside each other"


def test_what_is_decided_counts_before_it_stands_in_each_picture() -> None:
    listed = [ListedPicture(ONE, "", True, (), False, Part.TEST, ""), ListedPicture(TWO, "", True, (), False, None, "")]
    file = SplitFile(pending={ONE: Part.RETIRED, THREE: Part.LEARN})
    assert known_parts(listed, file) == {ONE: Part.RETIRED, THREE: Part.LEARN}


def test_a_damaged_file_says_what_it_would_cost(blobs: Any, pictures: TrainingPictures) -> None:
    blobs.overwrite("mine/split.json", b'{"pending": {"a": "both"}}', "application/json")
    with pytest.raises(BadSplit, match=r"split\.json .* tested on pictures they learned from"):
        pictures.split()
