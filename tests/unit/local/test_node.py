"""Node.js and its modules: what is missing is said with the remedy."""

from pathlib import Path

import pytest

from imagestore.errors import MissingPrerequisite
from imagestore.local import node
from imagestore.local.node import demand_modules, demand_node


def program(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text("#!/bin/sh\n" + script)
    path.chmod(0o700)


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """As where pip installed the package, with nothing else on the path; the folder for the modules."""
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/bin:/usr/bin")
    (tmp_path / "bin").mkdir()
    monkeypatch.setattr(node, "IS_CHECKOUT", False)
    monkeypatch.setattr(node, "node_folder", lambda: tmp_path / "node")
    return tmp_path / "node"


def test_an_old_node_is_named(installed: Path) -> None:
    program(installed.parent / "bin", "node", "echo v18.19.0")
    with pytest.raises(MissingPrerequisite, match=r"Node.js is v18.19.0; 20 or newer is needed: https://nodejs.org."):
        demand_node()


def test_an_installed_package_gets_its_modules_once_and_anew_when_others_are_wanted(installed: Path) -> None:
    install = "mkdir -p node_modules/azurite; touch node_modules/.package-lock.json; echo once >> ../calls"
    program(installed.parent / "bin", "npm", install)
    told: list[str] = []
    for _ in range(2):
        assert demand_modules(told.append) == installed / "node_modules"
    assert len(told) == 1
    (installed / "package-lock.json").write_text("{}")  # as an older version left it
    demand_modules(told.append)
    assert (installed.parent / "calls").read_text() == "once\n" * 2


def test_what_npm_says_is_passed_on(installed: Path) -> None:
    program(installed.parent / "bin", "npm", "echo no network >&2; exit 7")
    with pytest.raises(MissingPrerequisite, match=r"ended with 7\.\nno network"):
        demand_modules(lambda what: None)


def test_a_checkout_leaves_it_to_make(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node, "IS_CHECKOUT", True)
    with pytest.raises(MissingPrerequisite, match="run make setup"):
        demand_modules(lambda what: None)
