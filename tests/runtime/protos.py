"""The shapes of the worker's gRPC messages, which the runtime asks its caller for, as plain objects."""

from types import SimpleNamespace


class Message(SimpleNamespace):
    def WhichOneof(self, group: str) -> str | None:
        return next((key for key, value in vars(self).items() if key != "name" and value is not None), None)


def _message(name: str, **constants: int) -> type[Message]:
    return type(name, (Message,), constants)


BindingInfo = _message("BindingInfo", undefined=0, out=1, inout=2)
StatusResult = _message("StatusResult", Failure=0, Success=1, Cancelled=2)
_NAMES = (
    "RpcFunctionMetadata", "RpcRetryOptions", "WorkerMetadata", "WorkerInitResponse", "FunctionMetadataResponse",
    "FunctionLoadResponse", "InvocationResponse", "RpcException", "ParameterBinding", "TypedData", "RpcHttp",
    "ModelBindingData", "RpcTraceContext", "RetryContext", "InvocationRequest",
)  # fmt: skip
globals().update({name: _message(name) for name in _NAMES})
