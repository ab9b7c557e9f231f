"""What in an API's description would break a client that was written for an earlier one.

A client sends what the earlier description takes, and reads what it promises: so a request may be taken more freely,
and an answer may hold more, but not the other way round. Both descriptions are OpenAPI 3.1 as FastAPI writes it:
schemas with `$ref`, `anyOf`, `oneOf`, `allOf`, `type` as a name or a list of them. A new value of an enum in an answer
counts as an addition; so does a status beside those that there were. A pattern that differs counts as tighter. What an
optional parameter or field is when it is not given stays what it was.

`python -m compatibility` writes the description of this version to tests/written_before, at a release.
"""

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from imagestore import __version__
from imagestore.settings import AZURITE, COSMOS_EMULATOR, ROOT
from imagestore.web.app import create_app
from imagestore.web.openapi import describe

BEFORE = ROOT / "tests" / "written_before"
Schema = dict[str, Any]
_FOR_PEOPLE = {"description", "example", "examples", "summary", "tags", "title", "x-codeSamples"}
_MOST = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_LEAST = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_SAME = ("pattern", "format", "multipleOf", "uniqueItems")
_ANY = "anything"


@dataclass(frozen=True)
class Place:
    """A request or an answer, and a field in it, such as `items[].label`."""

    what: str
    field: str = ""

    def __str__(self) -> str:
        return f"{self.what} ({self.field.removeprefix('.')})" if self.field else self.what

    def __add__(self, more: str) -> "Place":
        return Place(self.what, self.field + more)


class Way(Enum):
    """Who sends what a schema describes."""

    REQUEST = "request"
    ANSWER = "answer"


def today() -> Schema:
    """The description of the API as it is, without what is for people alone."""
    app = create_app({"IMAGES_STORAGE": AZURITE, "COSMOS": COSMOS_EMULATOR})
    try:
        contract: Schema = _contract(describe(app))
        return contract
    finally:
        app.state.services.close()


def released() -> list[Path]:
    """The descriptions of earlier versions, each called openapi-VERSION.json."""
    return sorted(BEFORE.glob("openapi-*.json"))


def breaks(old: Schema, new: Schema) -> list[str]:
    """A sentence for each thing that a client written for `old` would meet in `new`; empty if there is none."""
    return sorted(set(_Comparison(old, new).all()))


