"""What is watched is the same by the index as by the records; the page and the API show it, and the log tells it."""

import hashlib
import logging
from dataclasses import replace
from typing import cast

import numpy as np
import pytest

from classify import Vector
from imagestore import telemetry
from imagestore.errors import Unavailable
from imagestore.pipeline.watch import watched
from imagestore.pipeline.watch.drift import BASELINE
from imagestore.pipeline.watch.watched import Look, Verdicts
from imagestore.record import Record, RecordWithVector, utc
from imagestore.store import Active, LiveModels, PromotionEntry, Routes, Stores
from imagestore.web.index.index import Index
from imagestore.web.models.live_model import LiveModel
from imagestore.web.models.watching import DriftLog, looks_of, watch
from imagestore.web.services import Services
from unit.pipeline.watch.test_watched import SHIPPED, corrected
from unit.web.conftest import Api, TinyModel
from unit.web.records import picture, rejected, take_in

TODAY = utc()[:10]


def of_today(number: int, distance: float | None) -> Record:
    name, at = f"{number}.jpg", f"{TODAY}T00:{number // 60:02d}:{number % 60:02d}.000Z"
    record = picture(name, at=at, phash=hashlib.sha256(name.encode()).hexdigest()[:16])
    assert record.prediction is not None
    return replace(record, prediction=replace(record.prediction, distance=distance))


@pytest.fixture
def records() -> list[Record]:
    """A baseline, and a day on which all is far; some of it was reviewed."""
    near = [of_today(number, 0.3 + number / 10_000) for number in range(BASELINE)]
    far = [of_today(BASELINE + number, 0.9) for number in range(60)]
    said = [corrected(record, "tabby" if number % 3 else "rose") for number, record in enumerate(near)]
    return [*said, *far, rejected("bad.jpg")]


def test_the_index_and_the_records_say_the_same(index: Index, records: list[Record], stores: Stores) -> None:
    take_in(index, records)
    found = watch(index, stores, cast(LiveModel, TinyModel()), Verdicts())
    assert found == watched.of_records(records, LiveModels(None, Routes()), SHIPPED)
    (model,) = found.models
    assert [day.has_drifted for day in model.days] == [True]
    assert len(found.reviewed) == 1


def test_vectors_and_labels_come_from_the_index_as_from_the_records(index: Index, stores: Stores) -> None:
    chance = np.random.default_rng(0)
    made: list[RecordWithVector] = []
    for number in range(BASELINE + 200):
        is_stranger = BASELINE <= number < BASELINE + 60
        vector = np.full(64, 40.0) * (-1 if is_stranger else 1) * np.linspace(-1, 1, 64) + chance.normal(0, 20, 64)
        record = of_today(number, float(chance.normal(0.3, 0.05)))
        codes = vector.clip(-127, 127).astype(np.int8).tobytes()
        made.append(cast(RecordWithVector, record.with_vector(Vector("b" * 64, codes))))
    take_in(index, made)
    found = watch(index, stores, cast(LiveModel, TinyModel()), Verdicts())
    assert found.models == watched.of_records(made, LiveModels(None, Routes()), SHIPPED).models
    assert [day.has_drifted for day in found.models[0].days] == [True]
    id, other = made[0].id, made[1].id
    assert made[0].vector is not None
    assert looks_of(index, [id]) == {id: Look("tabby", made[0].vector.codes)}
    index.remove(other)
    assert looks_of(index, [other, "0" * 32]) == {}


def test_a_day_whose_pictures_get_vectors_later_is_compared_again(index: Index, stores: Stores) -> None:
    chance, verdicts = np.random.default_rng(0), Verdicts()
    made = []
    for number in range(BASELINE + 40):
        vector = np.full(64, 40.0) * np.linspace(-1, 1, 64) * (-1 if number >= BASELINE else 1)
        codes = (vector + chance.normal(0, 20, 64)).clip(-127, 127).astype(np.int8).tobytes()
        record = of_today(number, float(chance.normal(0.3, 0.05)))
        made.append(record.with_vector(Vector("b" * 64, codes)))
    since = made[BASELINE:]
    take_in(index, [*made[:BASELINE], *(record.with_vector(None) for record in since)])
    (model,) = watch(index, stores, cast(LiveModel, TinyModel()), verdicts).models
    assert [day.has_drifted for day in model.days] == [False]
    take_in(index, since)
    found = watch(index, stores, cast(LiveModel, TinyModel()), verdicts)
    assert [day.has_drifted for day in found.models[0].days] == [True]
    assert found.models == watched.of_records(made, LiveModels(None, Routes()), SHIPPED).models


