"""Charts: bars as high as what they count, dots where they belong, and room for text of a fixed size."""

import pytest

from imagestore.pipeline.watch.drift import Day
from imagestore.web.answers import Hour
from imagestore.web.pages import charts
from unit.web.records import picture, rejected


def test_bars_are_as_high_as_their_counts() -> None:
    hours = [Hour("2026-11-21T08", {}), Hour("2026-11-21T09", {"classified": 3, "rejected": 1})]
    chart = charts.by_hour(hours)
    assert [(bar.kind, bar.tooltip) for bar in chart.bars] == [
        ("classified", "09:00 UTC: 3 classified"), ("rejected", "09:00 UTC: 1 rejected"),
    ]  # fmt: skip
    assert chart.bars[0].height == pytest.approx(3 * chart.bars[1].height, abs=0.1)
    assert chart.bars[1].y + chart.bars[1].height == pytest.approx(chart.bars[0].y), "one stands on the other"
    assert [tick.text for tick in chart.y_ticks] == ["0", "2", "4"]


def test_an_hour_names_the_moment_it_begins_so_that_a_browser_can_show_it_in_local_time() -> None:
    chart = charts.by_hour([Hour("2026-11-21T09", {"unknown": 1})])
    assert (chart.bars[0].hour, chart.x_ticks[0].hour) == ("2026-11-21T09:00Z", "2026-11-21T09:00Z")


def test_charts_of_nothing() -> None:
    assert charts.by_hour([]).bars == charts.spread([0] * 20).bars == charts.time_and_confidence([]).dots == []


def test_bars_and_dots_lie_on_the_sheet() -> None:
    spread = charts.spread([1] * 20)
    hours = charts.by_hour([Hour(f"2026-11-21T{hour:02d}", {"classified": 1}) for hour in range(24)])
    for bar in (*spread.bars, *hours.bars):
        assert 0 <= bar.x < bar.x + bar.width <= 100, "across in percent, whatever the width"
    chart = charts.time_and_confidence([picture("a", confidence=1.0), picture("b", confidence=0.0), rejected("c")])
    assert len(chart.dots) == 2
    assert all(0 <= dot.x <= 100 and 0 <= dot.y <= chart.height for dot in chart.dots)
    assert chart.dots[0].y < chart.dots[1].y, "the surer one is higher"


def test_days_stand_at_their_places_and_those_that_drifted_look_otherwise() -> None:
    days = [
        Day("2026-11-01", 200, 10, 190, 0.1, 0.5),
        Day("2026-11-03", 40, 40, 12),
        Day("2026-11-21", 200, 50, 190, 0.4, 1e-12, True),
    ]
    far = charts.far_by_day(days)
    assert [(bar.kind, bar.tooltip) for bar in far.bars] == [
        ("classified", "2026-11-01: 10.0 % far"),
        ("failed", "2026-11-21: 40.0 % far"),
    ]
    assert far.bars[1].x - far.bars[0].x == pytest.approx(20 * 100 / 21, abs=0.01)
    assert far.ideal is not None
    assert far.ideal.y1 == pytest.approx(far.bars[0].y), "a tenth is what was to be expected"
    unknown = charts.unknown_by_day(days)
    assert [bar.tooltip for bar in unknown.bars] == [
        "2026-11-01: 5.0 % of 200", "2026-11-03: 100.0 % of 40", "2026-11-21: 25.0 % of 200",
    ]  # fmt: skip
    assert charts.far_by_day([]).bars == []
