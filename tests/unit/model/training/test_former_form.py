"""Labelled pictures in the form of an earlier version are moved over, and which of them test stays as it was."""

import base64
import hashlib
import json
import zlib
from collections.abc import Callable
from itertools import count
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from imagestore.errors import BadSplit, NotMigrated
from imagestore.store.training import Part, TrainingPictures
from model.training import look_alikes
from model.training.former_form import Moved, migrate
from model.training.split import divide
from model.training.training_set import begin, open_set
from unit.memory_items import MemoryItems
from unit.model.labelled_pictures import altered, examples_of, labelled, quiet, scene
from unit.model.training.test_training_set import Died, Dying
from unit.pictures import encoded
from unit.web.memory import MemoryBlobs

COMPUTED = "computed-looks-0123456789abcdef01234567.npz"
FILES = {n: encoded(scene(n)) for n in range(9)}
SHA = {n: hashlib.sha256(data).hexdigest() for n, data in FILES.items()}
LOOKS = look_alikes.looks(np.random.default_rng(0).uniform(0, 1, (8, 1280)))
PARTS = {0: "train", 1: "train", 2: "test", 3: "retired", 5: "train", 6: "test"}
"""By number. 4 was never divided, 5 and 6 are gone, 7 was added by an earlier version later."""
LABELS = {0: "rose", 1: "mine", 2: "rose", 3: "tulip, red", 4: "rose", 7: "rose"}
NAMES = {n: f"{label}/{'deep/' * (n == 2)}{n} ü.png" for n, label in LABELS.items()}
EXPECTED = {0: Part.LEARN, 1: Part.LEARN, 2: Part.TEST, 3: Part.RETIRED, 4: None, 5: Part.LEARN, 6: Part.TEST}


def in_the_former_split(n: int) -> list[str]:
    """A picture as version 0.1 wrote it into `split.json`: MD5, thumbnail, and later also its look."""
    data = FILES[n]
    (example,) = examples_of([labelled("", "", data)])
    thumb = base64.b64encode(zlib.compress(example.thumb.tobytes())).decode()
    levels = np.round(LOOKS[n] * (255 / LOOKS[n].max())).astype(np.uint8).tobytes()
    look = base64.b64encode(zlib.compress(levels)).decode()
    return [hashlib.md5(data).hexdigest(), thumb, look][: 2 if n == 0 else 3]


PACKED = {n: in_the_former_split(n) for n in PARTS}


def as_before(blobs: Any) -> Any:
    """The container as the earlier version left it."""
    for n in (0, 1, 2, 3, 4):
        blobs.blobs = {**blobs.blobs, **written(NAMES[n], FILES[n])}
    split = {
        part: {SHA[n]: PACKED[n] for n, one in PARTS.items() if one == part} for part in ("train", "test", "retired")
    }
    blobs.blobs = {
        **blobs.blobs,
        **written("split.json", json.dumps({**split, "similarity": 0.71}).encode()),
        **written(COMPUTED, b"computed"),
    }
    return blobs


def written(name: str, data: bytes) -> Any:
    blobs = MemoryBlobs("")
    blobs.overwrite(name, data, "application/octet-stream")
    return blobs.blobs


def stores_of(blobs: Any) -> Any:
    return SimpleNamespace(
        training=blobs,
        projects=SimpleNamespace(gone=set),
        records=SimpleNamespace(corrections=list),
        uploads=None,
        jobs=MemoryItems(),
    )


def state(blobs: Any) -> dict[int, Any]:
    """What the new form holds of each picture."""
    known = open_set(stores_of(blobs), "mine")
    number = {sha256: n for n, sha256 in SHA.items()}
    pictures = TrainingPictures(blobs, "mine")
    for one in known.listed:
        if one.is_there:
            assert hashlib.sha256(pictures.picture(one.sha256)).hexdigest() == one.sha256
    found = {number[one.sha256]: (one.labels, one.source, one.part, one.is_there) for one in known.listed}
    for n in PARTS:
        member = known.split.recall([SHA[n]])[SHA[n]]
        assert member.thumb.tobytes() == zlib.decompress(base64.b64decode(PACKED[n][1]))
        if n == 0:
            assert member.look is None, "version 0.1 did not keep it"
        else:
            assert member.look is not None
            assert np.abs(member.look - LOOKS[n]).max() < 0.005
    assert known.file.similarity == 0.71
    similarity = known.split.chosen_similarity()
    assert similarity is not None
    assert np.allclose(similarity.centre, np.mean([LOOKS[n] for n in PARTS if n], axis=0), atol=0.001)
    names = set(blobs.blobs)
    assert blobs.blobs[f"mine/{COMPUTED}"].data == b"computed"
    assert {name for name in names if not name.startswith("mine/")} == {"split.json"}
    return dict(sorted(found.items()))


def expected() -> dict[int, Any]:
    return {n: ((LABELS[n],) if n < 5 else (), NAMES.get(n, "") if n < 5 else "", EXPECTED[n], n < 5) for n in EXPECTED}


