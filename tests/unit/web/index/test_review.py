"""Which picture a person is shown next, and what the review says of the model."""

import itertools
from dataclasses import replace

from classify import Earlier, ModelRef
from imagestore.pipeline.labelling.correct import wrong_answer
from imagestore.record import RANDOM_BELOW, Correction, Record
from imagestore.web.index.index import Index
from imagestore.web.index.review import next_picture, progress, taken_back
from unit.web.records import picture, rejected, stored, take_in

MODEL = "f" * 64


def reviewed(index: Index, record: Record, label: str, *, random_sample: bool, model: str = MODEL) -> None:
    """A person says what it is."""
    assert record.prediction is not None
    said = Correction(
        label, "me", "", record.prediction.label, replace(record.prediction.model, sha256=model), random_sample
    )
    index.put(stored(replace(record, correction=said).finished(record.finished_at or "")))


def with_margin(record: Record, margin: float, confidence: float = 0.9) -> Record:
    assert record.prediction is not None
    return replace(record, prediction=replace(record.prediction, margin=margin, confidence=confidence))


def test_review_takes_the_most_doubtful_first_and_every_tenth_at_random(index: Index) -> None:
    made = [with_margin(picture(f"{n}.jpg"), n / 200) for n in range(100)]
    take_in(index, made, "1")
    in_draw = sorted(record.id for record in made if record.id < RANDOM_BELOW)
    order: list[Record] = []
    for turn in range(1, 21):
        found = next_picture(index)
        assert found is not None
        assert found.random_sample == (turn % 10 == 0)
        order.append(found.record)
        reviewed(index, found.record, "tabby", random_sample=found.random_sample)
    assert [order[9].id, order[19].id] == in_draw[:2]
    doubtful = [record.prediction.margin for n, record in enumerate(order) if n not in (9, 19) and record.prediction]
    assert doubtful == sorted(doubtful)
    assert (progress(index, MODEL).reviewed, progress(index, MODEL).waiting) == (20, 80)
    others = [record.id for record in made if record.id >= RANDOM_BELOW]
    last = next_picture(index, others)
    assert last is not None, "when the doubtful ones are done, the draw goes on"
    assert last.record.id == in_draw[2]
    assert next_picture(index, [record.id for record in made]) is None


def test_review_begins_where_versions_disagree_and_goes_on_near_the_threshold(index: Index) -> None:
    names = (f"{n}.jpg" for n in itertools.count())
    made = itertools.filterfalse(lambda record: record.id < RANDOM_BELOW, map(picture, names))
    sure, near, close, split = (next(made) for _ in range(4))
    assert split.prediction is not None
    earlier = Earlier("rose", 0.7, ModelRef("mine", "2", "e" * 64))
    split = replace(with_margin(split, 0.8), prediction=replace(split.prediction, margin=0.8, earlier=earlier))
    wanted = [split, with_margin(near, 0.3, 0.36), with_margin(close, 0.02), with_margin(sure, 0.9, 0.95)]
    take_in(index, wanted[::-1], "1")
    said = []
    for record in wanted:
        found = next_picture(index)
        assert found is not None
        assert found.record.id == record.id
        said.append(found.why)
        reviewed(index, found.record, "tabby", random_sample=False)
    assert said[0] == "Two models disagree: mine 2 said rose."
    assert "as sure as it must be to answer (35 %)" in said[1]
    assert said[2] == "other is nearly as likely."


def test_live_accuracy_is_of_the_draw_and_of_the_live_model_alone(index: Index) -> None:
    made = sorted((picture(f"{n}.jpg") for n in range(400)), key=lambda record: record.id)
    draw = [record for record in made if record.id < RANDOM_BELOW]
    take_in(index, made, "1")

    def counted() -> tuple[int, int]:
        found = progress(index, MODEL).live_accuracy
        return found.right, found.of

    assert progress(index, MODEL).live_accuracy.low is None
    for record in made[-50:]:
        reviewed(index, record, "wrong", random_sample=False)
    assert counted() == (0, 0), "those that were chosen for being doubtful say nothing of the rest"
    reviewed(index, draw[4], "wrong", random_sample=False)
    assert counted() == (0, 0), "somebody found this one wrong; the draw has not come to it"
    for n in (0, 1, 2):
        reviewed(index, draw[n], "tabby", random_sample=True)
    assert counted() == (3, 3)
    reviewed(index, draw[5], "other", random_sample=True)
    assert counted() == (3, 5), "now it has"
    reviewed(index, draw[6], "tabby", random_sample=True, model="e" * 64)
    assert counted() == (3, 5), "that was another model"
    assert progress(index, "e" * 64).live_accuracy.of == 1
    for n in range(7, 12):
        assert progress(index, MODEL).live_accuracy.low is None, "so few say nothing"
        reviewed(index, draw[n], "tabby", random_sample=True)
    assert counted() == (8, 10)
    assert progress(index, MODEL).live_accuracy.low is not None
    assert progress(index, None).live_accuracy.of == 0


def test_what_is_taken_back_is_shown_again(index: Index) -> None:
    first, second = picture("1.jpg"), picture("2.jpg")
    take_in(index, [first, second], "1")
    found = taken_back(index, second.id)
    assert found is not None
    assert (found.record, found.random_sample) == (second, False)
    reviewed(index, second, "tabby", random_sample=False)
    assert taken_back(index, second.id) is None, "somebody has said something of it again"
    assert taken_back(index, "") is None
    assert taken_back(index, "0" * 32) is None


def test_a_rejected_file_is_not_to_be_reviewed(index: Index) -> None:
    take_in(index, [rejected("bad.jpg")], "1")
    assert next_picture(index) is None
    assert progress(index, MODEL).waiting == 0


def test_an_answer_that_is_said_to_be_wrong_counts_as_wrong_and_still_waits(index: Index) -> None:
    drawn = [one for one in (picture(f"{n}.jpg") for n in range(200)) if one.id < RANDOM_BELOW]
    at = "2026-11-22T09:00:00.000Z"
    wrong = replace(drawn[0], wrong=wrong_answer(drawn[0], "maria")).finished(at)
    last = max(drawn[1:], key=lambda one: one.id)
    assert last.id > wrong.id
    assert last.prediction is not None
    right = Correction("tabby", "otto", at, "tabby", last.prediction.model, random_sample=True)
    take_in(index, [wrong, replace(last, correction=right).finished(at)])
    found = progress(index, "f" * 64)
    assert (found.live_accuracy.share, found.reviewed, found.waiting) == (0.5, 1, 1)
