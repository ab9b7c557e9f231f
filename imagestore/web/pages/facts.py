"""What one picture's page shows: its history and its camera data."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from classify import ModelRef, Prediction
from imagestore.proportion import percent
from imagestore.record import Record
from imagestore.text import visible
from imagestore.web.pages.formatting import reason

Fact = tuple[str, str]
"""A name and a value."""


@dataclass(frozen=True)
class Step:
    """Something that happened to a picture: a text, a label if it is about one, and the rest of the text.

    `at` is ISO 8601 in UTC; None if the time was not kept.
    """

    at: str | None
    text: str
    label: str | None = None
    rest: str = ""


def timeline(record: Record, who: Callable[[str], str] = str) -> list[Step]:
    """What happened to the picture, oldest first; `who` gives the name of an account."""
    steps: list[tuple[str, int, Step]] = []

    def add(at: str | None, step: Step, before: bool = False) -> None:
        steps.append((at or record.uploaded_at or "", 0 if before else 1, step))

    add(record.uploaded_at, Step(record.uploaded_at, "Uploaded"))
    if staged := record.staged:
        how = "Cropped and turned gray" if staged.channels == 1 else "Cropped"
        add(record.staged_at, Step(record.staged_at, f"{how}, {staged.width} × {staged.height}"))
    if problem := record.problem:
        word = "Rejected" if problem.is_the_pictures else "Failed"
        add(record.finished_at, Step(record.finished_at, f"{word}: {reason(problem.reason)}"))
    prediction, correction = record.prediction, record.correction
    told = prediction and (prediction.label, prediction.model)
    if correction and correction.predicted and correction.model:
        predicted = (correction.predicted, correction.model)
        if predicted != told:
            add(correction.at, _answer(None, correction.model, correction.predicted), before=True)
            told = predicted
    if prediction:
        earlier = prediction.earlier
        if earlier and (earlier.label, earlier.model) != told:
            add(record.finished_at, _answer(None, earlier.model, earlier.label, earlier.confidence), before=True)
        add(record.finished_at, _final_answer(record.finished_at, prediction))
    if wrong := record.wrong:
        text = f"{visible(who(wrong.account))} said that it is not"
        add(wrong.at, Step(wrong.at, text, visible(", ".join(wrong.predicted_labels or (wrong.predicted,)))))
    if correction:
        text = f"Corrected by {visible(who(correction.account))} to"
        add(correction.at, Step(correction.at, text, visible(correction.label)))
    return [step for _, _, step in sorted(steps, key=lambda one: one[:2])]


def _final_answer(at: str | None, prediction: Prediction) -> Step:
    """The latest prediction, and why it is no answer, if it is none."""
    step = _answer(at, prediction.model, prediction.label, prediction.confidence)
    if prediction.is_known:
        return step
    if prediction.is_far:
        return replace(step, rest=f"{step.rest}, but it is unlike all that the model learned from: unknown")
    return replace(step, rest=f"{step.rest}, which is under {percent(prediction.threshold)}: unknown")


def _answer(at: str | None, model: ModelRef, label: str, confidence: float | None = None) -> Step:
    rest = "" if confidence is None else f" ({percent(confidence)})"
    return Step(at, f"{visible(model.name)} {visible(model.version)} said", visible(label), rest)


def camera_facts(metadata: dict[str, Any]) -> list[Fact]:
    """The camera's data in a photographer's terms. The record has the fields as they are."""
    maker, model = (str(metadata.get(key) or "").strip() for key in ("Make", "Model"))
    camera = model if model.casefold().startswith(maker.casefold()) else f"{maker} {model}"
    lens = str(metadata.get("LensModel") or "").strip()
    facts = [("Camera", camera.strip()), ("Lens", lens), ("Exposure", ", ".join(_exposure(metadata)))]
    facts += [("Software", str(metadata.get("Software") or "").strip()), ("Place", _place(metadata))]
    return [(name, visible(value)) for name, value in facts if value]


def _exposure(metadata: dict[str, Any]) -> list[str]:
    """Exposure, such as 1/250 s, f/2.8, ISO 100, 50 mm, with flash."""
    time, aperture, speed, length = (
        _positive(metadata.get(key)) for key in ("ExposureTime", "FNumber", "ISOSpeedRatings", "FocalLength")
    )
    flash = metadata.get("Flash")
    return [
        *([f"1/{1 / time:.0f} s" if time < 0.4 else f"{time:g} s"] if time else []),
        *([f"f/{aperture:g}"] if aperture else []),
        *([f"ISO {speed:g}"] if speed else []),
        *([f"{length:g} mm"] if length else []),
        *(["with flash"] if isinstance(flash, int) and flash & 1 else []),
    ]


def _place(metadata: dict[str, Any]) -> str:
    """A position, such as 48.1372° N, 11.5756° E; empty if a part is missing."""
    parts = []
    for axis, sides in (("Latitude", "NS"), ("Longitude", "EW")):
        degrees, side = metadata.get(f"GPS{axis}"), metadata.get(f"GPS{axis}Ref")
        if not (isinstance(degrees, list) and len(degrees) == 3 and isinstance(side, str) and side[:1] in sides):
            return ""
        if not all(isinstance(part, int | float) for part in degrees):
            return ""
        parts.append(f"{degrees[0] + degrees[1] / 60 + degrees[2] / 3600:.4f}° {side[:1]}")
    return ", ".join(parts)


def _positive(value: Any) -> float | None:
    """The value, or the first one of a list, if it is a number above zero."""
    first = value[0] if isinstance(value, list) and value else value
    return float(first) if isinstance(first, int | float) and first > 0 else None
