"""Days are replayed: quiet ones with at most one false alarm in a hundred, and one with strangers, which is found."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from imagestore.pipeline.watch.drift import (
    BASELINE,
    FAR_SHARE,
    FEWEST,
    FEWEST_IN_BASELINE,
    LEAST_SHARE,
    Day,
    Seen,
    drift,
)

SPREAD, FARTHER = 0.06, 0.15
"""How widely the distance of a picture is drawn, and by how much more a stranger's."""


LABELS, WIDTH = 4, 96
CENTRES = np.random.default_rng(99).normal(0, 25, (LABELS + 1, WIDTH))
"""What the pictures of each label have in common; those of the last one are strangers."""
SPREADS = np.random.default_rng(98).gamma(2, 6, WIDTH)
Looks = tuple[list[str], list[bytes | None]]


def looking(chance: np.random.Generator, labels: np.ndarray) -> Looks:
    """Labels and vectors of pictures of these labels; the model calls a stranger by any label."""
    vectors = CENTRES[labels] + chance.normal(0, SPREADS, (len(labels), WIDTH))
    called = np.where(labels == LABELS, chance.integers(0, LABELS, len(labels)), labels)
    return [str(label) for label in called], [vector.tobytes() for vector in vectors.clip(-127, 127).astype(np.int8)]


def any_look(chance: np.random.Generator, count: int) -> Looks:
    return looking(chance, chance.integers(0, LABELS, count))


def seen(
    days: Sequence[str],
    strangeness: np.ndarray,
    chance: np.random.Generator,
    looks: np.ndarray | None = None,
    vectors: Looks | None = None,
) -> Seen:
    count = len(days)
    if looks is None:
        looks = chance.integers(-(2**63), 2**63 - 1, count)
    return Seen(
        days, strangeness[:, None], strangeness > 0.7, looks, np.ones(count, dtype=bool), *(vectors or ((), ()))
    )


def quiet(chance: np.random.Generator, count: int) -> np.ndarray:
    """Distances as a model tells them: never below 0, and with a tail."""
    return 0.3 + chance.gamma(2, SPREAD / 2, count)


def repeated(vectors: Looks, which: np.ndarray) -> Looks:
    return [vectors[0][number] for number in which], [vectors[1][number] for number in which]


def bursts(chance: np.random.Generator, day: str, scenes: int) -> Seen:
    """A day of scenes of which each is taken several times over."""
    sizes = chance.geometric(0.2, scenes)
    looks = np.repeat(chance.integers(-(2**63), 2**63 - 1, scenes), sizes)
    strangeness = np.repeat(quiet(chance, scenes), sizes) + chance.normal(0, 0.002, sizes.sum())
    flipped = np.int64(1) << chance.integers(0, 63, len(looks))  # two of one scene do not look quite alike
    vectors = repeated(any_look(chance, scenes), np.repeat(np.arange(scenes), sizes))
    return seen([day] * len(looks), strangeness, chance, looks ^ flipped, vectors)


def together(*parts: Seen) -> Seen:
    return Seen(
        [day for part in parts for day in part.days],
        np.concatenate([part.strangeness for part in parts]),
        np.concatenate([part.is_unknown for part in parts]),
        np.concatenate([part.looks for part in parts]),
        np.concatenate([part.has_look for part in parts]),
        [label for part in parts for label in part.labels],
        [vector for part in parts for vector in part.vectors],
    )


def blind(part: Seen) -> Seen:
    """The same without vectors."""
    return replace(part, labels=(), vectors=())


def days_of(month: int, count: int = 100) -> list[str]:
    return [f"2026-{month + number // 28:02d}-{number % 28 + 1:02d}" for number in range(count)]


def baseline(chance: np.random.Generator) -> Seen:
    return seen(["2026-01-01"] * BASELINE, quiet(chance, BASELINE), chance)


def seeing_baseline(chance: np.random.Generator) -> Seen:
    """One with vectors."""
    return seen(["2026-01-01"] * BASELINE, quiet(chance, BASELINE), chance, None, any_look(chance, BASELINE))


