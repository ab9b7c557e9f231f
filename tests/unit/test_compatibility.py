"""A program that was written for an earlier version meets no answer that changed, but for what is said here."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import compatibility
from compatibility import Schema, breaks, released, today
from imagestore import __version__
from imagestore.settings import ROOT

DRAWN = "has no field 'drawn' any more."
"""It is called `random_sample` (CHANGELOG.md), which came before there was this comparison."""
SAID = {
    "openapi-0.1.0.json": {
        f"DELETE /api/v1/pictures/{{id}}/correction: the answer 200 (correction) {DRAWN}",
        f"GET /api/v1/pictures/{{id}}/duplicates: the answer 200 (exact[].correction) {DRAWN}",
        f"GET /api/v1/pictures/{{id}}/duplicates: the answer 200 (near[].correction) {DRAWN}",
        f"GET /api/v1/pictures/{{id}}: the answer 200 (correction) {DRAWN}",
        f"GET /api/v1/pictures: the answer 200 (items[].correction) {DRAWN}",
        f"POST /api/v1/pictures/{{id}}/undelete: the answer 200 (correction) {DRAWN}",
        f"POST /api/v1/pictures: the answer 200 (correction) {DRAWN}",
        f"PUT /api/v1/pictures/{{id}}/correction: the answer 200 (correction) {DRAWN}",
        # no model may be called as an option is
        "POST /api/v1/models/{name}/{version}/promote: the parameter 'name' must fit pattern "
        "'^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}$' now, which was '^[A-Za-z0-9_-]{1,64}$'.",
    }
}
"""What does break a program of that version, each with its reason. CONTRIBUTING.md says when that may be."""
Change = Callable[[Schema], object]


@pytest.fixture(scope="module")
def whole() -> Schema:
    return today()


CHANGED = {
    "/pictures", "/pictures/{id}", "/pictures/{id}/correction", "/labels", "/jobs", "/jobs/{id}",
    "/projects/{project}/train", "/projects/{project}/labels",
}  # fmt: skip


@pytest.fixture(scope="module")
def described(whole: Schema) -> Schema:
    """The routes that are changed below."""
    return {**whole, "paths": {path: whole["paths"][path] for path in (f"/api/v1{one}" for one in sorted(CHANGED))}}


@pytest.mark.parametrize("before", released(), ids=lambda path: path.name)
def test_a_program_of_an_earlier_version_meets_nothing_that_changed(before: Path, whole: Schema) -> None:
    found = set(breaks(json.loads(before.read_text("utf-8")), whole))
    assert found - SAID.get(before.name, set()) == set(), "keep it, beside what is new (CONTRIBUTING.md)"
    assert SAID.get(before.name, set()) - found == set(), "these break nothing any more"


def test_the_description_of_a_released_version_is_kept() -> None:
    is_released = f"## {__version__}, not yet released" not in (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert is_released == (compatibility.BEFORE / f"openapi-{__version__}.json").exists(), "at a release: make openapi"
    assert set(SAID) <= {path.name for path in released()}


def test_a_version_is_written_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: Schema) -> None:
    monkeypatch.setattr(compatibility, "BEFORE", tmp_path)
    monkeypatch.setattr(compatibility, "today", lambda: whole)
    compatibility.main()
    (written,) = released()
    assert breaks(json.loads(written.read_text("utf-8")), whole) == []
    with pytest.raises(SystemExit, match="is there already: what was released does not change"):
        compatibility.main()


def operation(document: Schema, method: str, path: str) -> Schema:
    found: Schema = document["paths"][f"/api/v1{path}"][method]
    return found


def parameter(document: Schema, method: str, path: str, name: str) -> Schema:
    found: Schema
    (found,) = (one for one in operation(document, method, path)["parameters"] if one["name"] == name)
    return found


def schemas(document: Schema) -> dict[str, Schema]:
    found: dict[str, Schema] = document["components"]["schemas"]
    return found


def listing(document: Schema) -> Schema:
    return operation(document, "get", "/pictures")


def added(document: Schema, **more: Any) -> None:
    """A parameter more for the list of pictures."""
    listing(document)["parameters"].append({"name": "new", "in": "query", "schema": {"type": "string"}, **more})


BROKEN: dict[str, tuple[Change, str]] = {
    "a route is gone": (lambda d: d["paths"].pop("/api/v1/labels"), "GET /api/v1/labels is gone."),
    "a method is gone": (lambda d: d["paths"]["/api/v1/jobs"].pop("post"), "POST /api/v1/jobs is gone."),
    "a route has another address": (
        lambda d: d["paths"].update({"/api/v1/words": d["paths"].pop("/api/v1/labels")}),
        "GET /api/v1/labels is gone.",
    ),
    "a parameter is gone": (
        lambda d: listing(d)["parameters"].remove(parameter(d, "get", "/pictures", "since")),
        "GET /api/v1/pictures: the parameter 'since' is gone.",
    ),
    "a parameter must be given": (
        lambda d: parameter(d, "get", "/pictures", "limit").update(required=True),
        "GET /api/v1/pictures: the parameter 'limit' must be given now.",
    ),
    "a new parameter must be given": (
        lambda d: added(d, required=True),
        "GET /api/v1/pictures: the new parameter 'new' must be given.",
    ),
    "a number may be less": (
        lambda d: parameter(d, "get", "/pictures", "limit")["schema"].update(maximum=100),
        "GET /api/v1/pictures: the parameter 'limit' has maximum 100 now (at most), no longer 500.",
    ),
    "a number must be more": (
        lambda d: parameter(d, "get", "/pictures", "limit")["schema"].update(minimum=10),
        "GET /api/v1/pictures: the parameter 'limit' has minimum 10 now (at least), no longer 1.",
    ),
    "a number has a limit": (
        lambda d: parameter(d, "get", "/pictures", "limit")["schema"].update(exclusiveMaximum=1000),
        "GET /api/v1/pictures: the parameter 'limit' has exclusiveMaximum 1000 now (at most), which was not limited.",
    ),
    "a text may be shorter": (
        lambda d: parameter(d, "get", "/pictures", "label")["schema"]["anyOf"][0].update(maxLength=10),
        "GET /api/v1/pictures: the parameter 'label' has maxLength 10 now (at most), no longer 1024.",
    ),
    "a list may be shorter": (
        lambda d: schemas(d)["Body_changeLabel"]["properties"]["pictures"]["anyOf"][0].update(maxItems=5),
        "POST /api/v1/projects/{project}/labels: the body (pictures) has maxItems 5 now (at most), no longer 10000.",
    ),
    "a text must look otherwise": (
        lambda d: parameter(d, "get", "/pictures/{id}", "id")["schema"].update(pattern="^[0-9]{9}$"),
        "GET /api/v1/pictures/{id}: the parameter 'id' must fit pattern '^[0-9]{9}$' now, which was '^[0-9a-f]{32}$'.",
    ),
    "a parameter is of another type": (
        lambda d: parameter(d, "get", "/pictures", "limit")["schema"].update(type="boolean"),
        "GET /api/v1/pictures: the parameter 'limit' no longer takes integer.",
    ),
    "a parameter is given once": (
        lambda d: parameter(d, "put", "/pictures/{id}/correction", "label").update(schema={"type": "string"}),
        "PUT /api/v1/pictures/{id}/correction: the parameter 'label' can be given only once now.",
    ),
    "a value of an enum is not taken": (
        lambda d: schemas(d)["IfExists"]["enum"].remove("rename"),
        "POST /api/v1/pictures: the parameter 'if_exists' no longer takes 'rename'.",
    ),
    "a text is one of few": (
        lambda d: parameter(d, "get", "/labels", "q").update(schema={"type": "string", "enum": ["cat"]}),
        "GET /api/v1/labels: the parameter 'q' no longer takes any value.",
    ),
    "a parameter has another default": (
        lambda d: parameter(d, "get", "/pictures", "limit")["schema"].update(default=20),
        "GET /api/v1/pictures: the parameter 'limit' is 20 now when it is not given, no longer 60.",
    ),
    "a parameter of a named type has another default": (
        lambda d: parameter(d, "post", "/pictures", "if_exists")["schema"].update(default="rename"),
        'POST /api/v1/pictures: the parameter \'if_exists\' is "rename" now when it is not given, no longer "error".',
    ),
    "a parameter has no default": (
        lambda d: parameter(d, "get", "/pictures", "limit")["schema"].pop("default"),
        "GET /api/v1/pictures: the parameter 'limit' is null now when it is not given, no longer 60.",
    ),
    "a parameter has a default": (
        lambda d: parameter(d, "get", "/pictures", "label")["schema"].update(default="cat"),
        "GET /api/v1/pictures: the parameter 'label' is \"cat\" now when it is not given, no longer null.",
    ),
    "a field of a body has another default": (
        lambda d: schemas(d)["Training"]["properties"]["seed"].update(default=2),
        "POST /api/v1/projects/{project}/train: the body (seed) is 2 now when it is not given, no longer 1.",
    ),
    "a body must have a new field": (
        lambda d: schemas(d)["Training"].update(required=["seed"]),
        "POST /api/v1/projects/{project}/train: the body must now have the field 'seed'.",
    ),
    "a body has no such field": (
        lambda d: schemas(d)["Training"]["properties"].pop("seed"),
        "POST /api/v1/projects/{project}/train: the body has no field 'seed' any more.",
    ),
    "a body may not be null": (
        lambda d: operation(d, "post", "/projects/{project}/train")["requestBody"]["content"][
            "application/json"
        ].update(schema={"$ref": "#/components/schemas/Training"}),
        "POST /api/v1/projects/{project}/train: the body no longer takes null.",
    ),
    "a body takes no other fields": (
        lambda d: schemas(d)["Body_startJob"].update(additionalProperties=False),
        "POST /api/v1/jobs: the body takes no other fields any more.",
    ),
    "a body is of another kind": (
        lambda d: operation(d, "post", "/pictures")["requestBody"]["content"].pop("multipart/form-data"),
        "POST /api/v1/pictures takes no multipart/form-data any more.",
    ),
    "a body must be sent": (
        lambda d: operation(d, "get", "/labels").update(requestBody={"required": True, "content": {}}),
        "GET /api/v1/labels: a body must be sent now.",
    ),
    "there is no body": (
        lambda d: operation(d, "post", "/jobs").pop("requestBody"),
        "POST /api/v1/jobs takes no body any more.",
    ),
    "a status is gone": (
        lambda d: operation(d, "post", "/pictures")["responses"].pop("202"),
        "POST /api/v1/pictures: the answer 202 is gone.",
    ),
    "errors are of another kind": (
        lambda d: operation(d, "get", "/labels")["responses"]["default"].update(content={"text/plain": {}}),
        "GET /api/v1/labels: the answer to an error is no application/problem+json any more.",
    ),
    "a field of an answer is gone": (
        lambda d: schemas(d)["Record"]["properties"].pop("uploaded_at"),
        "GET /api/v1/pictures/{id}: the answer 200 has no field 'uploaded_at' any more.",
    ),
    "a field deep in an answer is gone": (
        lambda d: schemas(d)["ModelRef"]["properties"].pop("sha256"),
        "GET /api/v1/pictures: the answer 200 (items[].prediction.model) has no field 'sha256' any more.",
    ),
    "a field of an answer may be missing": (
        lambda d: schemas(d)["Record"]["required"].remove("name"),
        "GET /api/v1/pictures/{id}: the answer 200 may now lack the field 'name'.",
    ),
    "a field of an answer may be null": (
        lambda d: schemas(d)["Record"]["properties"].update(name={"type": ["string", "null"]}),
        "GET /api/v1/pictures/{id}: the answer 200 (name) may now be null.",
    ),
    "a field of an answer is of another type": (
        lambda d: schemas(d)["Upload"]["properties"].update(size_bytes={"type": "string"}),
        "GET /api/v1/pictures/{id}: the answer 200 (upload.size_bytes) may now be string.",
    ),
    "a whole number has a fraction": (
        lambda d: schemas(d)["Record"]["properties"]["timings_ms"].update(additionalProperties={"type": "number"}),
        "GET /api/v1/pictures/{id}: the answer 200 (timings_ms.*) may now be number.",
    ),
    "a map of an answer may hold anything": (
        lambda d: schemas(d)["Record"]["properties"]["timings_ms"].pop("additionalProperties"),
        "GET /api/v1/pictures/{id}: the answer 200 (timings_ms.*) may now be anything.",
    ),
    "an answer may be anything": (
        lambda d: operation(d, "get", "/labels")["responses"]["200"]["content"]["application/json"].pop("schema"),
        "GET /api/v1/labels: the answer 200 may now be anything.",
    ),
    "one must sign in": (
        lambda d: operation(d, "get", "/labels").update(security=[{"key": []}]),
        "GET /api/v1/labels can no longer be asked with no key or session.",
    ),
    "one must sign in everywhere": (
        lambda d: d.update(security=[{"key": []}]),
        "GET /api/v1/labels can no longer be asked with no key or session.",
    ),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_what_breaks_a_program_is_named(kind: str, described: Schema) -> None:
    change, sentence = BROKEN[kind]
    changed = copy.deepcopy(described)
    change(changed)
    assert sentence in breaks(described, changed)


def test_a_header_of_an_answer_and_a_way_to_sign_in_are_promises_too(described: Schema) -> None:
    before = copy.deepcopy(described)
    operation(before, "get", "/labels")["responses"]["200"]["headers"] = {"X-Total": {}}
    operation(before, "get", "/jobs")["security"] = [{"key": []}, {"session": []}]
    now = copy.deepcopy(before)
    del operation(now, "get", "/labels")["responses"]["200"]["headers"]
    operation(now, "get", "/jobs")["security"] = [{"session": []}]
    assert breaks(before, now) == [
        "GET /api/v1/jobs can no longer be asked with key.",
        "GET /api/v1/labels: the answer 200 has no header X-Total any more.",
    ]


FITS: dict[str, Change] = {
    "a route": lambda d: d["paths"].update({"/api/v1/new": d["paths"]["/api/v1/labels"]}),
    "a parameter": added,
    "a status": lambda d: operation(d, "get", "/labels")["responses"].update({"304": {}}),
    "a field of an answer": lambda d: schemas(d)["Record"]["properties"].update(new={"type": "string"}),
    "a value of an enum in an answer": lambda d: schemas(d)["Status"]["enum"].append("new"),
    "a value of an enum in a request": lambda d: schemas(d)["IfExists"]["enum"].append("new"),
    "a field of a body": lambda d: schemas(d)["Training"]["properties"].update(new={"type": "string"}),
    "a kind of body": lambda d: operation(d, "post", "/jobs")["requestBody"]["content"].update({"text/csv": {}}),
    "a wider limit": lambda d: parameter(d, "get", "/pictures", "limit")["schema"].update(maximum=501, minimum=0),
    "a request that may be null": lambda d: parameter(d, "get", "/pictures", "limit").update(
        schema={"anyOf": [parameter(d, "get", "/pictures", "limit")["schema"], {"type": "null"}], "default": 60}
    ),
    "an answer that is never null": lambda d: schemas(d)["Record"]["properties"].update(label={"type": "string"}),
    "a default of an answer": lambda d: schemas(d)["Record"]["properties"]["schema_version"].update(default=9),
    "a default that is null, said": lambda d: parameter(d, "get", "/pictures", "label")["schema"].update(default=None),
    "a required field of an answer": lambda d: schemas(d)["Record"]["required"].append("label"),
    "another name in a path": lambda d: d["paths"].update(
        json.loads(
            json.dumps({"/api/v1/jobs/{job}": d["paths"].pop("/api/v1/jobs/{id}")}).replace(
                '"name": "id"', '"name": "job"'
            )
        )
    ),
    "a schema by its name": lambda d: (
        schemas(d).update(
            Said=operation(d, "get", "/labels")["responses"]["200"]["content"]["application/json"]["schema"]
        ),
        operation(d, "get", "/labels")["responses"]["200"]["content"]["application/json"].update(
            schema={"$ref": "#/components/schemas/Said"}
        ),
    ),
    "another Python's table of Unicode": lambda d: schemas(d)["Body_changeLabel"]["properties"]["label"].update(
        pattern=schemas(d)["Body_changeLabel"]["properties"]["label"]["pattern"] + "\U00013439"
    ),
    "nothing": lambda d: None,
}


@pytest.mark.parametrize("kind", FITS)
def test_what_is_added_or_allowed_breaks_nothing(kind: str, described: Schema) -> None:
    changed = copy.deepcopy(described)
    FITS[kind](changed)
    assert breaks(described, changed) == []
