"""What happened is told as CloudEvents, whose ids follow from it, and which hold what viewers may know."""

from dataclasses import replace

import pytest

from classify import ModelRef, Prediction, Vector
from imagestore.record import (
    Correction,
    Failure,
    Record,
    Status,
    Upload,
    WrongAnswer,
    record_id,
    tombstone,
)
from imagestore.store import PromotionEntry, StoredRecord
from imagestore.webhooks import events
from imagestore.webhooks.webhook import EventType
from preprocess import ImageInfo

NAME, AT, LATER = "garden/Anna.jpg", "2026-11-21T09:00:00.112Z", "2026-11-22T10:00:00.000Z"
SOURCE = "https://pictures.example.org"
MODEL = ModelRef("m", "1", "f" * 64)
IMAGE = ImageInfo("JPEG", 40, 30, "RGB", metadata={"Make": "Canon", "GPSLatitude": 48.2})


def record(confidence: float = 0.9, **more: object) -> Record:
    prediction = Prediction("tabby", confidence, 0.8, 0.3, (), MODEL)
    made = Record(record_id(NAME), NAME, upload=Upload("0x1", 3), image=IMAGE, prediction=prediction)
    return replace(made, **more).finished(AT)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (record(), (EventType.CLASSIFIED, AT)),
        (record(0.1), (EventType.UNKNOWN, AT)),
        (record(problem=Failure("preprocess", "corrupt", "It breaks off.")), (EventType.REJECTED, AT)),
        (record(problem=Failure("classify", "Unavailable", "It was away.")), (EventType.FAILED, AT)),
        (record(correction=Correction("lynx", "maria", LATER)), (EventType.CORRECTED, LATER)),
        (record(wrong=WrongAnswer("maria", LATER, "tabby", MODEL)), (EventType.CORRECTED, LATER)),
        (record(correction=Correction("lynx", "maria", "2026-11-20T09:00:00.000Z")), (EventType.CLASSIFIED, AT)),
        (tombstone(NAME, LATER), (EventType.DELETED, LATER)),
        (Record(record_id(NAME), NAME), None),
        (Record("cleared", "", status=Status.DELETED, finished_at=AT), None),
    ],
)
def test_the_last_that_happened_is_told(made: Record, expected: object) -> None:
    assert events.outcome(made) == expected


def test_an_event_is_a_cloud_event_with_the_record_that_viewers_see() -> None:
    made = record().with_vector(Vector("b" * 64, b"abc"))
    event = events.of_outcome(made, SOURCE)
    data = event.pop("data")
    assert event == {
        "specversion": "1.0",
        "id": event["id"],
        "source": SOURCE,
        "type": "imagestore.picture.classified",
        "subject": record_id(NAME),
        "time": AT,
        "datacontenttype": "application/json",
    }
    assert (data["name"], data["label"], data["image"]["metadata"]["Make"]) == (NAME, "tabby", "Canon")
    assert "vector" not in data
    assert "48.2" not in str(data), "where it was taken"


def test_the_same_has_the_same_id_and_anything_else_another() -> None:
    one = events.of_outcome(record(), SOURCE)["id"]
    assert one == events.of_outcome(record(0.8), SOURCE)["id"]
    others = [
        record().finished(LATER),
        record(upload=Upload("0x2", 3)),
        record(correction=Correction("lynx", "maria", LATER)),
    ]
    assert one not in {events.of_outcome(other, SOURCE)["id"] for other in others}
    assert len(one) == 32


def test_a_record_that_is_written_again_later_is_told_by_its_revision() -> None:
    at_once = StoredRecord(record(), "e", None, 1795251600112 + 2000)
    assert not events.is_rewritten(at_once)
    later = replace(at_once, revision=1795251600112 + 60_000)
    assert events.is_rewritten(later)
    assert not events.is_rewritten(replace(later, hidden_until=LATER)), "it is about to be deleted"
    event = events.of_rewriting(later, SOURCE)
    assert (event["type"], event["time"]) == ("imagestore.picture.updated", "2026-11-21T09:01:00.112Z")
    assert event["id"] != events.of_rewriting(replace(later, revision=later.revision + 1), SOURCE)["id"]


def test_a_promotion_and_a_test_say_what_they_are() -> None:
    promoted = events.of_promotion(PromotionEntry("garden", "3", "5a" * 32, AT, "maria", "better"), SOURCE)
    assert (promoted["type"], promoted["subject"], promoted["time"]) == (EventType.PROMOTED, "garden/3", AT)
    assert promoted["data"]["note"] == "better"
    tests = [events.of_test("webhook-1", SOURCE, key) for key in ("a", "b")]
    assert {one["type"] for one in tests} == {events.TEST}
    assert tests[0]["id"] != tests[1]["id"]
