"""The docs name everything that there is, and link only to what exists."""

import ast
import re
import shlex
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest
from click import ClickException
from fastapi.routing import APIRoute
from typer.main import get_command

from classify import load_model
from imagestore.cli.main import app
from imagestore.record import Status
from imagestore.settings import AZURITE, COSMOS_EMULATOR, ROOT
from imagestore.store import StoredRecord
from imagestore.web import pages
from imagestore.web.app import create_app
from imagestore.web.openapi import describe
from imagestore.web.pages import pictures
from preprocess import Reason
from unit.classify.test_model import tiny

PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "model" / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_the_tests_that_the_docs_name_exist() -> None:
    named = [
        path
        for page in PAGES
        for quoted, bare in re.findall(r"make test TESTS=(?:\"([^\"]+)\"|([^`\s]+))", page.read_text())
        for path in (quoted or bare).split()
    ]
    assert len(named) >= 10
    assert not [path for path in named if not (ROOT / path).exists()]


def test_reasons_statuses_and_commands_are_in_the_docs() -> None:
    text = "\n".join(page.read_text() for page in PAGES)
    commands = [command.callback.__name__ for command in app.registered_commands if command.callback]
    for name in (*Reason, *Status, *(f"imagestore {command}" for command in commands)):
        assert str(name) in text, name


def commands_shown() -> list[tuple[str, list[str]]]:
    """Each command `imagestore …` in a block of shell of the docs, with its page."""
    found = []
    for page in PAGES:
        for block in re.findall(r"```sh\n(.*?)```", page.read_text(), re.DOTALL):
            lines = block.replace("\\\n", " ").splitlines()
            shown = filter(
                None, (re.match(r"(?:[A-Z_]+=\S+ )*(?:\.venv/bin/)?imagestore (.*)", line) for line in lines)
            )
            found += [(page.name, shlex.split(re.split(r" [|>&]", one[1])[0], comments=True)) for one in shown]
    return found


def test_the_commands_that_the_docs_show_are_understood(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "mine.json").touch()
    monkeypatch.chdir(tmp_path)
    shown = commands_shown()
    assert len(shown) > 50
    for page, arguments in shown:
        command, context, name, left = get_command(app), None, "imagestore", arguments
        try:
            while True:
                context = command.make_context(name, list(left), parent=context)
                left = [*context._protected_args, *context.args]
                if not left or not hasattr(command, "resolve_command"):
                    break
                _, command, left = command.resolve_command(context, left)
                name = str(command.name)
        except ClickException as error:
            pytest.fail(f"{page}: {' '.join(arguments)}: {error.format_message()}")


def test_the_walk_of_an_upload_names_what_there_is() -> None:
    text = (ROOT / "docs" / "design.md").read_text()
    steps = re.findall(r"(?m)^\d+\. `([^`]+\.py)` `([^`]+)`: ", text)
    assert len(steps) == 10
    for file, name in steps:
        found = ast.parse((ROOT / file).read_text())
        *classes, function = name.split(".")
        for one in classes:
            (found,) = (node for node in found.body if isinstance(node, ast.ClassDef) and node.name == one)
        assert function in {node.name for node in found.body if isinstance(node, ast.FunctionDef)}, f"{file} {name}"


def documented_routes(text: str) -> set[tuple[str, str]]:
    """(method, address) of each route in the first column of a table; `…` is the address before."""
    found: set[tuple[str, str]] = set()
    for cell in re.findall(r"(?m)^\|([^|]*)\|", text):
        last = ""
        for method, address in re.findall(r"`([A-Z]+) (/[^`?]*|…)[^`]*`", cell):
            last = last if address == "…" else address
            found.add((method, last))
    return found


def test_documented_routes_are_read_as_a_person_reads_them() -> None:
    text = "| `PUT /a/{id}`, `DELETE …` | Sets, takes back |\n| `GET /b?name=` | Shows `DELETE /c` |"
    assert documented_routes(text) == {("PUT", "/a/{id}"), ("DELETE", "/a/{id}"), ("GET", "/b")}


def test_the_docs_have_every_route_and_no_other() -> None:
    text = (ROOT / "docs" / "web.md").read_text()
    app = create_app({"IMAGES_STORAGE": AZURITE, "COSMOS": COSMOS_EMULATOR})
    described = {
        (method.upper(), address) for address, operations in describe(app)["paths"].items() for method in operations
    }
    assert documented_routes(text) - {("GET", "/api/v1/openapi.json")} == described
    for route in pictures.router.routes:
        assert isinstance(route, APIRoute)
        assert f"`{route.path}`" in text or route.path == "/cards/{id}", route.path
    app.state.services.close()


