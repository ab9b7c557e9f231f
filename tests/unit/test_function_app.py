"""The function app loads what a function needs when that function first runs, and not before."""

import json
import subprocess
import sys
from typing import Any

from imagestore.settings import AZURITE, COSMOS_EMULATOR, ROOT, Settings

CALLS = r"""
import json, sys
from dataclasses import replace
from types import SimpleNamespace

import function_app
from imagestore.pipeline.models.loaded_models import LoadedModels
from imagestore.settings import Settings
from unit.pictures import encoded, photo
from unit.web.memory import memory_stores

stores = memory_stores()
stores.uploads.overwrite("cat.png", encoded(photo()), "image/png")
models = LoadedModels(Settings().model_path, stores, 0)
function_app.context = replace(function_app.context, stores=stores, models=models)
functions = {f.get_function_name(): f.get_user_function() for f in function_app.app.get_functions()}


def message(**what):
    return SimpleNamespace(get_body=lambda: json.dumps(what).encode())


def blob(name):
    return SimpleNamespace(blob_name=name)


loaded = {"import": "onnxruntime" in sys.modules}
for name, value in (
    ("sweep", None),
    ("dead_letters", None),
    ("poison", message(FunctionId="Host.Functions.classify", BlobName="x.png.png", ContainerName="staging")),
    ("work", message(step="delete", name="gone.png", etag="1")),
    ("work", message(step="sweep", name="")),
    ("preprocess", blob("cat.png")),
    ("classify", blob("cat.png.png")),
):
    functions[name](value)
    loaded[name] = "onnxruntime" in sys.modules
(record,) = [stored.record.status for stored in stores.records.records.values()]
print(json.dumps({"loaded": loaded, "status": record}))
function_app.context.decoder.close()
"""


def outcome(**environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", CALLS],
        env={
            **Settings().environment(),
            "IMAGES_STORAGE": AZURITE,
            "COSMOS": COSMOS_EMULATOR,
            "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}",
            **environment,
        },
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def said(**environment: str) -> dict[str, Any]:
    done = outcome(**environment)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_a_function_that_classifies_nothing_loads_no_model() -> None:
    """Each queue and timer function runs on instances of its own in Azure."""
    found = said()
    assert found["status"] in ("classified", "unknown")
    assert found["loaded"] == {
        "import": False,
        "sweep": False,
        "dead_letters": False,
        "poison": False,
        "work": False,
        "preprocess": True,
        "classify": True,
    }
