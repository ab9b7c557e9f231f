"""What is live, and what is counted of whose pictures."""

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from classify import ModelRef, Vector
from imagestore.pipeline.watch import watched as watched_module
from imagestore.pipeline.watch.drift import BASELINE, Day
from imagestore.pipeline.watch.watched import (
    FEWEST_REVIEWED,
    MOST,
    DayOf,
    LiveVersion,
    Look,
    Row,
    Strangeness,
    Verdicts,
    first_day,
    live_versions,
    of_records,
    past_versions,
    row_of,
    watched,
)
from imagestore.record import RANDOM_BELOW, Correction, Record, RecordWithVector
from imagestore.store import Active, LiveModels, PromotionEntry, Route, Routes
from unit.web.records import picture, rejected

SHIPPED = ModelRef("m", "1", "f" * 64)
TODAY = first_day()  # the earliest day that is looked at
LIVE = LiveModels(None, Routes())


def _no_vectors(_: list[str]) -> int:
    return 0


def entry(name: str, version: str, at: str = "") -> PromotionEntry:
    return PromotionEntry(name, version, (name + version)[-2:] * 32, at, "me")


def of_today(number: int, hour: int, distance: float | None = None) -> Record:
    """A picture that is like no other."""
    name, at = f"{number}.jpg", f"{TODAY}T{hour:02d}:00:00.{number % 1000:03d}Z"
    record = picture(name, at=at, phash=hashlib.sha256(name.encode()).hexdigest()[:16])
    assert record.prediction is not None
    return replace(record, prediction=replace(record.prediction, distance=distance))


def seeing(number: int, hour: int, kind: int = 0) -> Record:
    """A picture with a vector; those of a kind look alike, and their distances differ as those of others do."""
    chance = np.random.default_rng(number)
    centre = np.random.default_rng(10**6 + kind).normal(0, 40, 64)
    codes = (centre + chance.normal(0, 20, 64)).clip(-127, 127).astype(np.int8).tobytes()
    return of_today(number, hour, float(chance.normal(0.3, 0.05))).with_vector(Vector("b" * 64, codes))


def corrected(record: Record, label: str, *, random_sample: bool = True) -> Record:
    assert record.prediction is not None
    said = Correction(label, "me", "", record.prediction.label, record.prediction.model, random_sample)
    return replace(record, correction=said)


def test_each_version_that_is_live_for_anything_is_watched_once() -> None:
    assert live_versions(LIVE, SHIPPED) == [LiveVersion("m", "1", "f" * 64)]
    assert live_versions(LIVE, None) == []
    routes = Routes((Route("a/", "screws"), Route("b/", "screws"), Route("c/", "none yet")), {})
    routes = replace(routes, projects={"screws": Active(entry("screws", "2", "later"), (entry("screws", "1"),))})
    live = LiveModels(Active(entry("mine", "3"), (entry("mine", "2"),)), routes)
    assert [(one.project, one.version) for one in live_versions(live, SHIPPED)] == [("mine", "3"), ("screws", "2")]
    assert [(one.project, one.version) for one in past_versions(live, SHIPPED)] == [
        ("mine", "3"), ("screws", "2"), ("mine", "2"), ("screws", "1"),
    ]  # fmt: skip


def test_the_first_pictures_are_the_baseline_and_those_after_them_are_days() -> None:
    records = [of_today(number, 8, 0.3) for number in range(BASELINE)]
    after = [of_today(1000 + number, 9, 0.9) for number in range(30)]
    others = [rejected("bad.jpg"), replace(of_today(2000, 9), prediction=None)]
    (model,) = of_records([*after, *others, *records], LIVE, SHIPPED).models
    assert (model.strangeness, model.baseline.pictures) == (Strangeness.DISTANCE, BASELINE)
    (day,) = model.days
    assert (day.day, day.pictures, day.far_share, day.has_drifted) == (TODAY, 30, 1.0, True)
    assert model.latest_drift == day


@pytest.mark.parametrize("lacking", [1, BASELINE])
def test_pictures_without_a_distance_do_not_count_where_others_have_one(lacking: int) -> None:
    """Which an earlier version of the app kept none of: the baseline is complete all the same."""
    without = [of_today(number, 7) for number in range(lacking)]
    records = [of_today(1000 + number, 8, 0.3) for number in range(BASELINE)]
    after = [of_today(2000 + number, 9, 0.9) for number in range(30)]
    (model,) = of_records([*without, *records, *after], LIVE, SHIPPED).models
    assert (model.strangeness, model.baseline.pictures) == (Strangeness.DISTANCE, BASELINE)
    assert [(day.pictures, day.has_drifted) for day in model.days] == [(30, True)]


