"""Node.js and the modules that the local stack runs on it: Azurite and the engine of the local Cosmos DB."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from imagestore.errors import MissingPrerequisite
from imagestore.local.places import IS_CHECKOUT, LOCAL, node_folder

OLDEST_NODE = 20


def demand_node() -> str:
    """The path of Node.js. Raises MissingPrerequisite if there is none, or only one that is too old."""
    node = shutil.which("node")
    if node is None:
        raise MissingPrerequisite(f"Node.js is not installed; {OLDEST_NODE} or newer is needed: https://nodejs.org.")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    if int(version.lstrip("v").split(".")[0] or 0) < OLDEST_NODE:
        raise MissingPrerequisite(f"Node.js is {version}; {OLDEST_NODE} or newer is needed: https://nodejs.org.")
    return node


def demand_modules(say: Callable[[str], None]) -> Path:
    """The folder `node_modules`. An installed package installs the modules at the first call; in a checkout `make
    setup` does.

    Raises MissingPrerequisite if modules are missing and cannot be installed.
    """
    folder = node_folder()
    modules = folder / "node_modules"
    if _is_complete(modules):
        return modules
    if IS_CHECKOUT:
        raise MissingPrerequisite("Azurite is not set up: run make setup.")
    npm = shutil.which("npm")
    if npm is None:
        raise MissingPrerequisite(
            "npm is not installed; it installs Azurite, and comes with Node.js: https://nodejs.org."
        )
    say(f"Installing Azurite and the Cosmos DB engine into {folder} (half a minute, the first time) …")
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(LOCAL / name, folder / name)
    command = [npm, "ci", "--no-audit", "--no-fund", "--loglevel=error"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise MissingPrerequisite(
            f"Azurite could not be installed: npm ci in {folder} ended with {done.returncode}.\n{done.stderr.strip()}"
        )
    return modules


def _is_complete(modules: Path) -> bool:
    """Whether npm has finished: it writes this file last.

    In a folder of our own, it must also list the versions that this package wants.
    """
    if not (modules / ".package-lock.json").exists() or not (modules / "azurite").exists():
        return False
    kept, wanted = modules.parent / "package-lock.json", LOCAL / "package-lock.json"
    return IS_CHECKOUT or (kept.exists() and kept.read_bytes() == wanted.read_bytes())
