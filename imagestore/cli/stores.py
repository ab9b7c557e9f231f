"""Which stores a command uses: those of the chosen local stack, of the environment, or of a file."""

import os
import shlex
from collections.abc import Mapping
from pathlib import Path

from imagestore.cli import servers
from imagestore.cli.options import DATA_VARIABLE, chosen_folder
from imagestore.configure import open_stores
from imagestore.errors import SettingsError
from imagestore.local.places import LOCAL_SETTINGS, default_data
from imagestore.local.running import RunningStack, running_stacks, stack_in
from imagestore.settings import AZURITE, CONNECTIONS, COSMOS_EMULATOR, Settings, concerns_us, read_local_settings
from imagestore.store import Stores

_EMULATORS = {"IMAGES_STORAGE": AZURITE, "COSMOS": COSMOS_EMULATOR}
"""An emulator on the usual ports."""


def opened() -> Stores:
    """The stores that this command uses. Raises SettingsError."""
    return open_stores(environment())


def settings() -> Settings:
    """The settings of the stores that this command uses. Raises SettingsError."""
    return Settings.read(environment())


def environment() -> dict[str, str]:
    """Connections and settings as environment variables. Raises SettingsError, also where a distant web app was named.

    The first of these sources that has them is used: the stack that `--data` names; connections and settings in the
    environment; the stack that IMAGESTORE_DATA names, else the one with the default data folder; local.settings.json;
    an emulator on the usual ports.
    """
    servers.demand_none()
    folder = chosen_folder()
    if folder is not None and folder.is_by_option:
        return dict(_demanded(folder.path).environment)
    given = {key: value for key, value in os.environ.items() if concerns_us(key)}
    file = read_local_settings(LOCAL_SETTINGS)
    found = _EMULATORS | file
    if not _names_connections(given):
        if folder is not None:
            found |= _demanded(folder.path).environment
        elif stack := stack_in(default_data()):
            found |= stack.environment
        elif _means_an_emulator(file) and running_stacks():
            raise _not_running(default_data())  # the usual ports may well be another stack's
    found |= given
    for name in CONNECTIONS:  # an identity given by a nearer source replaces a connection string from a farther one
        if name not in given and any(key.startswith(name + "__") for key in given):
            found.pop(name, None)
    return found


def how_to_name_those_that_run() -> str:
    """The stacks that run, a line each with the option that names it; empty where none runs."""
    lines = [f"  --data {shlex.quote(str(stack.folder))}   ({stack.address})" for stack in running_stacks()]
    return "\n".join([f"Running, and to be named by --data or by {DATA_VARIABLE}:", *lines]) if lines else ""


def _demanded(folder: Path) -> RunningStack:
    stack = stack_in(folder)
    if stack is None:
        raise _not_running(folder)
    return stack


def _not_running(folder: Path) -> SettingsError:
    """A message that names the stacks that are running, and how to choose one."""
    message = f"No Intelligent Storage runs with its data in {folder}."
    others = how_to_name_those_that_run() or f"Start it: imagestore run --data {shlex.quote(str(folder))}"
    return SettingsError(f"{message} {others}")


def _means_an_emulator(file: Mapping[str, str]) -> bool:
    """Whether local.settings.json leaves the pictures or the records with an emulator on the usual ports, as a copy of
    the example does."""
    return any(
        file.get(name, usual) == usual and not any(key.startswith(name + "__") for key in file)
        for name, usual in _EMULATORS.items()
    )


def _names_connections(values: Mapping[str, str]) -> bool:
    return any(key.split("__")[0] in ("IMAGES_STORAGE", "COSMOS") for key in values)