def test_a_version_that_is_not_live_any_more_is_forgotten(
    index: Index, records: list[Record], stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_in(index, records)
    verdicts = Verdicts()
    watch(index, stores, cast(LiveModel, TinyModel()), verdicts)
    assert len(verdicts) == 1
    other = LiveModels(Active(PromotionEntry("m", "2", "e" * 64, "", "me")), Routes())
    monkeypatch.setattr(stores.routes, "read", lambda: other)
    watch(index, stores, cast(LiveModel, TinyModel()), verdicts)
    assert len(verdicts) == 0


@pytest.mark.parametrize("lacking", [range(7, 8), range(BASELINE)])
def test_pictures_without_a_distance_are_left_out_before_the_baseline_is_taken(
    index: Index, records: list[Record], stores: Stores, lacking: range
) -> None:
    for number in lacking:
        records[number] = of_today(number, None)
    more = [of_today(2000 + number, 0.3) for number in range(BASELINE)]
    take_in(index, [*records, *more])
    found = watch(index, stores, cast(LiveModel, TinyModel()), Verdicts())
    assert found.models == watched.of_records([*records, *more], LiveModels(None, Routes()), SHIPPED).models
    assert found.models[0].baseline.pictures == BASELINE


def test_where_nothing_came_nothing_is_said(index: Index, stores: Stores) -> None:
    (model,) = watch(index, stores, cast(LiveModel, TinyModel()), Verdicts()).models
    assert (model.strangeness, model.baseline.pictures, model.days) == (None, 0, [])


def test_the_api_and_the_page_tell_of_drift(api: Api, services: Services, records: list[Record]) -> None:
    page = "http://localhost/watch"
    assert f"0 of the {BASELINE} pictures came" in api.get(page).text
    assert "Nobody has reviewed" in api.get(page).text
    take_in(services.index, records[:BASELINE])
    assert "No day has had 20 pictures" in api.get(page).text
    take_in(services.index, records)
    found = api.get("/watch").json()
    (model,) = found["models"]
    assert (model["project"], model["version"], model["strangeness"]) == ("m", "1", "distance")
    assert [(day["pictures"], day["far_share"], day["has_drifted"]) for day in model["days"]] == [(60, 1.0, True)]
    assert found["reviewed"][0]["accuracy"]["low"] is not None
    shown = api.get(page).text
    assert "1 day was unlike the baseline" in shown
    assert f"/gallery?since={TODAY}T00:00:00Z&amp;until=" in shown
    assert "drifted" in shown


def test_a_model_that_tells_no_distance_is_watched_by_its_confidence(api: Api, services: Services) -> None:
    take_in(services.index, [of_today(number, None) for number in range(BASELINE + 30)])
    (model,) = api.get("/watch").json()["models"]
    assert (model["strangeness"], model["days"][0]["has_drifted"]) == ("confidence", False)
    shown = api.get("http://localhost/watch").text
    assert "tells no distance" in shown
    assert "No day was unlike the baseline." in shown
    assert "Days are not compared by what their pictures look like, since 0 of" in shown


def test_every_model_with_a_verdict_for_today_is_a_line_in_the_log(
    index: Index, records: list[Record], stores: Stores, caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    measured: list[tuple[str, float]] = []
    monkeypatch.setattr(telemetry, "measure", lambda metric, value, **split: measured.append((metric.name, value)))
    told = DriftLog(index, stores, cast(LiveModel, TinyModel()), Verdicts())
    with caplog.at_level(logging.INFO, "imagestore.watch"):
        told.tell()
        assert caplog.records == [], "there is no baseline yet"
        take_in(index, records)
        told.tell()
    (line,) = caplog.records
    assert line.levelno == logging.WARNING
    assert line.getMessage().startswith(f"drift=m version=1 day={TODAY} drifted=1 observations=60 far=1.000 p=")
    assert measured == [("imagestore.drift.far_share", 1.0)]


def test_it_is_told_again_and_again_until_the_app_ends(
    index: Index, stores: Stores, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[int] = []
    told = DriftLog(index, stores, cast(LiveModel, TinyModel()), Verdicts(), every_s=0.001)
    failures = [Unavailable("storage does not answer"), ValueError("whatever it is")]

    def play() -> bool:
        asked.append(1)
        return len(asked) > 1

    def tell() -> None:
        if failures:
            raise failures.pop(0)
        told.stop()

    monkeypatch.setattr(told, "_is_whole", play)
    monkeypatch.setattr(told, "tell", tell)
    with caplog.at_level(logging.WARNING, "imagestore.watch"):
        told.start()
        told._thread.join(60)
    assert not told._thread.is_alive()
    assert len(asked) == 4, "once the index was not whole, and twice it failed"
    assert "storage does not answer" in caplog.text
    assert "whatever it is" in caplog.text


def test_days_are_compared_soon_after_the_start_once_the_index_is_whole(
    index: Index, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    told = DriftLog(index, stores, cast(LiveModel, TinyModel()), Verdicts(), lambda: len(pauses) > 2)

    class Stopping:
        def wait(self, seconds: float) -> bool:
            pauses.append(seconds)
            return len(pauses) > 4

    monkeypatch.setattr(told, "_stopping", Stopping())
    told._run()
    assert pauses == [30.0, 30.0, 30.0, 900.0, 900.0]