@pytest.mark.parametrize("pictures", [60, 200, 1000])
def test_of_a_hundred_quiet_days_at_most_one_is_told(pictures: int) -> None:
    """With twenty baselines, since all days of one are compared with the same."""
    for seed in range(20):
        chance = np.random.default_rng(seed)
        days = [day for day in days_of(2) for _ in range(pictures)]
        found = drift(baseline(chance), seen(days, quiet(chance, len(days)), chance))
        assert len(found.days) == 100
        assert sum(day.has_drifted for day in found.days) <= 1, seed


@pytest.mark.parametrize("pictures", [60, 200])
def test_of_a_hundred_quiet_days_with_vectors_at_most_one_is_told(pictures: int) -> None:
    for seed in range(3):
        chance = np.random.default_rng(300 + seed)
        days = [day for day in days_of(2) for _ in range(pictures)]
        since = seen(days, quiet(chance, len(days)), chance, None, any_look(chance, len(days)))
        found = drift(seeing_baseline(chance), since)
        assert found.baseline.has_vectors
        assert sum(day.has_drifted for day in found.days) <= 1, seed


def test_a_day_with_more_of_one_label_is_as_quiet_as_others() -> None:
    chance, told = np.random.default_rng(310), 0
    for day in days_of(2):
        labels = chance.choice(LABELS, 200, p=chance.dirichlet(np.full(LABELS, 3.0)))
        since = seen([day] * 200, quiet(chance, 200), chance, None, looking(chance, labels))
        told += drift(seeing_baseline(chance), since).days[0].has_drifted
    assert told <= 1


@pytest.mark.parametrize("sees", [True, False])
def test_of_a_hundred_quiet_days_of_bursts_at_most_one_is_told(sees: bool) -> None:
    for seed in range(3):
        chance = np.random.default_rng(100 + seed)
        first = together(*(bursts(chance, "2026-01-01", 1) for _ in range(BASELINE)))
        since = together(*(bursts(chance, day, 30) for day in days_of(2)))
        found = drift(first, since) if sees else drift(blind(first), blind(since))
        assert found.baseline.has_vectors == sees
        assert sum(day.has_drifted for day in found.days) <= 1, seed
        assert all(25 <= day.observations <= 30 for day in found.days), "a scene counts once"


def take_turns(chance: np.random.Generator, day: str, cameras: int, scenes: int, shots: int) -> Seen:
    """A day of cameras that take turns, of which each sees so many scenes, one after the other."""
    parts = []
    for _ in range(scenes):
        looks = np.tile(chance.integers(-(2**63), 2**63 - 1, cameras), shots)
        strangeness = np.tile(quiet(chance, cameras), shots) + chance.normal(0, 0.002, cameras * shots)
        flipped = np.int64(1) << chance.integers(0, 63, len(looks))
        vectors = repeated(any_look(chance, cameras), np.tile(np.arange(cameras), shots))
        parts.append(seen([day] * len(looks), strangeness, chance, looks ^ flipped, vectors))
    return together(*parts)


@pytest.mark.parametrize("sees", [True, False])
@pytest.mark.parametrize(("cameras", "scenes", "shots"), [(12, 2, 25), (12, 3, 15), (20, 1, 20)])
def test_of_a_hundred_quiet_days_of_cameras_that_take_turns_at_most_one_is_told(
    cameras: int, scenes: int, shots: int, sees: bool
) -> None:
    for seed in range(3):
        chance = np.random.default_rng(200 + seed)
        days = together(*(take_turns(chance, day, cameras, scenes, shots) for day in days_of(2)))
        found = drift(seeing_baseline(chance), days) if sees else drift(baseline(chance), blind(days))
        assert sum(day.has_drifted for day in found.days) <= 1, seed
        assert {day.observations for day in found.days} == {cameras * scenes}


