"""Imports point one way, only one module writes, and no function writes where its own trigger listens."""

import ast
import json
import re
from pathlib import Path

import pytest

from settings import ROOT

ALLOWED = {
    "errors": set(),
    "record": {"errors"},
    "settings": {"errors"},
    "preprocess": {"errors", "record"},
    "classify": {"errors", "record"},
    "store": {"errors", "record", "settings"},
    "pipeline": {"errors", "record", "settings", "store", "preprocess", "classify"},
    "model": {"errors", "record", "settings", "store", "preprocess", "classify"},
    "local": {"errors", "record", "settings", "store"},
    "function_app": {"pipeline"},
    "web": {"errors", "record", "settings", "store", "preprocess", "classify", "pipeline"},
    "cli": {"errors", "record", "settings", "store", "preprocess", "classify", "pipeline", "model", "local"},
}


def modules(room: str) -> list[Path]:
    single = ROOT / f"{room}.py"
    return [single] if single.exists() else sorted((ROOT / room).rglob("*.py"))


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize("room", ALLOWED)
def test_imports_point_one_way(room: str) -> None:
    for path in modules(room):
        ours = imports(path) & ALLOWED.keys() - {room}
        assert ours <= ALLOWED[room], f"{path.relative_to(ROOT)} imports {ours - ALLOWED[room]}"


def test_only_the_store_knows_azure() -> None:
    for room in ("preprocess", "classify", "pipeline", "record", "errors", "settings"):
        for path in modules(room):
            assert "azure" not in imports(path), path


def test_preprocess_and_classify_need_three_libraries_and_no_more() -> None:
    import sys

    for room in ("preprocess", "classify", "record", "errors"):
        for path in modules(room):
            foreign = imports(path) - set(sys.stdlib_module_names) - ALLOWED.keys()
            assert foreign <= {"PIL", "numpy", "onnxruntime", "pi_heif"}, path


def test_only_commit_writes_records_and_results() -> None:
    writes = re.compile(r"(records\.write|results\.(put|delete|overwrite)|uploads\.tag)\(")
    for room in ("pipeline", "cli", "local", "web", "function_app"):
        for path in modules(room):
            if path.name != "commit.py":
                assert not writes.search(path.read_text()), path


def test_the_function_app_is_what_the_design_says(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in json.loads((ROOT / "local.settings.example.json").read_text())["Values"].items():
        monkeypatch.setenv(name, value)
    import function_app

    triggers = {}
    for function in function_app.app.get_functions():
        bindings = [json.loads(raw) for raw in function.get_raw_bindings()]
        assert len(bindings) == 1, "a function's only binding is its trigger; what it writes, commit.py writes"
        triggers[function.get_function_name()] = bindings[0]
    assert set(triggers) == {"preprocess", "classify", "work", "poison", "sweep"}
    assert {triggers[name]["source"] for name in ("preprocess", "classify")} == {"EventGrid"}
    assert triggers["preprocess"]["path"] == "%UPLOADS_CONTAINER%/{name}"
    assert triggers["classify"]["path"] == "%STAGING_CONTAINER%/{name}"


def test_modules_hold_one_idea() -> None:
    for room in ALLOWED:
        for path in modules(room):
            assert len(path.read_text().splitlines()) <= 400, path
    assert len((ROOT / "function_app.py").read_text().splitlines()) <= 120
