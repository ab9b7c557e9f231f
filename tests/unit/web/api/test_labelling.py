"""What a training found out about labels, and answers to its doubts, over the API."""

import msgspec

from imagestore.store import Stores
from imagestore.store.labelling import (
    LABELLING_FILE,
    CurvePoint,
    Doubt,
    Labelling,
    LabelRise,
    LearningCurve,
    Measured,
)  # fmt: skip
from unit.web.api.test_training import keep
from unit.web.conftest import Api, problem

CURVE = LearningCurve(
    [CurvePoint(200, Measured(0.9, 0.86, 0.94)), CurvePoint(400, Measured(0.912, 0.88, 0.94))],
    Measured(0.012, -0.005, 0.029), [LabelRise("fish", 0.88, Measured(0.05, 0.01, 0.09))],
)  # fmt: skip


def found_out(stores: Stores, *, curve: LearningCurve | None = CURVE) -> list[str]:
    """Keep a version whose training doubted three pictures, and their SHA-256."""
    keep(stores, "mine", "bird", 5)
    keep(stores, "mine", "fish", 5)
    sha256s = [f"{b'bird'.hex():0>32}{number:032d}" for number in range(3)]
    doubts = [Doubt(one, ("bird",), ("fish",), 0.04, 0.9, f"bird/{i}.jpg") for i, one in enumerate(sha256s)]
    doubts.append(Doubt("0" * 64, ("fish",), ("bird",), 0.1, 0.8, "(corrected) garden/7.jpg", "garden/7.jpg"))
    kept = Labelling(10, 4, doubts, curve, "2026-11-21T09:00:00.000Z")
    stores.models.keep("mine", "1", {LABELLING_FILE: msgspec.json.encode(kept), "model.onnx": b"model"})
    return sha256s


def test_a_doubt_is_answered_once_and_the_answer_undone(api: Api, stores: Stores) -> None:
    first, second, third = found_out(stores)
    found = api.get("/projects/mine/labelling").json()
    assert (found["version"], found["found"], len(found["doubts"])) == ("1", 4, 4)
    assert found["sentences"][0] == (
        "From 200 to 400 pictures accuracy rose by 1.2 points (−0.5 to +2.9): more pictures of fish would help most."
    )
    changed = api.put(f"/projects/mine/training/{first}", json={"labels": ["fish"], "instead_of": ["bird"]}).json()
    assert (changed["labels"], changed["is_checked"]) == (["fish"], True)
    api.put(f"/projects/mine/training/{second}", json={"labels": ["bird"], "instead_of": ["bird"]})
    left = api.get("/projects/mine/labelling").json()["doubts"]
    assert [one["sha256"] for one in left] == [third, "0" * 64]
    late = api.put(f"/projects/mine/training/{first}", json={"labels": ["bird"], "instead_of": ["bird"]})
    assert "Look at it again" in problem(late, 409)["detail"]
    assert api.post(f"/projects/mine/training/{first}/undo").json()["labels"] == ["bird"]
    problem(api.post(f"/projects/mine/training/{first}/undo"), 409)
    assert len(api.get("/projects/mine/labelling?version=1").json()["doubts"]) == 3


def test_what_is_not_there(api: Api, stores: Stores) -> None:
    assert "train again" in problem(api.get("/projects/mine/labelling"), 404)["detail"]
    found_out(stores, curve=None)
    assert "version 7" in problem(api.get("/projects/mine/labelling?version=7"), 404)["detail"]
    missing = api.put(f"/projects/mine/training/{'0' * 64}", json={"labels": [], "instead_of": []})
    problem(missing, 404)
    problem(api.put("/projects/mine/training/abc", json={"labels": [], "instead_of": []}), 422)