def test_a_camera_that_stands_still_counts_once_though_its_hash_wavers() -> None:
    """By what it sees: its pictures are alike in nothing but their vectors."""
    chance = np.random.default_rng(220)
    first, labels, told = seeing_baseline(chance), np.zeros(60, dtype=int), 0
    for day in days_of(2):
        strangeness, (called, vectors) = quiet(chance, 160), any_look(chance, 160)
        _, (scene,) = looking(chance, labels[:1])
        assert scene is not None
        wavering = np.frombuffer(scene, np.int8) + chance.normal(0, 2, (60, WIDTH))
        vectors[100:] = [one.clip(-127, 127).astype(np.int8).tobytes() for one in wavering]
        called[100:], strangeness[100:] = ["0"] * 60, strangeness[100]
        (found,) = drift(first, seen([day] * 160, strangeness, chance, None, (called, vectors))).days
        assert found.observations == 101
        told += found.has_drifted
    assert told <= 1


def test_a_baseline_of_cameras_that_take_turns_counts_each_once_a_day() -> None:
    chance = np.random.default_rng(5)
    before = together(*(take_turns(chance, day, 25, 1, 4) for day in days_of(1, 5)))
    found = drift(before, together(*(take_turns(chance, day, 25, 1, 4) for day in days_of(2))))
    assert (found.baseline.pictures, found.baseline.observations) == (BASELINE, 125)
    assert sum(day.has_drifted for day in found.days) <= 1


def test_pictures_of_which_each_resembles_the_next_are_not_all_one() -> None:
    """Of a day of shirts half would be, so that strangers among them counted nothing."""
    chance = np.random.default_rng(6)
    steps = np.int64(1) << np.arange(60)
    looks = np.bitwise_or.accumulate(steps)[::6]  # each 6 bits from the next
    others = chance.integers(-(2**63), 2**63 - 1, 90)
    mixed = np.ravel(np.stack([looks, *others.reshape(9, 10)], axis=1))
    (day,) = drift(baseline(chance), seen(["2026-02-01"] * 100, quiet(chance, 100), chance, mixed)).days
    assert day.observations == 90 + 5


def test_a_picture_is_compared_with_so_many_scenes_as_are_bearable() -> None:
    """What lies behind more others than that counts again, which bounds the time of a large day."""
    chance = np.random.default_rng(7)
    looks = chance.integers(-(2**63), 2**63 - 1, 5_000)
    looks[[0, 1000]], looks[[2000, 4900]] = 7, 1 << 40
    (day,) = drift(baseline(chance), seen(["2026-02-01"] * 5_000, quiet(chance, 5_000), chance, looks)).days
    assert (day.observations, day.has_drifted) == (4_999, False)


def test_a_fifth_of_strangers_among_two_hundred_is_told_the_same_day() -> None:
    told = 0
    for seed in range(100):
        chance = np.random.default_rng(seed)
        strangeness = quiet(chance, 200)
        strangeness[chance.choice(200, 40, replace=False)] += FARTHER
        (day,) = drift(baseline(chance), seen(["2026-02-01"] * 200, strangeness, chance)).days
        told += day.has_drifted
    assert told == 100


SOMEWHAT = 0.04
"""By how much farther strangers are whom the distance hardly tells."""


def with_strangers(chance: np.random.Generator, pictures: int, few: int, labels: Sequence[int] = (LABELS,)) -> Seen:
    strangeness, of = quiet(chance, pictures), chance.integers(0, LABELS, pictures)
    strangeness[:few] += SOMEWHAT
    of[:few] = chance.choice(labels, few)
    return seen(["2026-02-01"] * pictures, strangeness, chance, None, looking(chance, of))


def test_strangers_who_look_like_each_other_are_told_where_their_distance_hardly_tells_them() -> None:
    told, blindly, shares = 0, 0, []
    for seed in range(100):
        chance = np.random.default_rng(400 + seed)
        first, since = seeing_baseline(chance), with_strangers(chance, 200, 40)
        (day,), (other,) = drift(first, since).days, drift(blind(first), blind(since)).days
        told, blindly = told + day.has_drifted, blindly + other.has_drifted
        shares.append(day.far_share or 0.0)
    assert told == 100
    assert blindly < 20
    assert min(shares) >= LEAST_SHARE, "the effect is told too"


