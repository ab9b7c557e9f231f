"""Which names of uploads the web app takes."""

import random
import re

import pytest

from imagestore.record import LONGEST_NAME
from imagestore.web.intake.names import PATTERN, checked, marked
from imagestore.web.problems import ApiProblem

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
    with pytest.raises(ApiProblem) as caught:
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
        except ApiProblem:
            is_good = False
        assert bool(re.search(PATTERN, name)) == is_good, name


def test_marked_names() -> None:
    assert marked("pets/cat.jpg", "2") == "pets/cat (2).jpg"
    assert marked("cat", "3") == "cat (3)"
    assert marked(".hidden", "2") == ".hidden (2)"
    long = marked("x" * (LONGEST_NAME - 4) + ".jpg", "12")
    assert len(long) == LONGEST_NAME
    assert long.endswith(" (12).jpg")
