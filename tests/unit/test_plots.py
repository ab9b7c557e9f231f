"""Where the dots of a plot lie."""

from imagestore import plots


def test_dots_lie_where_the_shares_are() -> None:
    chart = plots.coverage([(0.0, 1.0, 0.5), (0.9, 0.25, 1.0)])
    low, high = chart.dots
    assert 0 <= high.x < low.x <= 100
    assert 0 <= high.y < low.y <= chart.height
    assert high.tooltip == "from 90 % on: answers 25 %, right on 100 %"


def test_a_model_that_means_what_it_says_lies_on_the_line() -> None:
    empty = {"count": 0.0, "confidence": 0.0, "accuracy": 0.0}
    chart = plots.reliability([{"count": 4.0, "confidence": 0.5, "accuracy": 0.5}, empty])
    assert chart.ideal is not None
    (dot,) = chart.dots
    assert dot.x == (chart.ideal.x1 + chart.ideal.x2) / 2
    assert dot.y == (chart.ideal.y1 + chart.ideal.y2) / 2


def test_what_is_found_lies_across_and_what_is_right_up() -> None:
    chart = plots.precision_recall([(0.9, 0.25, 1.0), (0.2, 1.0, 0.5)])
    sure, unsure = chart.dots
    assert sure.x < unsure.x
    assert sure.y < unsure.y, "pixels from the top"
    assert sure.tooltip == "from 90 % on: finds 25 %, right on 100 %"
