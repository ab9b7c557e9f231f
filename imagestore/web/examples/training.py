"""Examples of the operations about training: by operation id the query, what curl needs besides, and an answer."""

from typing import Any

from imagestore.pipeline.labelling.doubts import Answered, LabellingState
from imagestore.pipeline.labelling.labelled_intake import Outcome, TakenIn
from imagestore.pipeline.labelling.learnable import LabelCount, TrainingState
from imagestore.store.labelling import CurvePoint, Doubt, LabelRise, LearningCurve, Measured
from imagestore.store.projects import LabelsPerPicture

_SHA256 = "9b1c" * 16
_TRAINING = TrainingState(
    "screws", "Screws", LabelsPerPicture.ONE, "screws",
    [LabelCount("M3", 3, 0, 2, 27), LabelCount("M4", 40, 1, 0, 0)], 0, 0, 1, 1, "1",
    ["M3: 3, at least 5 needed, 30 wanted."], [], [], False,
)  # fmt: skip
_CURVE = LearningCurve(
    [CurvePoint(200, Measured(0.9, 0.86, 0.94)), CurvePoint(400, Measured(0.912, 0.88, 0.94))],
    Measured(0.012, -0.005, 0.029), [LabelRise("M3", 0.88, Measured(0.01, -0.03, 0.05))],
)  # fmt: skip
_LABELLING = LabellingState(
    "3",
    "2026-11-21T09:00:00.112Z",
    400,
    1,
    [Doubt(_SHA256, ("M3",), ("M4",), 0.04, 0.91, "M3/IMG_0412.jpg")],
    _CURVE,
    [_CURVE.sentence],
)
ANSWERS: dict[str, tuple[str, str, Any]] = {
    "trainingState": ("", "", _TRAINING),
    "addTraining": (
        "?label=M3&name=M3/IMG_0412.jpg",
        "--data-binary @IMG_0412.jpg",
        TakenIn(_SHA256, ["M3"], Outcome.NEW),
    ),
    "labelling": ("", "", _LABELLING),
    "answerDoubt": (
        "",
        """--json '{"labels": ["M4"], "instead_of": ["M3"]}'""",
        Answered(_SHA256, ["M4"], is_checked=True),
    ),
    "takeOut": ("?for_good=true", "", Answered(_SHA256, [], is_checked=False)),
    "undoAnswer": ("", "", Answered(_SHA256, ["M3"], is_checked=False)),
}
VALUES: dict[str, Any] = {"negative": False, "relabel": False, "for_good": True}
"""Examples of parameters."""
