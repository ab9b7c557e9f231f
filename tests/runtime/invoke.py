"""Runs under Python 3.13: `python invoke.py APP_FOLDER CONTAINER/NAME FUNCTION …`.

Indexes the function app with Microsoft's worker library, invokes each function with a message like those of the real
host, and prints what happened as JSON: the functions' names, then for each call null or the error.
"""

import asyncio
import json
import os
import sys
from types import SimpleNamespace

import azure_functions_runtime as runtime

sys.path.insert(0, os.path.dirname(__file__))
import protos


def trigger(function: str, connection: str, blob: str) -> tuple[str, protos.TypedData]:
    container, _, name = blob.partition("/")
    if function in ("preprocess", "classify"):
        content = json.dumps({"Connection": connection, "ContainerName": container, "BlobName": name}).encode()
        data = protos.ModelBindingData(
            version="1.0", source="AzureStorageBlobs", content_type="application/json", content=content
        )
        return {"preprocess": "upload", "classify": "staged"}[function], protos.TypedData(model_binding_data=data)
    if function == "sweep":
        return "timer", protos.TypedData(json=json.dumps({"IsPastDue": False, "Schedule": {}, "ScheduleStatus": {}}))
    return "message", protos.TypedData(string=json.dumps({"step": "preprocess", "name": name}))


async def main(folder: str, calls: list[str]) -> None:
    os.chdir(folder)
    sys.path.insert(0, folder)
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
    print(json.dumps({"functions": sorted(ids), "results": results}))


asyncio.run(main(sys.argv[1], sys.argv[2:]))
