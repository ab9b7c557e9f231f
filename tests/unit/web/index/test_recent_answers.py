"""What a version said of the latest pictures: only so many are looked at, and none that is too old."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from classify import Score
from imagestore.performance.answers import Thresholds
from imagestore.web.index import recent_answers as module
from imagestore.web.index.index import Index
from imagestore.web.index.recent_answers import recent_answers
from unit.web.records import picture, take_in

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
THRESHOLDS = Thresholds(0.35)


def test_the_latest_pictures_of_a_week_count(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    days = [f"2026-11-{day:02}T09:00:00.000Z" for day in (10, 13, 15, 18, 20)]
    take_in(index, [picture(f"{n}.jpg", at=at) for n, at in enumerate(days)])
    found = recent_answers(index, "f" * 64, THRESHOLDS, has_several=False, now=NOW)
    assert (found.looked_at, found.answers.count) == (3, 3)
    assert recent_answers(index, "e" * 64, THRESHOLDS, has_several=False, now=NOW).answers.count == 0
    monkeypatch.setattr(module, "MOST", 2)
    assert recent_answers(index, "f" * 64, THRESHOLDS, has_several=False, now=NOW).looked_at == 2


def test_what_was_unlike_all_stays_unknown_and_several_labels_are_all_told(index: Index) -> None:
    far, several = picture("far.jpg"), picture("several.jpg")
    assert far.prediction is not None
    assert several.prediction is not None
    given = (Score("tabby", 0.8), Score("wet", 0.7))
    take_in(
        index,
        [
            replace(far, prediction=replace(far.prediction, distance=0.9, distance_limit=0.5)),
            replace(several, prediction=replace(several.prediction, labels=given)),
        ],
    )
    found = recent_answers(index, "f" * 64, THRESHOLDS, has_several=True, now=NOW).answers
    assert sorted(found.given(one, THRESHOLDS) for one in found.pictures) == [(), ("tabby", "wet")]
