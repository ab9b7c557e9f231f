"""The geometry of the charts about pictures. `imagestore.plots` has those about models, and draws both."""

from dataclasses import replace
from datetime import date

from imagestore.pipeline.watch.drift import FAR_SHARE, Day
from imagestore.plots import Bar, Chart, Dot, Line, Tick, across, round_up, shares_up, up, y_ticks
from imagestore.proportion import percent
from imagestore.record import Record, Status
from imagestore.web.answers import Hour
from imagestore.web.pages.formatting import STATUSES

ORDER = (Status.CLASSIFIED, Status.UNKNOWN, Status.REJECTED, Status.FAILED)


def by_hour(hours: list[Hour]) -> Chart:
    """Stacked bars: how many pictures came in each hour, by status."""
    most = max((sum(hour.statuses.values()) for hour in hours), default=0)
    top = round_up(most)
    step = 100 / max(1, len(hours))
    bars, ticks = [], []
    for number, hour in enumerate(hours):
        x, base, began, clock = number * step, 0, f"{hour.hour}:00Z", f"{hour.hour[11:13]}:00"
        for status in ORDER:
            count = hour.statuses.get(status, 0)
            if count:
                y = up(base + count, top)
                tooltip = f"{clock} UTC: {count} {STATUSES[status].lower()}"
                bars.append(_bar(x, y, step, up(base, top) - y, str(status), tooltip, began))
                base += count
        if number % 6 == 0:
            ticks.append(Tick(round(x, 2), clock, began))
    return Chart(bars, [], ticks, y_ticks(top))


def spread(bins: list[int]) -> Chart:
    """A histogram of confidence from 0 to 100 %."""
    top = round_up(max(bins, default=0))
    step = 100 / max(1, len(bins))
    bars = [
        _bar(
            number * step,
            up(count, top),
            step,
            up(0, top) - up(count, top),
            str(Status.CLASSIFIED),
            f"{number * 100 // len(bins)} to {(number + 1) * 100 // len(bins)} %: {count}",
        )
        for number, count in enumerate(bins)
        if count
    ]
    ticks = [Tick(share * 100, percent(share)) for share in (0, 0.25, 0.5, 0.75, 1)]
    return Chart(bars, [], ticks, y_ticks(top))


def time_and_confidence(records: list[Record]) -> Chart:
    """A dot for each picture: the milliseconds of work across, the confidence up."""
    known = [(record, record.work_ms, record.prediction) for record in records]
    points = [(record, ms, prediction.confidence) for record, ms, prediction in known if ms is not None and prediction]
    longest = round_up(max((ms for _, ms, _ in points), default=0))
    dots = [
        Dot(across(ms / longest), up(confidence * 100, 100), str(record.status), f"{ms} ms, {percent(confidence)}")
        for record, ms, confidence in points
    ]
    ticks = [Tick(across(part), f"{longest * part:g} ms") for part in (0, 0.5, 1)]
    return Chart([], dots, ticks, shares_up())


def far_by_day(days: list[Day]) -> Chart:
    """Bars: the share of each day's observations that lie beyond the limit, beside the line of what was to be
    expected; a day that has drifted has another pattern."""
    shares = [
        (day.day, day.far_share, "failed" if day.has_drifted else "classified", f"{percent(day.far_share, 1)} far")
        for day in days
        if day.far_share is not None
    ]
    chart = _by_day(days, shares)
    top = max(0.2, *(share for _, share, _, _ in shares)) if shares else 0.2
    y = up(FAR_SHARE, top)
    return replace(chart, ideal=Line(0, y, 100, y))


def unknown_by_day(days: list[Day]) -> Chart:
    """Bars: the share of each day's pictures that the model did not know."""
    shares = [
        (day.day, day.unknown / day.pictures, "unknown", f"{percent(day.unknown / day.pictures, 1)} of {day.pictures}")
        for day in days
        if day.pictures
    ]
    return _by_day(days, shares)


def _by_day(days: list[Day], shares: list[tuple[str, float, str, str]]) -> Chart:
    """Bars of shares at the places of their days, from the first day to the last."""
    top = max(0.2, *(share for _, share, _, _ in shares)) if shares else 0.2
    first = date.fromisoformat(days[0].day) if days else date.min
    step = 100 / max(14, (date.fromisoformat(days[-1].day) - first).days + 1 if days else 0)
    bars = [
        _bar(
            (date.fromisoformat(day) - first).days * step,
            up(share, top),
            step,
            up(0, top) - up(share, top),
            kind,
            f"{day}: {said}",
        )
        for day, share, kind, said in shares
    ]
    ticks = [Tick(0.0, days[0].day)] if days else []
    return Chart(bars, [], ticks, [Tick(up(value, top), percent(value)) for value in (0, top / 2, top)])


def _bar(x: float, y: float, step: float, height: float, kind: str, tooltip: str, hour: str | None = None) -> Bar:
    """A bar in the column that begins at `x` and is `step` wide, with a gap on either side."""
    gap = step * 0.06
    return Bar(round(x + gap, 3), y, round(step - 2 * gap, 3), round(height, 2), kind, tooltip, hour)