@dataclass
class _Comparison:
    old: Schema
    new: Schema
    under_way: set[tuple[str, str, Way]] = field(default_factory=set)
    """Pairs of named schemas that are being compared: one that holds itself is compared once."""

    def all(self) -> Iterator[str]:
        there = {
            (_unnamed(path), method): self._with_parameters(path, operation, self.new)
            for path, operations in self.new["paths"].items()
            for method, operation in operations.items()
        }
        for path, operations in self.old["paths"].items():
            for method, operation in operations.items():
                what = f"{method.upper()} {path}"
                if (now := there.get((_unnamed(path), method))) is None:
                    yield f"{what} is gone."
                else:
                    yield from self._operation(what, self._with_parameters(path, operation, self.old), now)

    def _with_parameters(self, path: str, operation: Schema, document: Schema) -> Schema:
        """The operation with its parameters by where they stand: those in the path by their order there, since a client
        never sees their names."""
        in_path = re.findall(r"\{([^}]*)\}", path)
        found = [_resolved(one, document)[0] for one in operation.get("parameters", ())]
        by_place = {
            (one["in"], in_path.index(one["name"]) if one["in"] == "path" else one["name"]): one for one in found
        }
        return {**operation, "parameters": by_place}

    def _operation(self, what: str, old: Schema, new: Schema) -> Iterator[str]:
        yield from self._parameters(what, old, new)
        yield from self._body(what, old.get("requestBody"), new.get("requestBody"))
        yield from self._answers(what, old["responses"], new["responses"])
        asked, asks = old.get("security", self.old.get("security")), new.get("security", self.new.get("security"))
        for way_in in asked or [{}]:
            if asks and way_in not in asks:
                yield f"{what} can no longer be asked with {' and '.join(way_in) or 'no key or session'}."

    def _parameters(self, what: str, old: Schema, new: Schema) -> Iterator[str]:
        before, now = old["parameters"], new["parameters"]
        for place, parameter in before.items():
            name = f"the parameter '{parameter['name']}'"
            if (same := now.get(place)) is None:
                yield f"{what}: {name} is gone."
                continue
            if same.get("required") and not parameter.get("required"):
                yield f"{what}: {name} must be given now."
            schemas = parameter["schema"], same["schema"]
            if not parameter.get("required") and not same.get("required"):
                yield from _other_default(f"{what}: {name}", *schemas)
            if place[0] == "query":  # several values are the parameter several times, so one value is one of them
                schemas = _each(schemas[0], self.old), _each(schemas[1], self.new)
                if _is_list(parameter["schema"], self.old) and not _is_list(same["schema"], self.new):
                    yield f"{what}: {name} can be given only once now."
            yield from self._schema(Place(f"{what}: {name}"), *schemas, Way.REQUEST)
        for place, parameter in now.items():
            if place not in before and parameter.get("required"):
                yield f"{what}: the new parameter '{parameter['name']}' must be given."

    def _body(self, what: str, old: Schema | None, new: Schema | None) -> Iterator[str]:
        if new is None:
            if old is not None:
                yield f"{what} takes no body any more."
            return
        if new.get("required") and not (old or {}).get("required"):
            yield f"{what}: a body must be sent now."
        for kind, content in (old or {}).get("content", {}).items():
            if kind not in new["content"]:
                yield f"{what} takes no {kind} any more."
            else:
                yield from self._schema(
                    Place(f"{what}: the body"), _of(content), _of(new["content"][kind]), Way.REQUEST
                )

    def _answers(self, what: str, old: Schema, new: Schema) -> Iterator[str]:
        for status, answer in old.items():
            named = f"the answer {status}" if status != "default" else "the answer to an error"
            if status not in new:
                yield f"{what}: {named} is gone."
                continue
            for header in answer.get("headers", {}):
                if header not in new[status].get("headers", {}):
                    yield f"{what}: {named} has no header {header} any more."
            for kind, content in answer.get("content", {}).items():
                now = new[status].get("content", {})
                if kind not in now:
                    yield f"{what}: {named} is no {kind} any more."
                else:
                    yield from self._schema(Place(f"{what}: {named}"), _of(content), _of(now[kind]), Way.ANSWER)

    def _schema(self, where: Place, old: Schema, new: Schema, way: Way) -> Iterator[str]:
        """What does not fit between two schemas: each kind of value that is sent must be one that the other side
        knows."""
        (before, one), (now, other) = _resolved(old, self.old), _resolved(new, self.new)
        pair = (one or "", other or "", way)
        if one and other:
            if pair in self.under_way:
                return
            self.under_way.add(pair)
        kinds_before, kinds_now = _kinds(before, self.old), _kinds(now, self.new)
        sent, known = (kinds_before, kinds_now) if way is Way.REQUEST else (kinds_now, kinds_before)
        for kind in sent:
            fitting = [each for each in known if _fits(_type(kind), _type(each))]
            if not fitting:
                verb = "no longer takes" if way is Way.REQUEST else "may now be"
                yield f"{where} {verb} {_type(kind)}."
                continue
            pairs = [(kind, each) if way is Way.REQUEST else (each, kind) for each in fitting]
            yield from min((list(self._kind(where, *each, way)) for each in pairs), key=len)
        self.under_way.discard(pair)

    def _kind(self, where: Place, old: Schema, new: Schema, way: Way) -> Iterator[str]:
        """What does not fit between two kinds of value of one type."""
        if way is Way.REQUEST:
            yield from _stricter(where, old, new)
        yield from self._fields(where, old, new, way)
        if "items" in old or "items" in new:
            yield from self._schema(where + "[]", old.get("items", {}), new.get("items", {}), way)
        tuples = old.get("prefixItems", ()), new.get("prefixItems", ())
        if len(tuples[0]) != len(tuples[1]):
            yield f"{where} has {len(tuples[1])} values of their own now, no longer {len(tuples[0])}."
        for number, (before, now) in enumerate(zip(*tuples, strict=False)):
            yield from self._schema(where + f"[{number}]", before, now, way)
        others, others_now = _others(old), _others(new)
        if others is not None and others_now is not None and (others or others_now):
            yield from self._schema(where + ".*", others, others_now, way)

    def _fields(self, where: Place, old: Schema, new: Schema, way: Way) -> Iterator[str]:
        fields, fields_now = old.get("properties", {}), new.get("properties", {})
        needed, needed_now = set(old.get("required", ())), set(new.get("required", ()))
        for name, schema in fields.items():
            if name not in fields_now:
                yield f"{where} has no field '{name}' any more."
                continue
            if way is Way.ANSWER and name in needed - needed_now:
                yield f"{where} may now lack the field '{name}'."
            yield from self._schema(where + f".{name}", schema, fields_now[name], way)
            if way is Way.REQUEST and name not in needed | needed_now:
                yield from _other_default(where + f".{name}", schema, fields_now[name])
        if way is Way.REQUEST:
            for name in sorted(needed_now - needed):
                yield f"{where} must now have the field '{name}'."


def _other_default(where: Place | str, old: Schema, new: Schema) -> Iterator[str]:
    """What a client gets that sends nothing here. To say no default is to say null."""
    before, now = (json.dumps(one.get("default")) for one in (old, new))
    if before != now:
        yield f"{where} is {now} now when it is not given, no longer {before}."


