"""imagestore train --on azureml: the same training on a cluster of Azure Machine Learning."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import typer

from imagestore.cli import stores
from imagestore.cli.output import errors as screen
from imagestore.cli.output import safe
from imagestore.errors import NotSubmitted, SettingsError
from imagestore.jobs.job import HowToTrain
from imagestore.settings import Settings
from imagestore.settings.pictures import PictureSettings

if TYPE_CHECKING:
    from model.azureml.specification import Specification

_ADDRESSES = {
    "IMAGES_STORAGE": ("IMAGES_STORAGE__blobServiceUri", "IMAGES_STORAGE__queueServiceUri"),
    "COSMOS": ("COSMOS__accountEndpoint",),
}
_OF_THIS_MACHINE = {"model", "instance_memory_mb"}
"""Settings that speak of where the function app runs."""


@dataclass(frozen=True)
class Workspace:
    """Where a job is submitted; what is not configured is empty."""

    subscription_id: str
    resource_group: str
    name: str


@dataclass(frozen=True)
class Labelled:
    """Labelled pictures that are given beside those in the stores: folders, or addresses in Azure."""

    folders: Sequence[str]
    negatives: Sequence[str]


def train_there(
    project: str, arguments: Sequence[str], given: Labelled, *, dry_run: bool, write: Path | None = None
) -> None:
    """Submit the job that runs `imagestore train` with these arguments, or with `dry_run` print what would be submitted
    and what is missing for that. `write` is a folder that gets it as files.

    Raises SettingsError, UnreadableFile, NotSubmitted.
    """
    from model.azureml.specification import Cluster, specification

    environment = stores.environment()
    settings = Settings.read(environment)
    workspace = Workspace(
        settings.azureml_subscription_id or os.environ.get("AZURE_SUBSCRIPTION_ID", ""),
        settings.azureml_resource_group or os.environ.get("AZURE_RESOURCE_GROUP", ""),
        settings.azureml_workspace,
    )
    variables = _variables(environment, settings)
    cluster = Cluster(settings.azureml_compute, settings.azureml_client_id)
    found = specification(project, arguments, variables, cluster, folders=given.folders, negatives=given.negatives)
    python = settings.azureml_python or sys.executable
    missing = _missing(environment, workspace, python)
    if write is not None:
        found.write(write)
    if dry_run:
        typer.echo(_overview(found, workspace, settings, project, given) + found.text(), nl=False)
        if missing:
            lines = "\n".join(f"- {line}" for line in missing)
            screen.print(
                safe(f"To submit it:\n{lines}", keep_lines=True), markup=False, highlight=False, soft_wrap=True
            )
        return
    if missing:
        raise SettingsError(" ".join(["The training was not submitted.", *missing]))
    job = _submitted(found, workspace, python)
    typer.echo(f"Submitted as {job['name']}: {job['url']}")
    typer.echo("Once it has ended, imagestore models lists the new version, and imagestore promote takes it into use.")


def arguments_of(how: HowToTrain, *, by_folder: bool, relabel: bool) -> list[str]:
    """The options of `imagestore train` that say this; what the training chooses is left to it."""
    found = []
    for value, yes, no in (
        (how.colour, "--colour", "--gray"),
        (how.level, "--level", "--no-level"),
        (how.middle, "--middle-layers", "--no-middle-layers"),
        (how.same_case, "--same-case", "--different-case"),
    ):
        if value is not None:
            found.append(yes if value else no)
    for name, text in (
        ("--fit", how.fit),
        ("--backbone", how.backbone),
        ("--views", how.views),
        ("--balance", how.balance),
        ("--right", how.right),
        ("--seed", how.seed),
    ):
        if text is not None:
            found += [name, str(text)]
    for is_wanted, name in ((how.flip, "--flip"), (by_folder, "--by-folder"), (relabel, "--relabel")):
        if is_wanted:
            found.append(name)
    return found


def _variables(environment: dict[str, str], settings: Settings) -> dict[str, str]:
    """What the job is told of the stores: where they are, never a key, and settings of pictures that are not the
    default."""
    addresses = [name for names in _ADDRESSES.values() for name in names]
    found = {name: environment[name] for name in addresses if environment.get(name)}
    for field in fields(PictureSettings):
        value = getattr(settings, field.name)
        if field.name not in _OF_THIS_MACHINE and value != field.default:
            found[field.name.upper()] = str(value)
    return found


def _missing(environment: dict[str, str], workspace: Workspace, python: str) -> list[str]:
    """What has to be done before a job can be submitted, a sentence each."""
    found = []
    for name, needed in _ADDRESSES.items():
        lacking = [each for each in needed if not environment.get(each)]
        if environment.get(name):
            found.append(
                f"{name} is a connection string, whose key all who see the job could read, and which may lead to an "
                f"emulator: set {' and '.join(needed)} instead, with which the job signs in as the cluster."
            )
        elif lacking:
            found.append(f"Set {' and '.join(lacking)}: the job has to reach the stores.")
    for setting, fallback, value in (
        ("AZUREML_SUBSCRIPTION_ID", " or AZURE_SUBSCRIPTION_ID", workspace.subscription_id),
        ("AZUREML_RESOURCE_GROUP", " or AZURE_RESOURCE_GROUP", workspace.resource_group),
        ("AZUREML_WORKSPACE", "", workspace.name),
    ):
        if not value:
            found.append(f"Set {setting}{fallback}, which is empty (docs/azure-ml.md).")
    if problem := _lacks_sdk(python):
        found.append(problem)
    return found


def _lacks_sdk(python: str) -> str | None:
    """Why this Python cannot submit; None if it can."""
    look = "import importlib.util, sys; sys.exit(importlib.util.find_spec('azure.ai.ml') is None)"
    install = (
        "Install it in an environment of its own (python -m venv azureml; azureml/bin/pip install azure-ai-ml) and set "
        "AZUREML_PYTHON=azureml/bin/python, or have --write and az ml submit it."
    )
    try:
        done = subprocess.run([python, "-c", look], env=_environment(), capture_output=True, check=False)
    except OSError as error:
        return f"AZUREML_PYTHON is '{python}', which cannot be run: {error.strerror}. {install}"
    return f"The package azure-ai-ml is not installed for {python}. {install}" if done.returncode else None


def _environment() -> dict[str, str]:
    """The environment of another Python: what concerns ours is left out."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


