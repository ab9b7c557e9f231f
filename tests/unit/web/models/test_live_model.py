"""The web app knows the live model by what its file says, without running any of it, and waits for nobody for long."""

import hashlib
import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, cast

import onnx
import pytest
from onnx import TensorProto, helper

import classify.model
from imagestore.errors import Unavailable
from imagestore.settings import ROOT, Settings
from imagestore.store import Active, PromotionEntry, Route, Stores
from imagestore.web.models.live_model import LiveModel
from unit.web.memory import make_default, memory_stores

AT = "2026-11-21T09:00:00.000Z"


def model_file(name: str, *labels: str) -> bytes:
    """A file whose graph nobody could run: only what it says of itself is whole."""
    image = helper.make_tensor_value_info("image", TensorProto.UINT8, ["batch", 100_000, 100_000, 1])
    out = helper.make_tensor_value_info("out", TensorProto.FLOAT, ["batch", 2])
    graph = helper.make_graph([helper.make_node("NoSuchOperator", ["image"], ["out"])], "g", [image], [out])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    meta = {"name": name, "version": "3", "labels": json.dumps(labels), "threshold": "0.5", "crop": "1"}
    for key, value in meta.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    return bytes(model.SerializeToString())


def promote(stores: Stores, name: str, data: bytes, sha256: str | None = None) -> None:
    stores.models.keep(name, "3", {"model.onnx": data})
    entry = PromotionEntry(name, "3", sha256 or hashlib.sha256(data).hexdigest(), AT, "me")
    make_default(stores, entry)


@pytest.fixture(autouse=True)
def _no_session(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> Any:
        raise AssertionError("a model was loaded in the web process")

    monkeypatch.setattr(classify.model, "open_session", refuse)


@pytest.fixture
def stores() -> Stores:
    return memory_stores()


@pytest.fixture
def default(tmp_path: Path) -> Path:
    path = tmp_path / "default.onnx"
    path.write_bytes(model_file("shipped", "cat", "dog"))
    return path


def test_its_labels_are_read_and_follow_promotions(stores: Stores, default: Path) -> None:
    live = LiveModel(default, stores, every_s=0)
    found = live.get()
    assert found is not None
    assert (found.ref.name, found.labels) == ("shipped", ("cat", "dog"))
    promote(stores, "mine", model_file("mine", "Rose", "tulip"))
    found = live.get()
    assert found is not None
    assert (found.ref.name, found.labels) == ("mine", ("Rose", "tulip"))


@pytest.mark.parametrize(
    "data", [b"no model", b"", b"\x08" * 100, model_file("mine", "cat")[:-5], b"r\xff\xff\xff\xff\x0f"]
)
def test_one_that_cannot_be_read_leaves_the_one_before(stores: Stores, default: Path, data: bytes) -> None:
    live = LiveModel(default, stores, every_s=0)
    before = live.get()
    promote(stores, "bad", data)
    assert live.get() == before
    promote(stores, "forged", model_file("forged", "x"), "0" * 64)
    assert live.get() == before
    promote(stores, "gone", model_file("gone", "x"))
    stores.models._blobs.delete("gone/3/model.onnx")
    assert live.get() == before
    promote(stores, "mine", model_file("mine", "Rose"))
    assert live.get() != before


def test_what_is_live_by_prefix_is_known_though_a_file_cannot_be_read(stores: Stores, default: Path) -> None:
    live = LiveModel(default, stores, every_s=0)
    promote(stores, "mine", model_file("mine", "Rose"))
    found = stores.routes.read()
    gone = PromotionEntry("screws", "1", "5" * 64, AT, "me")
    stores.routes.write_routes(found.routes.with_route(Route("f/", "screws")).with_live("screws", Active(gone)), found)
    assert found.default is not None
    assert live.by_prefix() == [("f/", "5" * 64), ("", found.default.live.sha256)]
    assert [model.ref.name for model in live.all()] == ["mine"]


def test_the_shipped_model_says_what_it_says_when_it_is_loaded(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    path = Settings().model_path
    found = LiveModel(path, stores).get()
    monkeypatch.undo()
    loaded = classify.load_model(path)
    assert found is not None
    assert (found.ref, found.labels) == (loaded.ref, loaded.labels)


def test_the_web_app_never_loads_what_runs_models() -> None:
    script = (
        "import sys, tempfile; from pathlib import Path; from imagestore.settings import Settings;"
        "from imagestore.web.app import create_app; from imagestore.web.models.live_model import LiveModel;"
        "from unit.web.memory import memory_stores;"
        "assert LiveModel(Settings().model_path, memory_stores()).get() is not None;"
        "assert 'onnxruntime' not in sys.modules and 'onnx' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={"PYTHONPATH": "tests", "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_while_one_request_waits_for_storage_the_others_are_answered(
    stores: Stores, default: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = LiveModel(default, stores, every_s=0)
    before = live.get()
    assert before is not None
    asked, let_go, active = threading.Event(), threading.Event(), stores.models.active

    def slowly() -> Any:
        asked.set()
        let_go.wait(60)
        return active()

    promote(stores, "mine", model_file("mine", "Rose"))
    monkeypatch.setattr(stores.models, "active", slowly)
    waiting = threading.Thread(target=live.get)
    waiting.start()
    assert asked.wait(60)
    assert live.get() is before, "the model of before, and at once"
    let_go.set()
    waiting.join()
    after = live.get()
    assert after is not None
    assert after.labels == ("Rose",)


def test_without_storage_there_is_no_model_and_no_error(default: Path) -> None:
    class Away:
        def read(self) -> Any:
            raise Unavailable("reading from models: ServiceRequestError")

    stores: Any = type("Stores", (), {"routes": Away()})
    assert LiveModel(default, cast(Stores, stores)).get() is None


def test_what_the_files_here_hold_is_onnx() -> None:
    assert onnx.load_from_string(model_file("mine", "a")).metadata_props