def test_pictures_without_a_vector_do_not_keep_others_from_being_compared_by_theirs() -> None:
    chance = np.random.default_rng(410)
    first, since = seeing_baseline(chance), with_strangers(chance, 200, 40)
    some = replace(first, vectors=[None] * 300 + list(first.vectors[300:]))
    found = drift(some, replace(since, vectors=[*since.vectors[:150], *[None] * 50]))
    assert (found.baseline.vectors, found.baseline.has_vectors) == (200, True)
    assert (found.days[0].observations, found.days[0].has_drifted) == (200, True)


@pytest.mark.parametrize("of_day", [200, 0])
def test_where_too_few_have_a_vector_the_numbers_alone_count(of_day: int) -> None:
    chance = np.random.default_rng(411)
    first, since = seeing_baseline(chance), with_strangers(chance, 200, 40)
    few = FEWEST_IN_BASELINE - 1 if of_day else BASELINE
    first = replace(first, vectors=[*first.vectors[:few], *[None] * (BASELINE - few)])
    others = [chance.bytes(WIDTH // 2) for _ in range(200 - of_day)]  # of another network
    since = replace(since, vectors=[*since.vectors[:of_day], *others])
    assert drift(first, since).days == drift(blind(first), blind(since)).days


def test_one_burst_of_a_stranger_is_one_observation() -> None:
    chance = np.random.default_rng(1)
    strangeness, looks = quiet(chance, 200), chance.integers(-(2**63), 2**63 - 1, 200)
    strangeness[:40], looks[:40] = 0.9, 7
    (day,) = drift(baseline(chance), seen(["2026-02-01"] * 200, strangeness, chance, looks)).days
    assert (day.pictures, day.observations, day.unknown, day.has_drifted) == (200, 161, 40, False)


def test_a_large_day_does_not_tell_of_a_trifle() -> None:
    chance = np.random.default_rng(2)
    (day,) = drift(baseline(chance), seen(["2026-02-01"] * 20_000, quiet(chance, 20_000) + 0.012, chance)).days
    assert day.far_share is not None
    assert FAR_SHARE + 0.02 < day.far_share < LEAST_SHARE, "which 20,000 drawn alike would never reach"
    assert not day.has_drifted


def test_nothing_is_compared_before_there_is_a_baseline_nor_on_a_day_of_few() -> None:
    chance = np.random.default_rng(1)
    few = seen(["2026-02-01"] * (FEWEST - 1), np.full(FEWEST - 1, 9.0), chance)
    assert drift(baseline(chance), few).days == [Day("2026-02-01", FEWEST - 1, FEWEST - 1, FEWEST - 1)]
    whole = baseline(chance)
    short = seen(whole.days[:-1], whole.strangeness[:-1, 0], chance)
    assert drift(short, seen(["2026-02-01"] * 99, np.full(99, 9.0), chance)).days[0].p is None
    of_one_scene = seen(whole.days, whole.strangeness[:, 0], chance, np.zeros(BASELINE, dtype=np.int64))
    found = drift(of_one_scene, few)
    assert (found.baseline.pictures, found.baseline.observations, found.baseline.limit) == (BASELINE, 1, None)
    nothing = drift(seen([], np.array([]), chance), seen([], np.array([]), chance))
    assert (nothing.baseline.pictures, nothing.days) == (0, [])


def test_pictures_without_a_hash_are_no_look_alikes() -> None:
    chance = np.random.default_rng(1)
    no_looks = Seen(
        ["2026-02-01"] * 50, quiet(chance, 50)[:, None], np.zeros(50, bool), np.zeros(50, np.int64), np.zeros(50, bool)
    )
    assert drift(baseline(chance), no_looks).days[0].observations == 50
