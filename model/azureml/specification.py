"""What Azure Machine Learning is asked to run: `imagestore train`, as a command job in an environment of its own.

What is the same for every training stands in job.yml, environment.yml and conda.yml beside this module, in the schema
of Azure Machine Learning's CLI v2.
"""

import hashlib
import re
import shlex
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from imagestore import __version__
from imagestore.errors import SettingsError, UnreadableFile

_HERE = Path(__file__).parent
_ROOT = _HERE.parents[1]
_CODE = ("classify", "imagestore", "model", "preprocess")
_LEFT_OUT = {
    _ROOT / "imagestore": {"app", "samples", "web"},  # nothing that trains imports the pages
    _ROOT / "imagestore" / "local": {"node_modules"},
}
_ELSEWHERE = re.compile(r"azureml:|[a-z][a-z0-9+.-]+://")
_EXPRESSION = "${{"
"""How Azure Machine Learning's own expressions begin, in whatever text of a job."""


@dataclass(frozen=True)
class Cluster:
    """The name of a cluster in its workspace, and the client id of one of its identities; if that is empty, its own."""

    name: str
    client_id: str = ""


@dataclass(frozen=True)
class Specification:
    """A job, its environment, and the libraries in that, as the YAML files that `az ml` and azure-ai-ml read."""

    job: Mapping[str, Any]
    environment: Mapping[str, Any]
    libraries: Mapping[str, Any]

    @property
    def environment_name(self) -> str:
        """The environment with its version: the same libraries and image have the same version."""
        return f"{self.environment['name']}:{self.environment['version']}"

    def text(self) -> str:
        """The three files as documents of one YAML text."""
        documents = {"environment.yml": self.environment, "conda.yml": self.libraries, "job.yml": self.job}
        return "".join(f"---  # {name}\n{_yaml(content)}" for name, content in documents.items())

    def write(self, folder: Path) -> None:
        """Write the three files into a folder that is empty or not there yet, and the code of this installation beside
        them. Raises UnreadableFile if something is in there, or if it cannot be written."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if any(folder.iterdir()):
                raise UnreadableFile(f"{folder} is not empty: name a folder that is, or that is not there yet.")
            (folder / "environment.yml").write_text(_yaml(self.environment), "utf-8")
            (folder / "conda.yml").write_text(_yaml(self.libraries), "utf-8")
            (folder / "job.yml").write_text(_yaml(self.job), "utf-8")
            _copy_code(folder / str(self.job["code"]))
        except OSError as error:
            raise UnreadableFile(f"{folder} cannot be written: {error.strerror}.") from None


def specification(
    project: str,
    arguments: Sequence[str],
    variables: Mapping[str, str],
    cluster: Cluster,
    *,
    folders: Sequence[str] = (),
    negatives: Sequence[str] = (),
) -> Specification:
    """The job that runs `imagestore train` with these arguments for a project, with these environment variables.

    `folders` and `negatives` are labelled pictures beside those that the stores hold: folders of this machine, which
    Azure Machine Learning uploads, or addresses that it knows (`azureml:…`, `azureml://…`, `https://…`). The job gets
    them downloaded. Raises UnreadableFile if a folder is not there, SettingsError if a text would mean something to
    Azure Machine Learning.
    """
    environment, libraries = _read("environment.yml"), _read("conda.yml")
    whole = hashlib.sha256((_yaml(environment) + _yaml(libraries)).encode()).hexdigest()
    environment["version"] = f"v{whole[:12]}"  # else it could be read as a number
    inputs: dict[str, Any] = {}
    given = ["--project", project, *arguments]
    for text in (*given, *variables.values()):
        if _EXPRESSION in text:
            raise SettingsError(f"'{text}' has '{_EXPRESSION}' in it, which Azure Machine Learning takes for its own.")
    words = [shlex.quote(text) for text in given]
    for option, name, paths in (("", "pictures", folders), ("--negative ", "negative", negatives)):
        for number, path in enumerate(paths, 1):
            inputs[f"{name}_{number}"] = {"type": "uri_folder", "path": _address(path), "mode": "download"}
            words.append(f'{option}"${{{{inputs.{name}_{number}}}}}"')
    job = _read("job.yml")
    job |= {
        "display_name": f"imagestore train: {project}",
        "tags": {"project": project, "imagestore": __version__},
        "command": " ".join([job["command"], *words]),
        "environment": f"azureml:{environment['name']}:{environment['version']}",
        "compute": f"azureml:{cluster.name}",
        "environment_variables": dict(variables),
    }
    if inputs:
        job["inputs"] = inputs
    if cluster.client_id:
        job["identity"] = {**job["identity"], "client_id": cluster.client_id}
        job["environment_variables"]["AZURE_CLIENT_ID"] = cluster.client_id
    return Specification(job, environment, libraries)


def size_of_code() -> tuple[int, int]:
    """How many files of this installation a job is sent, and their bytes together."""
    sizes = [path.stat().st_size for room in _CODE for path in _files(_ROOT / room)]
    return len(sizes), sum(sizes)


def _address(path: str) -> str:
    if _ELSEWHERE.match(path):
        return path
    folder = Path(path).absolute()
    if not folder.is_dir():
        raise UnreadableFile(f"{path} is no folder of this machine, and no address that Azure Machine Learning knows.")
    return str(folder)


def _copy_code(to: Path) -> None:
    for room in _CODE:
        for path in _files(_ROOT / room):
            target = to / path.relative_to(_ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)


def _files(folder: Path) -> list[Path]:
    """What a job needs of a folder of code, in the order of the names."""
    left_out = {"__pycache__", *_LEFT_OUT.get(folder, ())}
    found = []
    for path in sorted(folder.iterdir()):
        if path.name in left_out:
            continue
        found += _files(path) if path.is_dir() else [path]
    return found


def _read(name: str) -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((_HERE / name).read_text("utf-8"))
    return read


def _yaml(content: Mapping[str, Any]) -> str:
    return yaml.safe_dump(dict(content), sort_keys=False, allow_unicode=True, width=120)
