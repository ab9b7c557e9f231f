"""Our tags live beside a user's own, and none of those is lost."""

import itertools

import pytest

from imagestore.record import utc
from imagestore.store.tags import LONGEST_VALUE, agree, etag_in, from_tag, merged, tags_for, tags_of, to_tag
from unit.test_record import classified

OURS = tags_for("0x2", "classified", "tabby")


def merge(present: dict[str, str]) -> dict[str, str]:
    return merged(present, OURS)[0]


def test_they_are_set_where_there_are_none() -> None:
    assert merge({}) == {"imagestore_etag": "0x2", "status": "classified", "label": "tabby"}


def test_a_users_own_stay() -> None:
    assert merge({"shop": "Bern", "of": "Monday"}) == {"shop": "Bern", "of": "Monday", **OURS}


@pytest.mark.parametrize("key", ["status", "label"])
def test_a_users_tag_with_a_name_of_ours_stays_and_ours_takes_another(key: str) -> None:
    tags = merge({key: "the user's"})
    assert tags[key] == "the user's"
    assert tags[f"imagestore_{key}"] == OURS[key]
    again, _ = merged(tags, tags_for("0x3", "unknown", None))
    assert again[key] == "the user's"
    assert merge(again) == tags, "also after a time without a label"


def test_ours_of_before_are_replaced() -> None:
    assert merge({"of": "0x1", "status": "unknown", "shop": "Bern"}) == {"shop": "Bern", **OURS}
    assert merge({"imagestore_etag": "0x1", "status": "classified", "label": "old"}) == OURS
    assert merged(OURS, tags_for("0x2", "unknown", None))[0] == {"imagestore_etag": "0x2", "status": "unknown"}


@pytest.mark.parametrize(
    ("count", "left_out"),
    [(7, []), (8, ["label"]), (9, ["status", "label"]), (10, ["imagestore_etag", "status", "label"])],
)
def test_what_finds_no_room_beside_a_users_own_is_named(count: int, left_out: list[str]) -> None:
    own = {f"own {number}": "x" for number in range(count)}
    tags, named = merged(own, OURS)
    assert own.items() <= tags.items()
    assert len(tags) <= 10
    assert named == left_out
    assert agree(tags, OURS), "nothing is missing that could be there"


@pytest.mark.parametrize("count", range(11))
def test_a_users_own_stay_however_often_ours_are_set(count: int) -> None:
    shared = ("status", "label", "of")
    for keys in itertools.chain.from_iterable(itertools.combinations(shared, size) for size in range(4)):
        if len(keys) > count:
            continue
        own = {key: "mine" for key in keys} | {f"own {number}": "x" for number in range(count - len(keys))}
        tags = own
        for ours in (OURS, tags_for("0x2", "unknown", None), tags_for("0x3", "classified", "lynx"), OURS):
            tags, _ = merged(tags, ours)
            assert own.items() <= tags.items()
            assert len(tags) <= 10


def test_ours_stay_away_where_there_is_no_room_to_say_which_ones_are_the_users() -> None:
    own = {"status": "mine", "label": "mine"} | {f"own {number}": "x" for number in range(7)}
    tags, left_out = merged(own, OURS)
    assert tags == own
    assert set(left_out) == {"imagestore_etag", "imagestore_status", "imagestore_label"}


def test_the_version_they_speak_of_is_read_under_both_names() -> None:
    assert etag_in({"imagestore_etag": "0x2", "of": "0x1"}) == "0x2"
    assert etag_in({"of": "0x1"}) == "0x1"
    assert etag_in({"of": "Monday"}) is None
    assert etag_in({}) is None


def test_tags_of_before_say_the_same() -> None:
    assert agree({"of": "0x2", "status": "classified", "label": "tabby"}, OURS)
    assert not agree({"of": "0x1", "status": "classified", "label": "tabby"}, OURS)
    assert not agree({**OURS, "label": "lynx"}, OURS)


@pytest.mark.parametrize("label", ["tabby", "driver's licence", "Füße", "a=b", "猫", "x" * 300, "=27", "", "a;b,<c>"])
def test_tags_hold_any_label_and_give_it_back(label: str) -> None:
    value = to_tag(label)
    assert len(value) <= LONGEST_VALUE
    assert all(c.isascii() and (c.isalnum() or c in " +-./:=_") for c in value)
    assert from_tag(value) == label[:LONGEST_VALUE]


def test_tags_name_the_version_they_speak_of() -> None:
    assert tags_of(classified().finished(utc())) == {"status": "classified", "label": "tabby", "imagestore_etag": "0x1"}
