"""The API's reference for its page: each operation with its parameters and an example."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec


@dataclass(frozen=True)
class Parameter:
    """A parameter: its type in words, the values it can have (empty: any of the type), and its default as JSON."""

    name: str
    place: str
    type: str
    allowed: tuple[str, ...]
    default: str
    is_needed: bool
    description: str
    example: str


@dataclass(frozen=True)
class Operation:
    """An operation, the command that calls it, and its answer (empty if that is no JSON)."""

    id: str
    tag: str
    method: str
    address: str
    description: str
    parameters: list[Parameter]
    command: str
    answer: str


def operations(document: dict[str, Any]) -> Iterator[Operation]:
    """All operations of an OpenAPI document made by `describe`, in its order."""
    for address, methods in document["paths"].items():
        for method, operation in methods.items():
            (sample,) = operation["x-codeSamples"]
            yield Operation(
                id=operation["operationId"],
                tag=operation["tags"][0],
                method=method.upper(),
                address=address,
                description=operation["description"],
                parameters=[_parameter(one, document) for one in operation.get("parameters", ())],
                command=sample["source"],
                answer=_answer(operation["responses"]),
            )


def _parameter(parameter: dict[str, Any], document: dict[str, Any]) -> Parameter:
    schema = _resolved(parameter["schema"], document)
    return Parameter(
        name=parameter["name"],
        place=parameter["in"],
        type=_type(schema, document),
        allowed=tuple(map(str, schema.get("enum", ()))),
        default=_json(schema["default"]) if schema.get("default") is not None else "",
        is_needed=parameter["required"],
        description=parameter.get("description", ""),
        example=_json(parameter["example"]),
    )


def _resolved(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    """The schema without references, and without the null that an optional parameter allows."""
    if "$ref" in schema:
        named = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
        return {**named, **{key: value for key, value in schema.items() if key != "$ref"}}
    options = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    if len(options) == 1:
        rest = {key: value for key, value in schema.items() if key != "anyOf"}
        return _resolved({**options[0], **rest}, document)
    return schema


def _type(schema: dict[str, Any], document: dict[str, Any]) -> str:
    name = {"date-time": "time (ISO 8601)"}.get(schema.get("format", ""), schema.get("type", "text"))
    if name == "string":
        low, high = schema.get("minLength"), schema.get("maxLength")
        return "text" if high is None else f"text, {low or 0} to {high} characters"
    if name == "array":
        return f"list of {_type(_resolved(schema['items'], document), document)}"
    low, high = schema.get("minimum"), schema.get("maximum")
    return str(name) if low is None or high is None else f"{name}, {low:g} to {high:g}"


def _answer(responses: dict[str, Any]) -> str:
    for response in responses.values():
        for content in response.get("content", {}).values():
            if "example" in content:
                return msgspec.json.format(msgspec.json.encode(content["example"]), indent=2).decode()
    return ""


def _json(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