def _submitted(found: "Specification", workspace: Workspace, python: str) -> dict[str, str]:
    """The name and the address of the job. Raises NotSubmitted."""
    from model.azureml import submit

    with TemporaryDirectory(prefix="imagestore-azureml-") as folder:
        found.write(Path(folder))
        command = [
            python, submit.__file__, folder, workspace.subscription_id, workspace.resource_group, workspace.name
        ]  # fmt: skip
        done = subprocess.run(command, env=_environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotSubmitted(f"Azure Machine Learning did not take the training: {done.stderr.strip()[-2000:]}")
    job: dict[str, str] = json.loads(done.stdout.strip().splitlines()[-1])
    return job


def _overview(found: "Specification", workspace: Workspace, settings: Settings, project: str, given: Labelled) -> str:
    """What the documents below it come to, as comments of YAML."""
    from model.azureml.specification import size_of_code

    files, size_bytes = size_of_code()
    where = (
        f"workspace {workspace.name or '?'}, resource group {workspace.resource_group or '?'}, "
        f"subscription {workspace.subscription_id or '?'}"
    )
    cluster = settings.azureml_client_id or "the cluster's own"
    more = [*given.folders, *given.negatives]
    lines = {
        "Compute": f"{settings.azureml_compute} ({where})",
        "Code": f"{files} files of this installation, {size_bytes / 1e6:.1f} MB",
        "Data": f"the labelled pictures and corrections of the project {project}"
        + (f", and {', '.join(more)}" if more else ""),
        "Environment": found.environment_name,
        "Identity": f"managed, {cluster}",
        "Keeps": f"the next version of {project} in the container {settings.models_container}",
    }
    return "".join(f"# {f'{name}:':13}{safe(text)}\n" for name, text in lines.items())
