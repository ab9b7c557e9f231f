"""Runs under a bare Python 3.13 with an empty environment: `python -I -S invoke.py`, with what to do as JSON on input.

As Azure Functions does it when a placeholder is given its app, the variables are set and the import path is
extended within the process. Then the app is indexed with Microsoft's worker library, each function is
invoked with a message
like those of the real host, and what happened is printed as JSON: the functions' names, and for each call null or the
error.
"""

import asyncio
import json
import os
import sys
from types import SimpleNamespace

ASKED = json.load(sys.stdin)
os.environ.clear()
os.environ.update(ASKED["environment"])
sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)), *ASKED["import_path"]]

import azure_functions_runtime as runtime  # noqa: E402 - the path comes first
import protos  # noqa: E402


def trigger(function: str, connection: str, blob: str) -> tuple[str, protos.TypedData]:
    container, _, name = blob.partition("/")
    if function in ("preprocess", "classify"):
        content = json.dumps({"Connection": connection, "ContainerName": container, "BlobName": name}).encode()
        data = protos.ModelBindingData(
            version="1.0", source="AzureStorageBlobs", content_type="application/json", content=content
        )
        return {"preprocess": "upload", "classify": "staged"}[function], protos.TypedData(model_binding_data=data)
    if function in ("sweep", "dead_letters"):
        return "timer", protos.TypedData(json=json.dumps({"IsPastDue": False, "Schedule": {}, "ScheduleStatus": {}}))
    return "message", protos.TypedData(string=json.dumps({"step": "preprocess", "name": name}))


async def main(folder: str, calls: list[str]) -> None:
    os.chdir(folder)
    runtime.start_threadpool_executor()
    init = SimpleNamespace(worker_init_request=SimpleNamespace(capabilities={}, function_app_directory=folder))
    started = await runtime.worker_init_request(
        SimpleNamespace(request=init, properties={"protos": protos, "host": "127.0.0.1"})
    )
    assert started.result.status == protos.StatusResult.Success, started.result
    metadata = (await runtime.functions_metadata_request(SimpleNamespace(request=None))).function_metadata_results
    ids = {function.name: function.function_id for function in metadata}
    results = []
    for call in calls:
        function, _, blob = call.partition(":")
        name, value = trigger(function, "IMAGES_STORAGE", blob)
        request = protos.InvocationRequest(
            invocation_id=call,
            function_id=ids[function],
            input_data=[protos.ParameterBinding(name=name, data=value)],
            trigger_metadata={},
            trace_context=protos.RpcTraceContext(trace_parent="", trace_state="", attributes={}),
            retry_context=protos.RetryContext(retry_count=0, max_retry_count=0, exception=None),
        )
        answer = await runtime.invocation_request(
            SimpleNamespace(request=SimpleNamespace(invocation_request=request), properties={})
        )
        ok = answer.result.status == protos.StatusResult.Success
        results.append(None if ok else answer.result.exception.message)
    runtime.stop_threadpool_executor()
    print(json.dumps({"functions": sorted(ids), "results": results, "capabilities": sorted(started.capabilities)}))


asyncio.run(main(ASKED["folder"], ASKED["calls"]))
