"""What is deployed holds what its process imports, and nothing else."""

import ast
import json
import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest

from imagestore.settings import ROOT
from infra.package import PACKAGES, Package, build

MOST_BYTES = {"function": 25_000_000, "web": 30_000_000, "jobs": 25_000_000}
OURS = ("function_app", "imagestore", "preprocess", "classify", "model")
NEVER = {"tests", "bench", "docs", "samples", "training", "evaluation", "cli", "local", "node_modules", "__pycache__"}


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    (folder / "function").mkdir()
    (folder / "function" / "left from before.py").touch()
    subprocess.run([sys.executable, ROOT / "infra" / "package.py", "--to", folder], check=True, capture_output=True)
    return folder


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", MOST_BYTES)
def test_a_package_is_small_and_holds_nothing_for_developers(dist: Path, name: str) -> None:
    found = files(dist / name)
    never = NEVER - {"training", "evaluation"} if name == "jobs" else NEVER
    assert not [file for file in found if never & set(Path(file).parts)]
    assert "left from before.py" not in found
    assert sum((dist / name / file).stat().st_size for file in found) <= MOST_BYTES[name]
    suffixes = {Path(file).suffix for file in found}
    assert suffixes <= {".py", ".json", ".txt", ".onnx", ".html", ".css", ".js", ".svg", ".ico"}


def test_the_function_app_has_what_azure_functions_looks_for(dist: Path) -> None:
    found = files(dist / "function")
    assert {"function_app.py", "host.json", "requirements.txt", "model/default/model.onnx"} <= found
    assert (dist / "function" / "requirements.txt").read_text() == (ROOT / "requirements.txt").read_text()
    assert not [file for file in found if file.startswith("imagestore/web")]


def test_a_second_build_leaves_the_folder_that_azd_may_be_copying_as_it_is(tmp_path: Path) -> None:
    folder = build("function", tmp_path / "function")
    (folder / "function_env").mkdir()
    (
        folder / "function_env" / "pyvenv.cfg"
    ).touch()  # azd makes one beside the files and leaves it out of what it sends
    before = {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.rglob("*")}
    assert build("function", folder) == folder
    assert {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.rglob("*")} == before


@pytest.mark.parametrize("change", ["another", "more", "less"])
def test_a_folder_that_holds_anything_else_is_replaced_whole(tmp_path: Path, change: str) -> None:
    folder = build("function", tmp_path / "function")
    wanted = files(folder)
    if change == "less":
        (folder / "host.json").unlink()
    else:
        (folder / ("host.json" if change == "another" else "more.py")).write_text("{}")
    build("function", folder)
    assert files(folder) == wanted
    assert (folder / "host.json").read_bytes() == (ROOT / "host.json").read_bytes()
    assert {path.name for path in tmp_path.iterdir() if path.is_dir()} == {"function"}


def test_a_build_that_fails_leaves_the_one_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = build("function", tmp_path / "function")
    before = files(folder)
    monkeypatch.setitem(PACKAGES, "function", Package(("host.json",), ("no such requirements.txt",)))
    with pytest.raises(FileNotFoundError):
        build("function", folder)
    assert files(folder) == before
    assert {path.name for path in tmp_path.iterdir() if path.is_dir()} == {"function"}


@pytest.mark.parametrize("name", MOST_BYTES)
def test_a_package_names_each_library_that_it_imports_by_itself(dist: Path, name: str) -> None:
    """What comes only with another library may go, or change, with that one's next version."""
    imported: set[str] = set()
    for path in (dist / name).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {one.name.partition(".")[0] for one in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                imported.add(str(node.module).partition(".")[0])
    homes = packages_distributions()
    imported -= {*sys.stdlib_module_names, *OURS, "azure", "azurefunctions"}  # of these two each part is a library
    pinned = {
        re.split("==|\\[", line)[0].strip().lower().replace("_", "-")
        for line in (dist / name / "requirements.txt").read_text().splitlines()
        if "==" in line
    }
    missing = {one for one in imported if not {home.lower().replace("_", "-") for home in homes[one]} & pinned}
    assert not missing


def said_in(package: Path, program: str) -> Any:
    """The value that a program prints last, with this package as the only code of ours on its path."""
    alone = (
        "import os, sys; sys.path[:] = [p for p in sys.path if p and not os.path.exists(p + '/function_app.py')]; "
        "sys.meta_path[:] = [f for f in sys.meta_path if 'editable' not in repr(f).lower()]; "
        f"sys.path.insert(0, {str(package)!r})\n"
    )
    values = json.loads((ROOT / "local.settings.example.json").read_text())["Values"]
    done = subprocess.run(
        [sys.executable, "-c", alone + program],
        env=values, cwd=package.parent, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return ast.literal_eval(done.stdout.strip().splitlines()[-1])


ENTRY = {
    "function": "function_app",
    "web": "imagestore.web.app",
    "jobs": "model.job_runner, model.job_child, model.versions, model.promote, model.model_child",
}


@pytest.mark.parametrize("name", ENTRY)
def test_a_package_imports_from_its_own_folder_alone(dist: Path, name: str) -> None:
    """With our own code nowhere else on the path; what is installed may be used."""
    loaded: list[str] = said_in(
        dist / name,
        f"import {ENTRY[name]}; "
        "print([m.__file__ for n, m in sys.modules.items() "
        f"if n.split('.')[0] in {OURS!r} and m.__file__])",
    )
    assert loaded
    assert all(Path(file).is_relative_to(dist / name) for file in loaded)