UNPICTURED = {
    "/account/data": "a file", "/models/{name}/{version}/report": "a file", "/favicon.ico": "a file",
    "/cards/{id}": "part of a page", "/models/job": "part of a page",
    "/sign-in/openid": "leads elsewhere", "/sign-in/openid/back": "leads elsewhere",
    "/sign-in/openid/{id}": "leads elsewhere", "/sign-in/openid/{id}/back": "leads elsewhere",
    "/api/docs": "Swagger UI", "/sign-out": "a button", "/account/delete": "a question",
    "/people/{id}/delete": "a question", "/reset": "as /invitation", "/sign-up": "as /invitation",
    "/sign-in/forgotten": "as /sign-in",
}  # fmt: skip
"""What people open by a GET that has no picture in docs/pages.md, and what it is instead of a page of its own."""


def test_every_page_is_shown_with_a_picture() -> None:
    rows = re.findall(r"^\| \*\*.+?\*\* `(/\S*)` \| (.+) \|$", (ROOT / "docs" / "pages.md").read_text(), re.MULTILINE)
    modules = [import_module(f"imagestore.web.pages.{one.name}") for one in iter_modules(pages.__path__)]
    opened = {
        route.path
        for module in modules
        for route in (module.router.routes if hasattr(module, "router") else [])
        if isinstance(route, APIRoute) and "GET" in (route.methods or ())
    }
    assert len(opened) > 30
    assert {address for address, _ in rows} | UNPICTURED.keys() == opened
    for address, shown in rows:
        files = re.findall(r"!\[[^]]+\]\(([\w-]+\.webp)\)", shown)
        assert files, address
        assert all((ROOT / "docs" / file).is_file() for file in files), files


def test_a_file_that_the_docs_name_is_there() -> None:
    named = (
        r"`((?:bench|classify|docs|imagestore|infra|model|preprocess|samples|tests)/[\w./-]+\.(?:py|json|bicep|sh|md))`"
    )
    for page in PAGES:
        for file in re.findall(named, page.read_text("utf-8")):
            assert (ROOT / file).exists(), f"{page.name} names {file}"


def test_what_an_item_has_beside_the_record_is_in_the_docs() -> None:
    beside = {field.name for field in fields(StoredRecord)} - {"record", "etag"}
    text = (ROOT / "docs" / "records.md").read_text("utf-8")
    assert {name for name in beside if f"`{name}`" not in text} == set()


def test_formats_in_the_docs_are_those_of_the_code() -> None:
    from preprocess import formats

    assert formats.table() in (ROOT / "docs" / "formats.md").read_text()


def test_the_library_example_runs_as_it_stands(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "formats.md").read_text(), re.DOTALL)
    monkeypatch.chdir(ROOT)
    exec(compile(example, "docs/formats.md", "exec"), {})
    assert "coffee.jpg JPEG 600 400 (224, 224, 1)" in capsys.readouterr().out


def test_the_model_file_example_makes_a_model_that_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run on a model of two classes."""
    (example,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "model-file.md").read_text(), re.DOTALL)
    monkeypatch.chdir(tmp_path)
    tiny(tmp_path / "mine.onnx")
    exec(compile(example, "docs/model-file.md", "exec"), {})
    assert load_model(tmp_path / "garden.onnx").labels == ("rose", "tulip")


def test_each_threat_in_the_docs_has_tests_that_exist() -> None:
    text = (ROOT / "docs" / "security.md").read_text("utf-8").partition("\n## Threats\n")[2].partition("\n## ")[0]
    rows = [row for row in re.findall(r"(?m)^\|.*\|$", text)[2:]]
    kinds = {row.split("|")[1].strip() for row in rows}
    assert kinds == {
        "Spoofing", "Tampering", "Repudiation", "Information disclosure", "Denial of service", "Elevation of privilege",
    }  # fmt: skip
    for row in rows:
        named = re.findall(r"`([\w/]+\.py)::(test_\w+)`", row)
        assert named, row
        for file, test in named:
            found = ast.parse((ROOT / "tests" / file).read_text("utf-8"))
            assert test in {node.name for node in found.body if isinstance(node, ast.FunctionDef)}, f"{file}::{test}"
