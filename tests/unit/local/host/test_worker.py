"""A worker's calls of the app's functions."""

import sys
from types import ModuleType

import pytest

from imagestore.local.host.worker import App
from imagestore.store.triggered_blob import TriggeredBlob

_APP = """
from __future__ import annotations

import azure.functions as func

from imagestore.store.triggered_blob import TriggeredBlob

app = func.FunctionApp()
told = []


@app.blob_trigger(arg_name="upload", path="uploads/{name}", connection="STORE", source=func.BlobSource.EVENT_GRID)
def take(upload: TriggeredBlob) -> None:
    told.append(upload)
"""


def test_a_function_may_write_its_types_as_text(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("function_app")
    exec(_APP, module.__dict__)
    monkeypatch.setitem(sys.modules, "function_app", module)
    App().call("take", {"connection": "STORE", "container": "uploads", "name": "a.jpg"})
    assert module.told == [TriggeredBlob("uploads", "a.jpg")]
