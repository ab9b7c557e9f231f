"""The job and the environment that Azure Machine Learning is asked for."""

from pathlib import Path

import pytest
import yaml

from imagestore.errors import SettingsError, UnreadableFile
from imagestore.settings import ROOT
from model.azureml import specification as module
from model.azureml.specification import Cluster, specification

CLUSTER = Cluster("four-cores")


def test_the_environment_has_the_libraries_of_the_requirement_files() -> None:
    files = ("requirements.txt", "imagestore/cli/requirements.txt", "model/requirements.txt")
    wanted = {line for file in files for line in (ROOT / file).read_text("utf-8").splitlines() if line[:1] not in "#"}
    *_, libraries = specification("mine", [], {}, CLUSTER).libraries["dependencies"]
    assert sorted(libraries["pip"]) == sorted(wanted)


def test_the_same_environment_has_the_same_version_and_another_has_another(monkeypatch: pytest.MonkeyPatch) -> None:
    one, again = (specification(project, [], {}, CLUSTER).environment_name for project in ("mine", "other"))
    assert one == again
    read = module._read
    monkeypatch.setattr(module, "_read", lambda name: read(name) | ({"channels": ["other"]} if "conda" in name else {}))
    assert specification("mine", [], {}, CLUSTER).environment_name != one


def test_the_cluster_signs_in_as_itself_or_as_the_identity_that_is_named() -> None:
    itself, named = (specification("mine", [], {}, Cluster("c", client_id)).job for client_id in ("", "0f0f"))
    assert (itself["identity"], itself["environment_variables"]) == ({"type": "managed"}, {})
    assert named["identity"] == {"type": "managed", "client_id": "0f0f"}
    assert named["environment_variables"] == {"AZURE_CLIENT_ID": "0f0f"}
    assert "DEFAULT_IDENTITY_CLIENT_ID" in itself["command"], "as Azure Machine Learning calls its own"


def test_pictures_come_as_inputs_from_here_and_from_azure(tmp_path: Path) -> None:
    there = "azureml://datastores/pictures/paths/flowers"
    job = specification("mine", ["--flip"], {}, CLUSTER, folders=[str(tmp_path), there], negatives=[there]).job
    assert job["inputs"] == {
        "pictures_1": {"type": "uri_folder", "path": str(tmp_path), "mode": "download"},
        "pictures_2": {"type": "uri_folder", "path": there, "mode": "download"},
        "negative_1": {"type": "uri_folder", "path": there, "mode": "download"},
    }
    assert job["command"].endswith(
        '--project mine --flip "${{inputs.pictures_1}}" "${{inputs.pictures_2}}" --negative "${{inputs.negative_1}}"'
    )
    assert "inputs" not in specification("mine", [], {}, CLUSTER).job


def test_a_folder_that_is_not_there_is_named() -> None:
    with pytest.raises(UnreadableFile, match=r"^no/such is no folder of this machine"):
        specification("mine", [], {}, CLUSTER, folders=["no/such"])


def test_what_a_person_wrote_is_one_word_to_the_shell_and_no_expression_to_azure() -> None:
    assert specification("a; rm b", [], {}, CLUSTER).job["command"].endswith(" train --project 'a; rm b'")
    for given in (("${{x}}", {}), ("mine", {"COSMOS_DATABASE": "${{x}}"})):
        with pytest.raises(SettingsError, match=r"^'\$\{\{x\}\}' has '\$\{\{' in it"):
            specification(given[0], [], given[1], CLUSTER)


def test_files_are_written_as_they_are_shown_with_the_code_and_nothing_that_was_there(tmp_path: Path) -> None:
    found = specification("mine", [], {}, CLUSTER)
    found.write(tmp_path / "job")
    shown = list(yaml.safe_load_all(found.text()))
    names = ("environment.yml", "conda.yml", "job.yml")
    assert [yaml.safe_load((tmp_path / "job" / name).read_text("utf-8")) for name in names] == shown
    code = tmp_path / "job" / "code"
    assert {path.name for path in code.iterdir()} == {"classify", "imagestore", "model", "preprocess"}
    held = [path for path in code.rglob("*") if path.is_file()]
    assert (len(held), sum(path.stat().st_size for path in held)) == module.size_of_code()
    assert (code / "model" / "default" / "model.onnx").exists()
    assert not (code / "imagestore" / "web").exists()
    assert not {"node_modules", "__pycache__"} & {path.name for path in code.rglob("*")}
    with pytest.raises(UnreadableFile, match="job is not empty: name a folder"):
        found.write(tmp_path / "job")
    (tmp_path / "file").touch()
    with pytest.raises(UnreadableFile, match="file cannot be written: "):
        found.write(tmp_path / "file")
