"""The docs name everything that there is, and link only to what exists."""

import re
from pathlib import Path

import pytest

from classify import load_model
from cli.main import app
from errors import Reason
from record import Status
from settings import AZURITE, COSMOS_EMULATOR, ROOT
from unit.test_classify import tiny
from web import pages
from web.app import create_app
from web.openapi import describe

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


def test_reasons_statuses_and_commands_are_in_the_docs() -> None:
    text = "\n".join(page.read_text() for page in PAGES)
    for name in (*Reason, *Status, *(f"imagestore {command.callback.__name__}" for command in app.registered_commands)):
        assert str(name) in text, name


def test_every_route_is_in_the_docs() -> None:
    text = (ROOT / "docs" / "web.md").read_text()
    app = create_app({"IMAGES_STORAGE": AZURITE, "COSMOS": COSMOS_EMULATOR})
    for address, operations in describe(app)["paths"].items():
        for method in operations:
            assert f"{method.upper()} {address}" in text or method == "delete", (method, address)
    for route in pages.router.routes:
        assert f"`{route.path}`" in text or route.path == "/cards/{id}", route.path
    app.state.site.close()


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
