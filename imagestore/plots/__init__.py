"""The geometry of plots, for pages and reports; `plot.html` draws it as SVG.

Horizontal values are percent of the drawing's width, so that a plot fills its space while its text keeps its size.
Vertical values are pixels of HEIGHT, from the top.
"""

from dataclasses import dataclass
from math import ceil, floor, log10
from pathlib import Path

from imagestore.proportion import percent

FOLDER = Path(__file__).resolve().parent
"""The folder of the template `plot.html`."""
HEIGHT = 220
BOTTOM, TOP = 26, 10
EDGE = 1.5
"""How far the centre of a dot stays from the left and right edge, in percent."""
_PLAIN = "classified"
"""The kind of a mark without a pattern."""


@dataclass(frozen=True)
class Bar:
    """A rectangle with a tooltip; `kind`, a status, chooses its pattern.

    `hour` (ISO 8601, UTC) is the hour that it stands for, if any: the tooltip then begins with it, as 09:00 UTC.
    """

    x: float
    y: float
    width: float
    height: float
    kind: str
    tooltip: str
    hour: str | None = None


@dataclass(frozen=True)
class Dot:
    """A point of a scatter plot, with a tooltip; `kind`, a status, chooses its pattern."""

    x: float
    y: float
    kind: str
    tooltip: str


@dataclass(frozen=True)
class Tick:
    """A mark on an axis; `hour` (ISO 8601, UTC) is the hour that its text names, if any."""

    at: float
    text: str
    hour: str | None = None


@dataclass(frozen=True)
class Line:
    """A line from one point to another."""

    x1: float
    y1: float
    x2: float
    y2: float


@dataclass(frozen=True)
class Chart:
    """What to draw, `height` pixels high; `ideal` is where the dots would lie for a perfect model, `spreads` are
    their intervals."""

    bars: list[Bar]
    dots: list[Dot]
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    ideal: Line | None = None
    height: int = HEIGHT
    spreads: tuple[Line, ...] = ()


def learning_curve(points: list[tuple[int, float, float, float]]) -> Chart:
    """A dot for each number of pictures that was learned from, doublings at equal distances across, the accuracy up,
    with its interval. `points` are (pictures, accuracy, low, high), the last three from 0 to 1."""
    few, many = log10(points[0][0]), log10(points[-1][0])
    at = [across((log10(count) - few) / (many - few) if many > few else 0.5) for count, *_ in points]
    dots = [
        Dot(
            x,
            up(value * 100, 100),
            _PLAIN,
            f"{count:,} pictures: {percent(value)} right ({percent(low)} to {percent(high)})",
        )
        for x, (count, value, low, high) in zip(at, points, strict=True)
    ]
    spreads = [
        Line(x, up(low * 100, 100), x, up(high * 100, 100)) for x, (_, _, low, high) in zip(at, points, strict=True)
    ]
    ticks = [Tick(x, f"{count:,}") for x, (count, *_) in zip(at, points, strict=True)]
    return Chart([], dots, ticks, shares_up(), spreads=tuple(spreads))


def coverage(points: list[tuple[float, float, float]]) -> Chart:
    """A dot for each threshold: the share of pictures that is answered across, the share of answers that is right up.

    `points` are (threshold, share answered, share right), each from 0 to 1.
    """
    dots = [
        Dot(
            across(share),
            up(right * 100, 100),
            _PLAIN,
            f"from {percent(threshold)} on: answers {percent(share)}, right on {percent(right)}",
        )
        for threshold, share, right in points
    ]
    return Chart([], dots, shares_across(), shares_up())


def precision_recall(points: list[tuple[float, float, float]]) -> Chart:
    """A dot for each threshold: the share of a label's pictures that is found across, the share right of those that are
    given it up.

    `points` are (threshold, share found, share right), each from 0 to 1.
    """
    dots = [
        Dot(
            across(found),
            up(right * 100, 100),
            _PLAIN,
            f"from {percent(threshold)} on: finds {percent(found)}, right on {percent(right)}",
        )
        for threshold, found, right in points
    ]
    return Chart([], dots, shares_across(), shares_up())


def reliability(bins: list[dict[str, float]]) -> Chart:
    """A dot for each tenth of confidence: how sure the model was across, how often it was right up."""
    dots = [
        Dot(
            across(found["confidence"]),
            up(found["accuracy"] * 100, 100),
            _PLAIN,
            f"{found['count']:.0f} pictures: {percent(found['confidence'])} sure, {percent(found['accuracy'])} right",
        )
        for found in bins
        if found["count"]
    ]
    ideal = Line(across(0), up(0, 100), across(1), up(100, 100))
    return Chart([], dots, shares_across(), shares_up(), ideal)


def across(share: float) -> float:
    return round(EDGE + share * (100 - 2 * EDGE), 2)


def shares_across() -> list[Tick]:
    return [Tick(across(share), percent(share)) for share in (0, 0.5, 1)]


def shares_up() -> list[Tick]:
    return [Tick(up(share * 100, 100), percent(share)) for share in (0, 0.5, 1)]


def up(value: float, top: float) -> float:
    return round(HEIGHT - BOTTOM - value / top * (HEIGHT - BOTTOM - TOP), 2)


def y_ticks(top: int) -> list[Tick]:
    return [Tick(up(value, top), f"{value:g}") for value in (0, top / 2, top)]


def round_up(value: int) -> int:
    """The next number that an axis can end with: 2, 4, 10, 20, 40, 100 …"""
    if value <= 2:
        return 2
    unit = int(10 ** floor(log10(value)))
    return next(unit * lead for lead in (1, 2, 4, 6, 8, 10) if ceil(value / unit) <= lead)