def test_all_is_there_afterwards_and_the_split_is_as_it_was() -> None:
    blobs = as_before(MemoryBlobs("training"))
    with pytest.raises(NotMigrated):
        begin(stores_of(blobs), "mine")
    assert migrate(blobs, "mine", quiet) == Moved(5, 2)
    assert state(blobs) == expected()
    assert migrate(blobs, "mine", quiet) == Moved(0, 0), "once more changes nothing"
    assert state(blobs) == expected()


def test_whatever_write_it_dies_at_the_next_run_goes_on() -> None:
    for writes in count():
        blobs: Any = as_before(Dying(writes))
        try:
            migrate(blobs, "mine", quiet)
        except Died:
            blobs.lives_on()
            with pytest.raises(NotMigrated):
                open_set(stores_of(blobs), "mine")
            migrate(blobs, "mine", quiet)
            assert state(blobs) == expected()
        else:
            break
    assert writes > 20


def test_what_an_earlier_version_adds_later_is_moved_by_running_it_again() -> None:
    blobs = as_before(MemoryBlobs("training"))
    migrate(blobs, "mine", quiet)
    blobs.overwrite(NAMES[7], FILES[7], "image/png")
    blobs.overwrite(f"mine/{SHA[8]}", FILES[8], "image/png")  # of a label 'mine', by a name that looks like ours
    blobs.overwrite("mine/0.png", FILES[0], "image/png")
    with pytest.raises(NotMigrated):
        open_set(stores_of(blobs), "mine")
    assert migrate(blobs, "mine", quiet) == Moved(3, 0)
    found = state(blobs)
    assert found.pop(8) == (("mine",), f"mine/{SHA[8]}", None, True)
    assert found.pop(7) == (("rose",), NAMES[7], None, True)
    assert found.pop(0)[0] == ("rose", "mine"), "one content under two labels, which training names"
    assert found == {n: one for n, one in expected().items() if n}


def test_an_earlier_version_refuses_to_divide_what_was_moved() -> None:
    """It read its split so, and would have begun with an empty one if there had been none."""
    import msgspec

    class File(msgspec.Struct):
        train: dict[str, tuple[str, ...]]
        test: dict[str, tuple[str, ...]]

    containers: list[Any] = [as_before(MemoryBlobs("training")), MemoryBlobs("training")]
    for blobs in containers:
        blobs.overwrite("rose/1.png", FILES[0], "image/png")
        migrate(blobs, "mine", quiet)
        with pytest.raises(msgspec.ValidationError):
            msgspec.json.decode(blobs.get("split.json").data, type=File)


def test_a_picture_that_both_versions_divided_beside_each_other_is_neither_learned_from_nor_tested_on() -> None:
    blobs = as_before(MemoryBlobs("training"))
    migrate(blobs, "mine", quiet)
    theirs = {"train": {SHA[2]: PACKED[2]}, "test": {SHA[1]: PACKED[1], SHA[6]: PACKED[6]}}
    blobs.overwrite("split.json", json.dumps(theirs).encode(), "application/json")
    migrate(blobs, "mine", quiet)
    parts = {n: one[2] for n, one in state(blobs).items()}
    assert parts == {**EXPECTED, 1: Part.RETIRED, 2: Part.RETIRED}


def test_look_alikes_of_what_tested_are_not_learned_from_afterwards() -> None:
    """Of one that is there, and of one whose file is gone."""
    blobs = as_before(MemoryBlobs("training"))
    migrate(blobs, "mine", quiet)
    known = begin(stores_of(blobs), "mine")
    copies = [labelled("rose", str(n), altered(scene(n))["mirrored"]) for n in (6, 5, 100)]
    divided = divide(examples_of(copies), np.arange(3), known.split)
    assert divided.is_test[:2].tolist() == [True, False]


@pytest.mark.parametrize("bad", [b"", b"[]", b'{"train": 1}', b'{"train": {}, "test": {"a": ["00", "!!"]}}'])
def test_a_damaged_split_stops_it_before_anything_is_changed(bad: bytes) -> None:
    blobs = as_before(MemoryBlobs("training"))
    blobs.overwrite("split.json", bad, "application/json")
    before = {name: blob.data for name, blob in blobs.blobs.items()}
    with pytest.raises(BadSplit, match="tested on pictures they learned from"):
        migrate(blobs, "mine", quiet)
    assert before.items() <= {name: blob.data for name, blob in blobs.blobs.items()}.items()


def test_it_says_how_far_it_is() -> None:
    told: list[tuple[str, int]] = []
    done: list[int] = []

    def begin_stage(stage: str, steps: int) -> Callable[[], None]:
        told.append((stage, steps))
        return lambda: done.append(1)

    migrate(as_before(MemoryBlobs("training")), "mine", begin_stage)
    assert told == [("Moving", 5), ("Remembering", 2)]
    assert len(done) == 7
