"""The description of the API, with errors as they are: problem details."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

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
        "checks": {"type": "object", "additionalProperties": {"type": ["string", "null"]}},
    },
}
_PROBLEM = {
    "description": "What went wrong, as problem details (RFC 9457).",
    "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}},
}
_ABOUT = (
    "Take pictures in, see what became of them, correct and delete them. Ids are the first 32 hex digits of the "
    "SHA-256 of a picture's name."
)


def allowed(app: FastAPI, path: str) -> str:
    """The methods that this address of the API knows, as the header Allow lists them."""
    parts = path.split("/")
    for address, operations in describe(app)["paths"].items():
        pattern = address.split("/")
        if len(pattern) == len(parts) and all(a.startswith("{") or a == b for a, b in zip(pattern, parts, strict=True)):
            return ", ".join(sorted(method.upper() for method in operations))
    return "GET"


def describe(app: FastAPI) -> dict[str, Any]:
    """OpenAPI 3.1, made once."""
    if app.openapi_schema is None:
        document = get_openapi(title=app.title, version=app.version, description=_ABOUT, routes=app.routes)
        schemas = document["components"]["schemas"]
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        schemas["ProblemDetails"] = SCHEMA
        for path in document["paths"].values():
            for operation in path.values():
                operation["responses"].pop("422", None)
                operation["responses"]["default"] = _PROBLEM
        app.openapi_schema = document
    return app.openapi_schema