def test_days_are_compared_by_vectors_in_whatever_order_records_come() -> None:
    chance = np.random.default_rng(0)
    records = [seeing(number, 8) for number in range(BASELINE)]
    after = [seeing(1000 + number, 9, kind=int(number < 60)) for number in range(200)]
    every = [*records, *after]
    found = of_records([every[number] for number in chance.permutation(len(every))], LIVE, SHIPPED).models[0]
    assert (found.baseline.vectors, found.baseline.has_vectors) == (BASELINE, True)
    assert [day.has_drifted for day in found.days] == [True]
    (blind,) = of_records([record.with_vector(None) for record in every], LIVE, SHIPPED).models
    assert [day.has_drifted for day in blind.days] == [False]


def test_of_a_large_day_the_smallest_ids_are_compared_and_all_are_counted() -> None:
    rows = [row_of(seeing(number, 8)) for number in range(BASELINE)]
    many = [row_of(seeing(10_000 + number, 9 + number // 1000)) for number in range(3 * MOST)]
    asked: list[list[str]] = []

    def looks_of(ids: list[str]) -> dict[str, Look]:
        asked.append(ids)
        return {}

    model = watched(LiveVersion("m", "1", "f" * 64), rows, many, looks_of, _no_vectors, Verdicts())
    (day,) = model.days
    assert (day.pictures, day.observations) == (3 * MOST, MOST)
    assert sorted(asked[1]) == sorted(row.id for row in many)[:MOST]
    assert [row.id for row in many if row.id in set(asked[1])] == asked[1], "in the order in which they came"


def test_the_pictures_of_one_day_are_held_at_a_time() -> None:
    rows = [row_of(seeing(number, 8)) for number in range(BASELINE)]
    read, when_compared = 0, list[int]()

    def since() -> Iterator[Row]:
        nonlocal read
        for number in range(4 * 30):
            read += 1
            yield row_of(seeing(1000 + number, 9))._replace(at=f"2999-01-0{1 + number // 30}T09:00:00.000Z")

    def count_vectors(ids: list[str]) -> int:
        when_compared.append(read)
        return 0

    model = watched(LiveVersion("m", "1", "f" * 64), rows, since(), lambda ids: {}, count_vectors, Verdicts())
    assert [day.pictures for day in model.days] == [30] * 4
    assert when_compared == [31, 61, 91, 120], "and the first of the next day, which tells that the day is over"


def test_what_records_keep_to_compare_is_bounded_and_holds_what_is_compared() -> None:
    """A day of which a part is the baseline, and the other part more than is compared."""
    records = [seeing(number, 8 + number // 1000) for number in range(4 * MOST)]
    (model,) = of_records(reversed(records), LIVE, SHIPPED).models
    assert model.baseline.vectors == BASELINE
    rows = [row_of(record) for record in records]
    known = {
        record.id: Look("tabby", record.vector.codes) for record in records if isinstance(record, RecordWithVector)
        if record.vector
    }  # fmt: skip

    def looks_of(ids: list[str]) -> dict[str, Look]:
        return {id: known[id] for id in ids}

    assert (
        watched(live_versions(LIVE, SHIPPED)[0], rows[:BASELINE], rows[BASELINE:], looks_of, _no_vectors, Verdicts())
        == model
    )


def test_a_day_is_compared_again_only_if_its_pictures_have_changed_or_got_vectors(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = [row_of(seeing(number, 8)) for number in range(BASELINE)]
    since = [row_of(seeing(1000 + number, 9)) for number in range(50)]
    asked: list[int] = []

    def looks_of(ids: list[str]) -> dict[str, Look]:
        asked.append(len(ids))
        return {}

    verdicts, version = Verdicts(), LiveVersion("m", "1", "f" * 64)
    first = watched(version, rows, since, looks_of, _no_vectors, verdicts)
    assert watched(version, rows, since, looks_of, _no_vectors, verdicts) == first
    assert asked == [BASELINE, 50, BASELINE]
    monkeypatch.setattr(watched_module, "first_day", lambda: "2999-01-01")
    assert watched(version, rows, since, looks_of, _no_vectors, verdicts) == first
    assert asked[3:] == [BASELINE], "also when another day has begun"
    (day,) = watched(version, rows, since[:-1], looks_of, _no_vectors, verdicts).days
    assert day.pictures == 49
    assert asked[4:] == [BASELINE, 49]
    watched(version, rows, since[:-1], looks_of, lambda ids: len(ids) - 1, verdicts)
    assert asked[6:] == [BASELINE, 49], "some have a vector now"
    assert len(verdicts) == 1, "a verdict takes the place of the one before"


def _days_of(version: int) -> list[DayOf]:
    return [DayOf(f"{version:064x}", Strangeness.DISTANCE, f"2026-01-{day:02d}") for day in range(1, 32)]


def test_however_many_versions_are_live_no_day_is_compared_twice() -> None:
    verdicts, compared = Verdicts(), 0

    def compare() -> Day:
        nonlocal compared
        compared += 1
        return Day("", 0, 0, 0)

    days = [day for version in range(40) for day in _days_of(version)]
    for day in days + days:
        verdicts.of(day, 1, compare)
    assert compared == len(verdicts) == len(days)


def test_versions_that_are_not_live_any_more_and_days_long_past_are_forgotten() -> None:
    verdicts = Verdicts()
    for day in _days_of(1) + _days_of(2):
        verdicts.of(day, 1, lambda: Day("", 0, 0, 0))
    verdicts.forget([f"{2:064x}", f"{3:064x}"], "2026-01-11")
    assert len(verdicts) == 21
    verdicts.of(_days_of(2)[-1], 1, lambda: pytest.fail("it was compared again"))


def test_of_two_who_ask_at_once_for_the_same_day_one_compares() -> None:
    verdicts, has_come, compared = Verdicts(), threading.Event(), 0

    class Told(str):
        """A day that tells when the other asks for it."""

        def __hash__(self) -> int:
            if threading.current_thread() is other:
                has_come.set()
            return super().__hash__()

        def __eq__(self, other: object) -> bool:
            return super().__eq__(other)

    day = DayOf("f" * 64, Strangeness.DISTANCE, Told("2026-01-01"))
    other = threading.Thread(target=lambda: verdicts.of(day, 1, compare))

    def compare() -> Day:
        nonlocal compared
        compared += 1
        if threading.current_thread() is not other:
            other.start()
            assert has_come.wait(60)
        return Day("", compared, 0, 0)

    assert verdicts.of(day, 1, compare).pictures == 1
    other.join(60)
    assert compared == 1


def test_what_came_before_the_promotion_does_not_count() -> None:
    live = LiveModels(Active(PromotionEntry("m", "1", "f" * 64, f"{TODAY}T09:00:00.000Z", "me")), Routes())
    records = [of_today(number, 8) for number in range(5)] + [of_today(10 + number, 9) for number in range(3)]
    (model,) = of_records(records, live, None).models
    assert (model.strangeness, model.baseline.pictures, model.days) == (Strangeness.CONFIDENCE, 3, [])
    (nothing,) = of_records([], live, None).models
    assert (nothing.strangeness, nothing.latest_drift) == (None, None)


def test_only_what_was_drawn_at_random_says_how_right_a_version_is() -> None:
    made = [of_today(number, 8) for number in range(400)]
    drawn = sorted((one for one in made if one.id < RANDOM_BELOW), key=lambda one: one.id)[: FEWEST_REVIEWED + 2]
    others = [one for one in made if one.id >= RANDOM_BELOW][:50]
    wrong = [corrected(one, "rose", random_sample=False) for one in others]
    right = [corrected(one, "tabby") for one in drawn[:-1]]
    (found,) = of_records([*wrong, *right], LIVE, SHIPPED).reviewed
    assert (found.accuracy.right, found.accuracy.of) == (FEWEST_REVIEWED + 1, FEWEST_REVIEWED + 1)
    assert found.accuracy.low is not None
    assert found.confidence == pytest.approx(0.8)
    (few,) = of_records(right[:3], LIVE, SHIPPED).reviewed
    assert (few.accuracy.of, few.accuracy.low) == (3, None)
    assert of_records(wrong, LIVE, SHIPPED).reviewed == []
