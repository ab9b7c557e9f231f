"""What a picture's page tells: its history in order, and its file's facts as people say them."""

from dataclasses import replace

from classify import ModelRef
from classify.prediction import Earlier
from imagestore.record import Correction, Record
from imagestore.web.pages.facts import camera_facts, timeline
from unit.web.records import picture, rejected

OLD = ModelRef("default", "1", "0" * 64)


def classified(confidence: float = 0.8) -> Record:
    return replace(
        picture("a", "tabby", confidence),
        uploaded_at="2026-11-21T09:00:00.000Z",
        staged_at="2026-11-21T09:00:01.000Z",
        finished_at="2026-11-21T09:00:02.000Z",
    )


def told(record: Record) -> list[str]:
    return [f"{step.text} {step.label or ''}{step.rest}".strip() for step in timeline(record)]


def test_a_picture_is_uploaded_cropped_and_classified() -> None:
    assert told(classified()) == ["Uploaded", "Cropped and turned gray, 224 × 224", "m 1 said tabby (80 %)"]
    assert [step.at for step in timeline(classified())] == [f"2026-11-21T09:00:0{n}.000Z" for n in range(3)]


def test_what_has_no_time_of_its_own_comes_after_the_upload() -> None:
    assert told(replace(classified(), staged_at=None))[:2] == ["Uploaded", "Cropped and turned gray, 224 × 224"]


def test_an_answer_that_is_too_unsure_says_under_which_threshold() -> None:
    assert told(classified(0.2))[-1] == "m 1 said tabby (20 %), which is under 35 %: unknown"


def test_every_model_that_answered_is_told_of() -> None:
    record = classified()
    assert record.prediction is not None
    record = replace(record, prediction=replace(record.prediction, earlier=Earlier("lynx", 0.6, OLD)))
    assert told(record)[2:] == ["default 1 said lynx (60 %)", "m 1 said tabby (80 %)"]


def test_a_correction_comes_when_it_was_made_and_after_what_it_corrected() -> None:
    record = classified()
    assert record.prediction is not None
    later = Correction("puma", "ann", "2026-11-22T09:00:00.000Z", "tabby", record.prediction.model)
    assert told(replace(record, correction=later))[2:] == ["m 1 said tabby (80 %)", "Corrected by ann to puma"]
    sooner = Correction("puma", "ann", "2026-11-21T09:00:01.500Z", "lynx", OLD)
    assert told(replace(record, correction=sooner))[2:] == [
        "default 1 said lynx", "Corrected by ann to puma", "m 1 said tabby (80 %)",
    ]  # fmt: skip


def test_a_rejected_picture_says_why() -> None:
    assert told(rejected("a", "truncated"))[-1] == "Rejected: The picture ends too early"
    assert told(rejected("a", "Unavailable"))[-1] == "Failed: A service failed (Unavailable)"


def test_a_camera_is_one_row_and_numbers_without_meaning_for_people_are_none() -> None:
    metadata = {
        "jfif_version": [1, 1], "jfif_unit": 0, "jfif_density": [1, 1], "Orientation": 6, "ColorSpace": 1,
        "Make": "Canon", "Model": "Canon EOS R5", "LensModel": "RF 50mm", "Software": "GIMP",
        "ExposureTime": 0.004, "FNumber": 2.8, "ISOSpeedRatings": 100, "FocalLength": 50.0, "Flash": 1,
        "GPSLatitude": [48.0, 8.0, 14.0], "GPSLatitudeRef": "N", "GPSLongitude": [11.0, 34.0, 32.0],
        "GPSLongitudeRef": "E",
    }  # fmt: skip
    assert camera_facts(metadata) == [
        ("Camera", "Canon EOS R5"),
        ("Lens", "RF 50mm"),
        ("Exposure", "1/250 s, f/2.8, ISO 100, 50 mm, with flash"),
        ("Software", "GIMP"),
        ("Place", "48.1372° N, 11.5756° E"),
    ]
    assert camera_facts({"Make": "NIKON", "Model": "D90"}) == [("Camera", "NIKON D90")]


def test_senseless_metadata_is_no_fact() -> None:
    assert camera_facts({}) == []
    strange = {"ExposureTime": -1, "FNumber": "f", "ISOSpeedRatings": [], "Flash": "on", "GPSLatitude": [1, 2]}
    assert camera_facts(strange) == []
    assert camera_facts({"Model": "\u202eabc"}) == [("Camera", "\\u202eabc")]


def test_an_answer_to_something_unlike_what_was_learned_says_so() -> None:
    record = classified(0.9)
    assert record.prediction is not None
    far = replace(record, prediction=replace(record.prediction, distance=0.5, distance_limit=0.4))
    assert told(far)[-1] == "m 1 said tabby (90 %), but it is unlike all that the model learned from: unknown"
