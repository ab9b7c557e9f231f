"""Names, words, charts and the guard: the parts of the web app that need no stack."""

import random
import re

import pytest
from starlette.datastructures import Headers

from classify.share import percent
from errors import Reason
from pipeline.correct import LABEL
from record import Status
from settings import LONGEST_NAME
from unit.web_records import picture, rejected
from web import charts, words
from web.names import PATTERN, checked, numbered
from web.problems import Problem
from web.security import is_loopback, refused

BAD_NAMES = (
    "", "/", "/cat.jpg", "cat/", "a//b", ".", "..", "../staging/cat.jpg", "a/../../staging/b", "a/./b", "cat.", "a\\b",
    "a\x00b", "a\nb", "\x7f", "\x9f", "a\ufffe", "x" * (LONGEST_NAME + 1),
)  # fmt: skip
GOOD_NAMES = (
    "cat.jpg", "a/b/c.jpg", "...cat", "a/...b", ".hidden", "a/..b/c", "Screenshot 9.41\u202fAM.png", "👩‍👧.jpg",
    "päß [x].jpg",
    "<script>alert(1)</script>.jpg", "\u202egpj.tac", "x" * LONGEST_NAME, "a%2e%2e", "q?x#y",
)  # fmt: skip


@pytest.mark.parametrize("name", BAD_NAMES)
def test_names_that_would_go_astray_are_refused(name: str) -> None:
    with pytest.raises(Problem) as caught:
        checked(name)
    assert caught.value.status == 422
    assert not re.search(PATTERN, name) or len(name) > LONGEST_NAME


@pytest.mark.parametrize("name", GOOD_NAMES)
def test_other_names_are_data(name: str) -> None:
    assert checked(name) == name
    assert re.search(PATTERN, name)


def test_the_described_pattern_is_the_rule() -> None:
    chance = random.Random(1)
    for _ in range(20_000):
        name = "".join(chance.choice("./\\a \x01é") for _ in range(chance.randint(1, 8)))
        try:
            is_good = bool(checked(name))
        except Problem:
            is_good = False
        assert bool(re.search(PATTERN, name)) == is_good, name


def test_numbered_names() -> None:
    assert numbered("pets/cat.jpg", 2) == "pets/cat (2).jpg"
    assert numbered("cat", 3) == "cat (3)"
    assert numbered(".hidden", 2) == ".hidden (2)"
    long = numbered("x" * (LONGEST_NAME - 4) + ".jpg", 12)
    assert len(long) == LONGEST_NAME
    assert long.endswith(" (12).jpg")


@pytest.mark.parametrize("label", ["rose", "driver's licence", "Ä 学", "<b>", "👩‍👧"])
def test_labels(label: str) -> None:
    assert re.fullmatch(LABEL, label)


@pytest.mark.parametrize("label", ["", "  ", "a\nb", "\u202eabc", "\u2028", "\x1b[31m"])
def test_texts_that_are_no_labels(label: str) -> None:
    assert not re.fullmatch(LABEL, label)


def test_every_reason_and_status_has_words() -> None:
    assert set(words.REASONS) == set(Reason)
    assert set(words.STATUSES) == set(Status)


def test_what_would_not_be_seen_is_shown() -> None:
    assert words.visible("a\u202eb\x1b") == "a\\u202eb\\x1b"
    assert words.visible("👩‍👧 9\u202fAM") == "👩‍👧 9\u202fAM"


def test_words() -> None:
    assert words.headline(picture("a", "rose", 0.9)) == "rose"
    assert words.headline(picture("a", "rose", 0.2)) == "rose?"
    assert words.headline(rejected("a", "empty")) == "The file is empty"
    assert words.headline(rejected("a", "Away")) == "A service failed (Away)"
    assert [percent(share) for share in (0, 0.004, 0.834, 0.999, 1)] == ["0 %", "0 %", "83 %", "99 %", "100 %"]
    assert [words.size(n) for n in (0, 999, 1000, 184_213, 99_999_999_999)] == [
        "0 bytes", "999 bytes", "1.0 KB", "184 KB", "100.0 GB",
    ]  # fmt: skip


def test_bars_are_as_high_as_their_counts() -> None:
    hours = [("2026-11-21T08", {}), ("2026-11-21T09", {"classified": 3, "rejected": 1})]
    chart = charts.by_hour(hours)
    assert [(bar.kind, bar.said) for bar in chart.bars] == [
        ("classified", "09:00: 3 classified"), ("rejected", "09:00: 1 rejected"),
    ]  # fmt: skip
    assert chart.bars[0].height == pytest.approx(3 * chart.bars[1].height, abs=0.1)
    assert chart.bars[1].y + chart.bars[1].height == pytest.approx(chart.bars[0].y), "one stands on the other"
    assert [tick.text for tick in chart.y_ticks] == ["0", "2", "4"]


def test_charts_of_nothing() -> None:
    assert charts.by_hour([]).bars == charts.spread([0] * 20).bars == charts.time_and_confidence([]).dots == []


def test_dots_lie_on_the_sheet() -> None:
    chart = charts.time_and_confidence([picture("a", confidence=1.0), picture("b", confidence=0.0), rejected("c")])
    assert len(chart.dots) == 2
    assert all(0 <= dot.x <= chart.width and 0 <= dot.y <= charts.HEIGHT for dot in chart.dots)
    assert chart.dots[0].y < chart.dots[1].y, "the surer one is higher"


@pytest.mark.parametrize("address", ["127.0.0.1", "localhost", "::1", "[::1]", "127.8.9.1"])
def test_loopback(address: str) -> None:
    assert is_loopback(address)


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.168.1.2", "example.org", "", "localhost.evil.example"])
def test_not_loopback(address: str) -> None:
    assert not is_loopback(address)


HOST = {"host": "localhost:8000"}


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("GET", HOST, None),
        ("POST", HOST, None),
        ("POST", HOST | {"origin": "http://localhost:8000", "sec-fetch-site": "same-origin"}, None),
        ("POST", HOST | {"sec-fetch-site": "none"}, None),
        ("GET", {"host": "rebound.example:8000"}, 421),
        ("GET", {}, 421),
        ("GET", {"host": "localhost:8000@evil.example"}, 421),
        ("POST", HOST | {"origin": "http://localhost:9999"}, 403),
        ("POST", HOST | {"origin": "null"}, 403),
        ("DELETE", HOST | {"sec-fetch-site": "cross-site"}, 403),
        ("PUT", HOST | {"sec-fetch-site": "same-site"}, 403),
    ],
)
def test_the_guard(method: str, headers: dict[str, str], status: int | None) -> None:
    problem = refused(method, Headers(headers))
    assert (problem and problem.status) == status
