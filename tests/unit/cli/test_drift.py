"""`imagestore watch`: over the stores, and against a distant web app."""

from typing import Any

import pytest

from imagestore.cli import drift
from imagestore.pipeline.watch.drift import Baseline, Day
from imagestore.pipeline.watch.watched import ReviewedModel, Strangeness, Watch, WatchedModel
from imagestore.proportion import wilson
from imagestore.store import PromotionEntry, Stores
from unit.cli.test_changes import run
from unit.web.conftest import Drop, drop, guarded, guarded_app, people, services, stores
from unit.web.memory import make_default

__all__ = ["drop", "guarded", "guarded_app", "people", "run", "services", "stores"]

DAYS = [Day("2026-11-28", 214, 9, 197, 0.0406, 0.73), Day("2026-11-29", 200, 41, 193, 0.3332, 2.1e-11, True)]


def model(**changes: Any) -> WatchedModel:
    known: dict[str, Any] = {
        "project": "garden",
        "version": "3",
        "sha256": "f" * 64,
        "since": "",
        "strangeness": Strangeness.DISTANCE,
        "baseline": Baseline(500, 462, 46, 0.41, 462),
        "days": DAYS,
    }
    return WatchedModel(**(known | changes))


def test_what_is_watched_is_read_from_the_stores_or_asked_of_a_distant_app(
    run: Any, stores: Stores, drop: Drop
) -> None:
    make_default(stores, PromotionEntry("m", "1", "f" * 64, "", "me"))
    for number in range(3):
        drop(f"{number}.jpg")
    said = run("watch")
    assert "m 1: no baseline yet (3 of 500 pictures since it is live)." in said
    assert "what its confidence lacks to 100 % stands in" in said


def test_it_says_which_day_has_drifted_and_how_right_versions_are(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    said = [
        Watch([model()], [ReviewedModel("garden", "3", "f" * 64, wilson(47, 52, 10), 0.891)]),
        Watch([model(days=DAYS[:1])], [ReviewedModel("garden", "3", "f" * 64, wilson(3, 4, 10), None)]),
        Watch([model(baseline=Baseline(500, 3, 0, None))], []),
        Watch([model(baseline=Baseline(500, 462, 46, 0.41, 99))], []),
    ]
    monkeypatch.setattr(drift, "_found", lambda: said.pop(0))
    found = run("watch")
    assert "garden 3: pictures of 2026-11-29 have drifted away: 33 % are far, where 10 % were to be expected" in found
    assert "garden 3 was right on 47 of 52 drawn at random (79 % to 96 %), and 89 % sure of them." in found
    assert [line.split()[0] for line in found.splitlines() if line.startswith("2026")] == [day.day for day in DAYS]
    assert "What pictures look like" not in found
    found = run("watch", "--days", "1")
    assert "garden 3: no day was unlike the baseline." in found
    assert "garden 3 was right on 3 of 4 drawn at random." in found
    assert "garden 3: no baseline yet (3 different ones among 500 of 500 pictures since it is live)." in run("watch")
    assert "  What pictures look like is not compared: 99 of the baseline's have a vector." in run("watch")
