"""Examples of the operations about how good a version is: by operation id the query, what curl needs besides, and an
answer."""

from dataclasses import replace
from typing import Any

from imagestore.performance.confusion import Cell, SaidOfPicture
from imagestore.performance.figures import AtThreshold, Figure, LabelPerformance
from imagestore.performance.side_by_side import Difference, SaidByBoth, SideBySide
from imagestore.performance.told import (
    ConfusionTable,
    Performance,
    RecentUnknown,
    TestPictures,
    ThresholdCurve,
    ThresholdsOf,
)
from imagestore.proportion import Share
from imagestore.web.models.shipped_model import ShippedFigures, ShippedModel

_SHARE = Share(94, 100, 0.875, 0.972)
_AT = AtThreshold(0.7, _SHARE, _SHARE, Figure(0.94, 0.88, 0.97), _SHARE, 12, 1, 18, 112)
_TESTED = SaidOfPicture("9b1c" * 16, ["tabby"], ["lynx"], {"lynx": 0.83, "tabby": 0.12}, False)
_MEASURED = ShippedFigures(84, 73, 112, 689, *[_SHARE] * 5)
ANSWERS: dict[str, tuple[str, str, Any]] = {
    "shippedModel": (
        "",
        "",
        ShippedModel(
            "default",
            "2",
            "77e0" * 16,
            "Apache-2.0",
            19_000_000,
            0.9,
            ["tabby", "tiger cat", "lynx"],
            0.7,
            {"feline": 0.5},
            {"cat": ["tabby", "tiger cat"], "feline": ["tabby", "tiger cat", "lynx"]},
            "stamps",
            "python -m bench.default_model",
            {"gray": _MEASURED},
        ),
    ),
    "performance": (
        "?threshold=0.7",
        "",
        Performance(
            "garden",
            "3",
            False,
            112,
            112,
            True,
            ThresholdsOf(0.7, {}),
            ThresholdsOf(0.62, {"lynx": 0.8}),
            _AT,
            [LabelPerformance("tabby", 40, 0.7, _SHARE, _SHARE, Figure(0.94, 0.88, 0.97), Figure(0.97, 0.93, 0.99))],
        ),
    ),
    "thresholds": ("", "", ThresholdCurve(None, _AT, [_AT], RecentUnknown(7, 800, 790, 61, [0] * 101))),
    "confusion": (
        "",
        "",
        ConfusionTable(ThresholdsOf(0.7, {}), [Cell("tabby", "lynx", 3), Cell("tabby", None, 2)], []),
    ),
    "testPictures": ("?truth=tabby&said=lynx", "", TestPictures(3, [_TESTED])),
    "compare": (
        "?with=2",
        "",
        SideBySide(
            112,
            104,
            (112, 118),
            115,
            0,
            3,
            ([], ["fish"]),
            (18, 25),
            [Difference("right", 0.84, 0.79, 0.05, 0.01, 0.09)],
            [SaidByBoth(_TESTED, replace(_TESTED, given=["tabby"], probabilities={"tabby": 0.71}))],
        ),
    ),
}
VALUES: dict[str, Any] = {
    "threshold": 0.7,
    "truth": "tabby",
    "not_truth": "lynx",
    "said": "lynx",
    "not_said": "tabby",
    "negative": False,
    "skip": 24,
    "with": "2",
}
"""Example values of their parameters."""
