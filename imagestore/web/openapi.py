"""The description of the API, with errors as they are: problem details."""

from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from imagestore.decoding import decode
from imagestore.web.examples.all import EXAMPLES, command, value_of
from imagestore.web.rules import TAKES_KEY

MEDIA_TYPE = "application/problem+json"
SCHEMA: dict[str, Any] = {
    "type": "object",
    "title": "ProblemDetails",
    "description": "RFC 9457 problem details: `detail` is a sentence for a person, `code` a word for a program.",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "needed": {"type": "string", "description": "The role that the request needs."},
        "checks": {"type": "object", "additionalProperties": {"type": ["string", "null"]}},
        "size_bytes": {"type": ["integer", "null"]},
        "limit_bytes": {"type": "integer"},
    },
}
_PROBLEM = {
    "description": "What went wrong, as problem details (RFC 9457).",
    "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}},
}
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "A request that is sent again with the same key, such as a UUID, is not done again: for a day its "
    "answer is that of the first one.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!#-~]+$"},
    "example": "8f0c9a52-3d1e-4b1f-9d3c-6b6c1a2f7e10",
}
_ABOUT = (
    "Take pictures in, see what became of them, correct and delete them. Ids are the first 32 hex digits of the "
    "SHA-256 of a picture's name."
)


def allowed(app: FastAPI, path: str) -> str:
    """The methods that this address of the API has, as the header Allow lists them."""
    parts = path.split("/")
    for address, operations in describe(app)["paths"].items():
        pattern = address.split("/")
        if len(pattern) == len(parts) and all(a.startswith("{") or a == b for a, b in zip(pattern, parts, strict=True)):
            return ", ".join(sorted(method.upper() for method in operations))
    return "GET"


def parameters(app: FastAPI, operation_id: str) -> list[str]:
    """The names of this operation's query parameters."""
    for operations in describe(app)["paths"].values():
        for operation in operations.values():
            if operation["operationId"] == operation_id:
                return [one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"]
    return []


def describe(app: FastAPI) -> dict[str, Any]:
    """The API's description in OpenAPI 3.1, made once."""
    if app.openapi_schema is None:
        document = get_openapi(title=app.title, version=app.version, description=_ABOUT, routes=app.routes)
        schemas = document["components"]["schemas"]
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        schemas["ProblemDetails"] = SCHEMA
        for address, operations in document["paths"].items():
            for method, operation in operations.items():
                operation["responses"].pop("422", None)
                operation["responses"]["default"] = _PROBLEM
                _add_examples(method.upper(), address, operation)
                if f"{method.upper()} {address}" in TAKES_KEY:
                    operation.setdefault("parameters", []).append(_KEY)
                if operation["operationId"] == "upload":
                    _require_name(operation)
        app.openapi_schema = document
    return app.openapi_schema


def _add_examples(method: str, address: str, operation: dict[str, Any]) -> None:
    id = operation["operationId"]
    operation["x-codeSamples"] = [{"lang": "Shell", "source": command(method, address, id)}]
    for parameter in operation.get("parameters", ()):
        parameter["example"] = value_of(id, parameter["name"])
    answers = [one["content"]["application/json"] for one in operation["responses"].values() if _is_json(one)]
    if answers:
        answers[0]["example"] = decode(msgspec.json.encode(EXAMPLES[id].answer))


def _require_name(upload: dict[str, Any]) -> None:
    """Describe the name of an upload as required. Only a form may leave it out, which OpenAPI cannot express."""
    for parameter in upload["parameters"]:
        if parameter["name"] == "name":
            parameter["required"] = True


def _is_json(response: dict[str, Any]) -> bool:
    return "application/json" in response.get("content", {})
