"""A blob trigger's value, as the worker makes it."""

import importlib.util
import json
from types import SimpleNamespace

import pytest
from azurefunctions.extensions.base import Datum, get_binding_registry

from imagestore.store import triggered_blob
from imagestore.store.triggered_blob import TriggeredBlob


def test_a_function_is_told_the_names_alone() -> None:
    registry = get_binding_registry()
    assert registry.check_supported_type(TriggeredBlob)
    told = {"Connection": "IMAGES_STORAGE", "ContainerName": "uploads", "BlobName": "garden/猫 1.jpg"}
    for content in (json.dumps(told), json.dumps(told).encode()):
        value = Datum(SimpleNamespace(version="1.0", content=content), "model_binding_data")
        found = registry.get("blobTrigger").decode(value, trigger_metadata=None, pytype=TriggeredBlob)
        assert found == TriggeredBlob("uploads", "garden/猫 1.jpg")


def test_the_content_of_a_blob_is_not_taken_for_its_name() -> None:
    with pytest.raises(ValueError, match="bytes"):
        get_binding_registry().get("blobTrigger").decode(
            Datum(b"picture", "bytes"), trigger_metadata=None, pytype=TriggeredBlob
        )


def test_another_binding_of_blobs_in_the_same_process_is_named() -> None:
    assert triggered_blob.__file__
    spec = importlib.util.spec_from_file_location("second_binding", triggered_blob.__file__)
    assert spec
    assert spec.loader
    with pytest.raises(ImportError, match=r"imagestore\.store\.triggered_blob does so .* Take its import out"):
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
