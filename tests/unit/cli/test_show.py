"""A picture's record as a person reads it."""

from rich.console import Console

from classify import ModelRef, Prediction, Score
from imagestore.cli.show import described
from imagestore.record import Correction, Failure, Record, Status, Upload
from preprocess import ImageInfo


def shown(record: Record) -> str:
    console = Console(width=100, force_terminal=False)
    with console.capture() as capture:
        console.print(described(record))
    return capture.get()


def test_show_says_what_a_person_asks() -> None:
    prediction = Prediction(
        "tabby", 0.83, 0.71, 0.35, (Score("tabby", 0.83), Score("tiger cat", 0.12)), ModelRef("default", "1", "77")
    )
    image = ImageInfo("JPEG", 4032, 3024, "RGB", orientation=6, metadata={"Make": "Canon", "Model": "EOS R5"})
    text = shown(
        Record(
            "3f2a", "garden/IMG [0412].jpg", Status.CLASSIFIED, "a cat", Upload("0x1", 184213, "image/jpeg"), image,
            prediction=prediction, correction=Correction("a cat", "kim", "2026-11-21T09:05:00.000Z", "tabby"),
            timings_ms={"preprocess": 21, "classify": 10}, uploaded_at="2026-11-21T09:00:00.000Z",
        )
    )  # fmt: skip
    for part in (
        "garden/IMG [0412].jpg", "a cat", "by kim, the model had said tabby",
        "tabby 83 %, tiger cat 12 %", "default 1",
        "JPEG, 3024 × 4032 pixels", "Canon EOS R5", "184,213 bytes", "preprocess 21 ms, classify 10 ms",
    ):  # fmt: skip
        assert part in text
    assert "orientation" not in text
    assert "{" not in text


def test_show_says_why_there_is_no_label() -> None:
    failure = Failure("preprocess", "too_small", "4 × 4 pixels; at least 8 are needed.")
    assert "rejected: too_small (4 × 4 pixels; at least 8 are needed.)" in shown(
        Record("3f2a", "dot.gif", Status.REJECTED, problem=failure)
    )
