"""What import-linter cannot say of the architecture: see the contracts in pyproject.toml, which `make check` holds."""

import ast
import builtins
import json
import re
import sys
import tomllib
from pathlib import Path

import pytest

from imagestore.settings import ROOT

ROOMS = ("classify", "imagestore", "model", "preprocess", "function_app")
SET_UP = re.compile(r"\b(SessionOptions|InferenceSession)\(")
LIBRARIES = {"PIL", "numpy", "onnxruntime", "pi_heif"}


def modules(room: str) -> list[Path]:
    single = ROOT / f"{room}.py"
    found = [single] if single.exists() else sorted((ROOT / room).rglob("*.py"))
    return [path for path in found if "node_modules" not in path.parts]


def imports(path: Path) -> set[str]:
    """Modules of ours by their whole name, others by their first part."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return {name if name.split(".")[0] in ROOMS else name.split(".")[0] for name in found}


def test_preprocess_and_classify_need_three_libraries_and_no_more() -> None:
    """import-linter forbids what is named; this allows what is named."""
    for room in ("preprocess", "classify"):
        for path in modules(room):
            foreign = {name.split(".")[0] for name in imports(path)} - set(sys.stdlib_module_names)
            assert foreign <= LIBRARIES | {"preprocess", "classify"}, path


def test_the_function_app_needs_its_context_the_pipeline_and_telemetry_alone() -> None:
    """It is no package, so import-linter does not see it."""
    ours = {name for name in imports(ROOT / "function_app.py") if name.split(".")[0] in ROOMS}
    ours -= {"imagestore.configure", "imagestore.store.triggered_blob", "imagestore.telemetry"}
    assert all(name.split(".")[:2] == ["imagestore", "pipeline"] for name in ours), ours


def test_every_process_that_is_started_has_a_contract() -> None:
    """What runs as `python -m MODULE` is reached by no import; the contracts in pyproject.toml name each."""
    started = set()
    for room in ROOMS:
        for path in modules(room):
            started |= set(re.findall(r'"-m",\s*"([\w.]+)"', path.read_text()))
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    held = {module for contract in contracts for module in contract.get("source_modules", [])}
    for module in started:
        assert any(module == name or module.startswith(name + ".") for name in held), module


def test_every_public_error_stands_in_one_of_the_three_trees() -> None:
    """What a caller can meet is read in one place; only an answer of the web app is elsewhere."""
    home = {"imagestore/errors.py", "preprocess/errors.py", "classify/errors.py"}
    classes: dict[str, tuple[str, set[str]]] = {}
    for path in (path for room in ROOMS for path in modules(room)):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                bases = {ast.unparse(base).split(".")[-1] for base in node.bases}
                classes[node.name] = (path.relative_to(ROOT).as_posix(), bases)
    known = {name for name, kind in vars(builtins).items() if isinstance(kind, type) and issubclass(kind, Exception)}
    while found := {name for name, (_, bases) in classes.items() if name not in known and bases & known}:
        known |= found
    ours = {name: place for name, (place, _) in classes.items() if name in known and not name.startswith("_")}
    assert {name for name, place in ours.items() if place not in home} == {"ApiProblem"}
    tree = (ROOT / "imagestore" / "errors.py").read_text().split('"""')[1]
    assert [name for name in ours if not re.search(rf"\b{name}\b", tree)] == []


def test_the_web_apps_questions_to_its_index_stand_in_modules_of_their_own() -> None:
    """Pages and API ask alike, since neither has a query of its own."""
    asking = {path.name for path in modules("imagestore") if "web" in path.parts and "SELECT " in path.read_text()}
    assert asking == {
        "index.py",
        "training_queries.py",
        "queries.py",
        "counting.py",
        "tallies.py",
        "likeness.py",
        "watching.py",
    }


def test_how_onnx_runtime_is_set_up_stands_in_one_module() -> None:
    alone = ROOT / "classify" / "portable" / "predict.py"  # goes with an exported model, and has nothing of ours
    sources = [path for room in (*ROOMS, "bench") for path in modules(room) if path != alone]
    assert {path.name for path in sources if SET_UP.search(path.read_text())} == {"session.py"}


def test_only_commit_writes_records_and_results() -> None:
    writes = re.compile(r"(records\.write|results\.(put|delete|overwrite)|uploads\.tag)\(")
    for room in ("imagestore", "model", "function_app"):
        for path in modules(room):
            if path.name != "commit.py":
                assert not writes.search(path.read_text()), path


def test_only_what_sets_up_a_stack_makes_containers_queues_or_databases() -> None:
    """In Azure the roles for data do not suffice for it, and the apps have no others."""
    makes = re.compile(r"\.(?:create|delete)_(?:database|container|queue)\w*\b|\.(?:list_containers|list_queues)\b")
    for room in ROOMS:
        for path in modules(room):
            text = path.read_text()
            if path.name == "connect.py":
                before, creating = text.split("\ndef create(")
                text = before + creating.split("\ndef _blob_service(")[1]
                assert not re.search(r"delete_(?:database|container|queue)", creating)
            assert not makes.search(text), path


def test_the_function_app_is_what_the_design_says(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in json.loads((ROOT / "local.settings.example.json").read_text())["Values"].items():
        monkeypatch.setenv(name, value)
    import function_app

    triggers = {}
    for function in function_app.app.get_functions():
        bindings = [json.loads(raw) for raw in function.get_raw_bindings()]
        assert len(bindings) == 1, "a function's only binding is its trigger; what it writes, commit.py writes"
        triggers[function.get_function_name()] = bindings[0]
    assert set(triggers) == {"preprocess", "classify", "work", "poison", "sweep", "dead_letters"}
    assert {triggers[name]["source"] for name in ("preprocess", "classify")} == {"EventGrid"}
    assert triggers["preprocess"]["path"] == "%UPLOADS_CONTAINER%/{name}"
    assert triggers["classify"]["path"] == "%STAGING_CONTAINER%/{name}"


def test_modules_hold_one_idea() -> None:
    for room in ROOMS:
        for path in modules(room):
            assert len(path.read_text().splitlines()) <= 400, path
    assert len((ROOT / "function_app.py").read_text().splitlines()) <= 120
