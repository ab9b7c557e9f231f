"""A worker process: imports the function app and runs its functions.

It reads calls from standard input, one per line. Its first answer lists the functions; then it prints a line for each
call that ended. Trigger values are made by the public converters of azure-functions, which Azure's own worker uses too.
"""

import importlib
import json
import logging
import os
import sys
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import IO, Any, get_type_hints

import azure.functions as func
from azure.functions.meta import Datum
from azurefunctions.extensions.base import get_binding_registry as get_deferred_registry

from classify import ModelError
from imagestore.errors import ImageStoreError

log = logging.getLogger("worker")
APP = "function_app"
LOG_FORMAT = "%(asctime)s %(process)d %(levelname)s %(name)s %(message)s"


class App:
    """The function app's functions, by name."""

    def __init__(self) -> None:
        module = importlib.import_module(APP)
        apps = [value for value in vars(module).values() if isinstance(value, func.FunctionApp)]
        if len(apps) != 1:
            raise RuntimeError(f"{APP}.py holds {len(apps)} function apps; it must hold one")
        self._functions = {f.get_function_name(): f for f in apps[0].get_functions()}

    def describe(self) -> list[dict[str, Any]]:
        """The name and the trigger of each function."""
        described = []
        for name, function in self._functions.items():
            bindings = [json.loads(raw) for raw in function.get_raw_bindings()]
            described.append({"name": name, "trigger": next(b for b in bindings if b["type"].endswith("Trigger"))})
        return described

    def call(self, name: str, value: dict[str, Any]) -> None:
        """Run a function with its trigger's value."""
        function = self._functions[name]
        trigger = function.get_trigger()
        assert trigger is not None, f"{name} has no trigger"
        run = function.get_user_function()
        run(**{trigger.name: _CONVERT[str(trigger.type)](value, get_type_hints(run)[trigger.name])})


def _blob(value: dict[str, Any], wanted: type) -> Any:
    """What the converter of blobs makes of the names that the host tells."""
    source = {"Connection": value["connection"], "ContainerName": value["container"], "BlobName": value["name"]}
    data = SimpleNamespace(
        version="1.0", source="AzureStorageBlobs", content_type="application/json", content=json.dumps(source)
    )
    converter = get_deferred_registry().get("blobTrigger")
    return converter.decode(Datum(data, "model_binding_data"), trigger_metadata=None, pytype=wanted)


def _queue(value: dict[str, Any], _: type) -> Any:
    metadata = {
        "Id": Datum(value["id"], "string"),
        "DequeueCount": Datum(str(value["dequeue_count"]), "json"),
        "PopReceipt": Datum("", "string"),
    }
    return _converter("queueTrigger").decode(Datum(value["body"], "string"), trigger_metadata=metadata)


def _timer(value: dict[str, Any], _: type) -> Any:
    info = json.dumps({"Schedule": {"AdjustForDST": True}, "ScheduleStatus": None, "IsPastDue": False})
    return _converter("timerTrigger").decode(Datum(info, "json"), trigger_metadata=None)


def _converter(kind: str) -> Any:
    registry: Any = func.get_binding_registry()  # type: ignore[no-untyped-call]
    return registry.get(kind)


_CONVERT: dict[str, Callable[[dict[str, Any], type], Any]] = {
    "blobTrigger": _blob,
    "queueTrigger": _queue,
    "timerTrigger": _timer,
}


def main() -> None:
    """Answer calls until standard input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")  # whatever the app prints must not mix with the answers
    os.dup2(2, 1)
    logging.basicConfig(level=logging.INFO, format=LOG_FORMAT)
    logging.getLogger("azure").setLevel(logging.WARNING)
    sys.path.insert(0, os.getcwd())
    lock = threading.Lock()
    try:
        app = App()
    except Exception as error:  # the host tells the user
        log.error("the function app does not load", exc_info=not isinstance(error, ImageStoreError | ModelError))
        return _write(answers, lock, {"error": f"{type(error).__name__}: {error}"})
    _write(answers, lock, {"functions": app.describe()})

    def serve(call: dict[str, Any]) -> None:
        error = None
        try:
            app.call(call["function"], call["value"])
        except Exception:  # reported to the host, as Azure's worker does
            error = traceback.format_exc()
            logging.error("function %s failed\n%s", call["function"], error)
        _write(answers, lock, {"id": call["id"], "error": error})

    with ThreadPoolExecutor(int(os.environ.get("PYTHON_THREADPOOL_THREAD_COUNT", "4"))) as pool:
        for line in sys.stdin:
            pool.submit(serve, json.loads(line))


def _write(answers: IO[str], lock: threading.Lock, answer: dict[str, Any]) -> None:
    with lock:
        try:
            answers.write(json.dumps(answer) + "\n")
            answers.flush()
        except BrokenPipeError:  # the host is gone; what is under way may still end well
            log.info("nobody waits for an answer")


if __name__ == "__main__":
    main()
