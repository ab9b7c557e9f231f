"""The description of the API is complete, and its examples are what it describes."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from jsonschema import Draft202012Validator

from imagestore.record import Record, Status
from imagestore.settings import AZURITE, COSMOS_EMULATOR
from imagestore.web.api.reference import Operation, operations
from imagestore.web.app import create_app
from imagestore.web.openapi import describe

Described = tuple[str, str, dict[str, Any]]


@pytest.fixture(scope="module")
def document() -> Iterator[dict[str, Any]]:
    app = create_app({"IMAGES_STORAGE": AZURITE, "COSMOS": COSMOS_EMULATOR})
    yield describe(app)
    app.state.services.close()


def each(document: dict[str, Any]) -> Iterator[Described]:
    for address, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), address, operation


def fits(value: object, schema: dict[str, Any], document: dict[str, Any]) -> bool:
    return bool(Draft202012Validator({**schema, "components": document["components"]}).is_valid(value))


def test_every_operation_says_what_it_does_and_how_it_fails(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    for method, address, operation in each(document):
        assert operation["description"], (method, address)
        assert "application/problem+json" in operation["responses"]["default"]["content"]
        for parameter in operation.get("parameters", ()):
            assert parameter["in"] == "header" or parameter.get("description"), (method, address, parameter["name"])
    schemas = document["components"]["schemas"]
    assert set(schemas["Record"]["properties"]) == set(Record.__dataclass_fields__)
    assert set(schemas["Status"]["enum"]) == set(Status)


def test_every_example_is_as_the_description_says(document: dict[str, Any]) -> None:
    for method, address, operation in each(document):
        for parameter in operation.get("parameters", ()):
            assert fits(parameter["example"], parameter["schema"], document), (address, parameter["name"])
        contents = [answer["content"] for answer in operation["responses"].values() if "content" in answer]
        answers = [content["application/json"] for content in contents if "application/json" in content]
        assert not answers or any("example" in answer for answer in answers), (method, address)
        for answer in answers:
            if "example" in answer:
                assert fits(answer["example"], answer["schema"], document), (method, address)


def test_every_command_asks_with_parameters_that_there_are(document: dict[str, Any]) -> None:
    for method, address, operation in each(document):
        command = operation["x-codeSamples"][0]["source"]
        (url,) = re.findall(r'"(http://localhost[^"]*)"', command)
        path = re.sub(r"\{\w+\}", "[^/{}]+", address)
        assert re.fullmatch(path, urlsplit(url).path), command
        assert set(parse_qs(urlsplit(url).query)) <= {one["name"] for one in operation.get("parameters", ())}
        assert method == "GET" or f"-X {method} " in command or "--data" in command or "--json" in command


@pytest.fixture(scope="module")
def reference(document: dict[str, Any]) -> dict[str, Operation]:
    return {operation.id: operation for operation in operations(document)}


def test_the_page_tells_types_values_and_defaults(reference: dict[str, Operation]) -> None:
    found = {parameter.name: parameter for parameter in reference["list"].parameters}
    assert (found["limit"].type, found["limit"].default) == ("integer, 1 to 500", "60")
    assert (found["sort"].allowed[0], found["sort"].default) == ("newest", "newest")
    assert found["status"].allowed == tuple(map(str, Status))
    assert found["min_confidence"].type == "number, 0 to 1"
    assert found["since"].type == "time (ISO 8601)"
    assert found["q"].type == "text, 1 to 1024 characters"
    assert (found["corrected"].type, found["corrected"].default) == ("boolean", "")
    (id, *_) = reference["get"].parameters
    assert (id.place, id.is_needed) == ("path", True)
    assert '"status": "classified"' in reference["get"].answer
    assert reference["upload"].command == (
        'curl --data-binary @cat.jpg "http://localhost:8000/api/v1/pictures?name=pets/cat.jpg&wait=10"'
    )
