"""Geometry of charts; the templates draw it as SVG, with a table of the same numbers beside it."""

from dataclasses import dataclass
from math import ceil, floor, log10

from classify.share import percent
from record import Record, Status
from web.words import work_ms

WIDE, NARROW, HEIGHT = 1200, 560, 220
LEFT, BOTTOM, TOP = 44, 26, 10
ORDER = (Status.CLASSIFIED, Status.UNKNOWN, Status.REJECTED, Status.FAILED)


@dataclass(frozen=True)
class Bar:
    """A rectangle, in units of the drawing; `kind` chooses its pattern, `said` is its tooltip."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    said: str


@dataclass(frozen=True)
class Dot:
    """A picture in the scatter plot."""

    x: float
    y: float
    kind: str
    said: str


@dataclass(frozen=True)
class Tick:
    """A mark on an axis."""

    at: float
    text: str


@dataclass(frozen=True)
class Line:
    """From one point to another."""

    x1: float
    y1: float
    x2: float
    y2: float


@dataclass(frozen=True)
class Chart:
    """What to draw, on a sheet of `width` × HEIGHT; `ideal` is where the dots would best lie."""

    width: int
    bars: list[Bar]
    dots: list[Dot]
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    ideal: Line | None = None


def by_hour(hours: list[tuple[str, dict[str, int]]]) -> Chart:
    """Stacked bars: pictures per hour, by status."""
    most = max((sum(statuses.values()) for _, statuses in hours), default=0)
    top = _round_up(most)
    step = (WIDE - LEFT) / max(1, len(hours))
    bars, ticks = [], []
    for number, (hour, statuses) in enumerate(hours):
        x, base = LEFT + number * step, 0
        for status in ORDER:
            count = statuses.get(status, 0)
            if count:
                y = _y(base + count, top)
                said = f"{hour[11:13]}:00: {count} {status}"
                bars.append(Bar(x + 2, y, step - 4, _y(base, top) - y, str(status), said))
                base += count
        if number % 6 == 0:
            ticks.append(Tick(x + step / 2, f"{hour[11:13]}:00"))
    return Chart(WIDE, bars, [], ticks, _y_ticks(top))


def spread(bins: list[int]) -> Chart:
    """A histogram of confidence from 0 to 100 %."""
    top = _round_up(max(bins, default=0))
    step = (NARROW - LEFT) / max(1, len(bins))
    bars = [
        Bar(
            LEFT + number * step + 1,
            _y(count, top),
            step - 2,
            _y(0, top) - _y(count, top),
            "classified",
            f"{number * 100 // len(bins)} to {(number + 1) * 100 // len(bins)} %: {count}",
        )
        for number, count in enumerate(bins)
        if count
    ]
    ticks = [Tick(LEFT + share * (NARROW - LEFT), percent(share)) for share in (0, 0.25, 0.5, 0.75, 1)]
    return Chart(NARROW, bars, [], ticks, _y_ticks(top))


def coverage(points: list[tuple[float, float, float]]) -> Chart:
    """A dot for each threshold: the share that is answered across, the share that is right of those up."""
    dots = [
        Dot(
            _across(share),
            _y(right * 100, 100),
            "classified",
            f"from {percent(threshold)} on: answers {percent(share)}, right on {percent(right)}",
        )
        for threshold, share, right in points
    ]
    return Chart(NARROW, [], dots, _shares_across(), _shares_up())


def reliability(bins: list[dict[str, float]]) -> Chart:
    """A dot for each tenth of confidence: how sure the model was across, how often it was right up."""
    dots = [
        Dot(
            _across(found["confidence"]),
            _y(found["accuracy"] * 100, 100),
            "classified",
            f"{found['count']:.0f} pictures: {percent(found['confidence'])} sure, {percent(found['accuracy'])} right",
        )
        for found in bins
        if found["count"]
    ]
    ideal = Line(_across(0), _y(0, 100), _across(1), _y(100, 100))
    return Chart(NARROW, [], dots, _shares_across(), _shares_up(), ideal)


def time_and_confidence(records: list[Record]) -> Chart:
    """A dot per picture: milliseconds of work across, confidence up."""
    known = [(record, work_ms(record), record.prediction) for record in records]
    points = [(record, ms, prediction.confidence) for record, ms, prediction in known if ms is not None and prediction]
    longest = _round_up(max((ms for _, ms, _ in points), default=0))
    dots = [
        Dot(
            LEFT + 6 + ms / longest * (WIDE - LEFT - 12),
            _y(confidence * 100, 100),
            str(record.status),
            f"{ms} ms, {percent(confidence)}",
        )
        for record, ms, confidence in points
    ]
    ticks = [Tick(LEFT + 6 + part * (WIDE - LEFT - 12), f"{longest * part:g} ms") for part in (0, 0.5, 1)]
    return Chart(WIDE, [], dots, ticks, _shares_up())


def _across(share: float) -> float:
    return round(LEFT + 6 + share * (NARROW - LEFT - 12), 2)


def _shares_across() -> list[Tick]:
    return [Tick(_across(share), percent(share)) for share in (0, 0.5, 1)]


def _shares_up() -> list[Tick]:
    return [Tick(_y(share * 100, 100), percent(share)) for share in (0, 0.5, 1)]


def _y(value: float, top: float) -> float:
    return round(HEIGHT - BOTTOM - value / top * (HEIGHT - BOTTOM - TOP), 2)


def _y_ticks(top: int) -> list[Tick]:
    return [Tick(_y(value, top), f"{value:g}") for value in (0, top / 2, top)]


def _round_up(value: int) -> int:
    """The next number that an axis can end with: 2, 4, 10, 20, 40, 100 …"""
    if value <= 2:
        return 2
    unit = int(10 ** floor(log10(value)))
    return next(unit * lead for lead in (1, 2, 4, 6, 8, 10) if ceil(value / unit) <= lead)