def _stricter(where: Place, old: Schema, new: Schema) -> Iterator[str]:
    """Limits of a request that are tighter than they were."""
    for keys, is_tighter, word in ((_MOST, _is_less, "at most"), (_LEAST, _is_more, "at least")):
        for key in keys:
            if key in new and is_tighter(new[key], old.get(key)):
                before = f", no longer {old[key]}" if key in old else ", which was not limited"
                yield f"{where} has {key} {new[key]} now ({word}){before}."
    for key in _SAME:
        if key in new and _ascii(new[key]) != _ascii(old.get(key)) and new[key] is not False:
            yield f"{where} must fit {key} {new[key]!r} now, which was {old.get(key)!r}."
    if new.get("additionalProperties") is False and old.get("additionalProperties") is not False:
        yield f"{where} takes no other fields any more."
    if (values := _values(new)) is not None:
        known = _values(old)
        gone = ["any value"] if known is None else [repr(value) for value in known if value not in values]
        for value in gone:
            yield f"{where} no longer takes {value}."


def _ascii(value: Any) -> Any:
    """A pattern without characters beyond ASCII: which of them are unseen follows the table of Unicode that Python has,
    and that grows with its version."""
    return re.sub(r"[^\x00-\x7f]", "", value) if isinstance(value, str) else value


def _is_less(new: float, old: float | None) -> bool:
    return old is None or new < old


def _is_more(new: float, old: float | None) -> bool:
    return new > old if old is not None else new != 0


def _values(schema: Schema) -> list[Any] | None:
    return [schema["const"]] if "const" in schema else schema.get("enum")


def _fits(sent: str, known: str) -> bool:
    return known in (sent, _ANY) or (sent, known) == ("integer", "number")


def _type(kind: Schema) -> str:
    found: str = kind.get("type", _ANY)
    return found


def _of(content: Schema) -> Schema:
    found: Schema = content.get("schema", {})
    return found


def _others(schema: Schema) -> Schema | None:
    """What fields may be that are not named; None if there are no others."""
    found = schema.get("additionalProperties", True)
    return (found if isinstance(found, dict) else {}) if found is not False else None


def _is_list(schema: Schema, document: Schema) -> bool:
    return any(_type(kind) == "array" for kind in _kinds(_resolved(schema, document)[0], document))


def _each(schema: Schema, document: Schema) -> Schema:
    """What one value of a query parameter may be."""
    kinds = _kinds(_resolved(schema, document)[0], document)
    return {"anyOf": [kind.get("items", {}) if _type(kind) == "array" else kind for kind in kinds]}


def _kinds(schema: Schema, document: Schema) -> list[Schema]:
    """The kinds of value that a schema describes, each of one type."""
    rest = {key: value for key, value in schema.items() if key not in ("anyOf", "oneOf", "allOf")}
    for part in schema.get("allOf", ()):
        rest = _merged(rest, _resolved(part, document)[0])
    choices = schema.get("anyOf") or schema.get("oneOf")
    if choices:
        return [kind for one in choices for kind in _kinds(_merged(rest, _resolved(one, document)[0]), document)]
    types = rest.get("type")
    if types is None and (values := _values(rest)):
        types = sorted({_NAMES[type(value)] for value in values})
    return [{**rest, "type": one} for one in (types if isinstance(types, list) else [types])] if types else [rest]


_NAMES = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}


def _merged(one: Schema, other: Schema) -> Schema:
    both = {**one, **other}
    if "properties" in one and "properties" in other:
        both["properties"] = {**one["properties"], **other["properties"]}
    if "required" in one and "required" in other:
        both["required"] = [*one["required"], *other["required"]]
    return both


def _resolved(schema: Schema, document: Schema) -> tuple[Schema, str | None]:
    """A schema with its `$ref` followed, and what that said."""
    first = schema.get("$ref")
    while (ref := schema.get("$ref")) is not None:
        found: Any = document
        for part in ref.removeprefix("#/").split("/"):
            found = found[part]
        schema = {**found, **{key: value for key, value in schema.items() if key != "$ref"}}
    return schema, first


def _unnamed(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path)


def _contract(found: Any, *, names: bool = False) -> Any:
    """A description without what is for people; `names` says that the keys of this object are names of fields."""
    if isinstance(found, list):
        return [_contract(one) for one in found]
    if not isinstance(found, dict):
        return found
    return {
        key: _contract(value, names=key in ("properties", "schemas", "paths", "headers"))
        for key, value in found.items()
        if names or key not in _FOR_PEOPLE
    }


def main() -> None:
    """Write the description of this version; one that was released is never written again."""
    to = BEFORE / f"openapi-{__version__}.json"
    if to.exists():
        sys.exit(f"{to} is there already: what was released does not change.")
    to.write_text(json.dumps(today(), indent=1, sort_keys=True) + "\n", "utf-8")
    print(f"{to} has what clients of {__version__} may rely on from now on.")


if __name__ == "__main__":
    main()
