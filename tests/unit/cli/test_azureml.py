"""`imagestore train --on azureml`: what it would submit, what is missing, and what it keeps to itself."""

import sys
from collections.abc import Callable

import pytest
import typer
import yaml
from typer.main import get_command

from imagestore.cli import main, stores
from imagestore.cli.azureml import arguments_of
from imagestore.errors import ImageStoreError, SettingsError
from imagestore.jobs.job import HowToTrain
from preprocess import Fit

ADDRESSES = {
    "IMAGES_STORAGE__blobServiceUri": "https://pictures.blob.core.windows.net/",
    "IMAGES_STORAGE__queueServiceUri": "https://pictures.queue.core.windows.net/",
    "COSMOS__accountEndpoint": "https://records.documents.azure.com:443/",
}
WORKSPACE = {"AZUREML_SUBSCRIPTION_ID": "sub", "AZUREML_RESOURCE_GROUP": "group", "AZUREML_WORKSPACE": "ours"}
Train = Callable[..., tuple[str, str]]


@pytest.fixture
def train(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Train:
    """Give the command with these connections and settings; what it says, and what it complains about."""
    for name in ("AZURE_SUBSCRIPTION_ID", "AZURE_RESOURCE_GROUP"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: str, **environment: str) -> tuple[str, str]:
        monkeypatch.setattr(stores, "environment", lambda: environment)
        get_command(main.app)(["train", "--on", "azureml", *arguments], standalone_mode=False)
        return capsys.readouterr()

    return run


HOW = HowToTrain(
    colour=False, fit=Fit.PAD, level=True, middle=False, backbone="lite2", views=3, right=0.9, balance="sqrt",
    flip=True, seed=7, same_case=True,
)  # fmt: skip


@pytest.mark.parametrize("how", [HOW, HowToTrain()], ids=["all", "none"])
@pytest.mark.parametrize("other", [True, False])
def test_the_job_is_given_every_option_of_the_command(how: HowToTrain, other: bool, train: Train) -> None:
    given = arguments_of(how, by_folder=other, relabel=other)
    said, _ = train("--project", "mine", *given, "--dry-run", **ADDRESSES)
    *_, job = yaml.safe_load_all(said)
    assert job["command"].endswith(" ".join(["--project mine", *given]))
    command = get_command(main.app).commands["train"]  # type: ignore[attr-defined]
    understood = command.make_context("train", list(given)).params
    for name in (
        "colour",
        "fit",
        "level",
        "middle",
        "backbone",
        "views",
        "right",
        "balance",
        "flip",
        "seed",
        "same_case",
    ):
        assert understood[name] == getattr(how, name), name
    assert (understood["by_folder"], understood["relabel"]) == (other, other)
    beside = {"paths", "name", "negative", "on", "dry_run", "write", "data"}
    assert set(understood) == {*HowToTrain.__dataclass_fields__, "by_folder", "relabel", *beside}


def test_a_dry_run_says_what_it_would_submit_and_what_is_missing(train: Train) -> None:
    said, complaints = train("--dry-run", AZUREML_COMPUTE="big", **ADDRESSES)
    documents = list(yaml.safe_load_all(said))
    assert [one.get("name") for one in documents] == ["imagestore-train", "imagestore-train", None]
    assert "# Compute:     big (workspace ?, resource group ?, subscription ?)" in said
    assert "# Identity:    managed, the cluster's own" in said
    assert "# Keeps:       the next version of mine in the container models" in said
    wanted = [line.removeprefix("- ") for line in complaints.splitlines()[1:]]
    assert wanted[:3] == [
        "Set AZUREML_SUBSCRIPTION_ID or AZURE_SUBSCRIPTION_ID, which is empty (docs/azure-ml.md).",
        "Set AZUREML_RESOURCE_GROUP or AZURE_RESOURCE_GROUP, which is empty (docs/azure-ml.md).",
        "Set AZUREML_WORKSPACE, which is empty (docs/azure-ml.md).",
    ]
    assert wanted[3].startswith(f"The package azure-ai-ml is not installed for {sys.executable}. Install it in ")


def test_what_azd_sets_is_taken(train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_SUBSCRIPTION_ID", "of azd")
    monkeypatch.setenv("AZURE_RESOURCE_GROUP", "rg-pictures")
    said, _ = train("--dry-run", AZUREML_WORKSPACE="ours", **ADDRESSES)
    assert "(workspace ours, resource group rg-pictures, subscription of azd)" in said


def test_no_key_is_ever_part_of_a_job(train: Train) -> None:
    key = "AccountKey=c2VjcmV0;"
    environment = {"IMAGES_STORAGE": f"AccountName=a;{key}", "COSMOS": f"AccountEndpoint=https://a/;{key}"}
    said, complaints = train("--dry-run", MAIL_PASSWORD="hush", **environment)
    assert key not in said + complaints
    assert "hush" not in said + complaints
    assert "IMAGES_STORAGE is a connection string, whose key all who see the job could read" in complaints
    assert "set COSMOS__accountEndpoint instead" in complaints
    with pytest.raises(SettingsError, match=r"^The training was not submitted\. IMAGES_STORAGE is a connection string"):
        train(**environment, **WORKSPACE)


def test_settings_of_pictures_that_are_not_the_default_go_along(train: Train) -> None:
    more = {"MAX_PIXELS": "5000", "MODELS_CONTAINER": "mine", "TOP_CLASSES": "5", "INSTANCE_MEMORY_MB": "2048"}
    *_, job = yaml.safe_load_all(train("--dry-run", **more, **ADDRESSES)[0])
    assert job["environment_variables"] == {**ADDRESSES, "MAX_PIXELS": "5000", "MODELS_CONTAINER": "mine"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--backbone", "own.onnx"], "--backbone is 'own.onnx': on a cluster it is lite0 or lite2."),
        (["import", "flowers"], "'import' keeps pictures from here: give it without --on."),
        (["no/such/folder"], "no/such/folder is no folder of this machine, and no address that"),
    ],
)
def test_what_a_cluster_cannot_have_is_refused(arguments: list[str], said: str, train: Train) -> None:
    with pytest.raises((ImageStoreError, typer.BadParameter), match=said.replace("?", r"\?")):
        train(*arguments, "--dry-run", **ADDRESSES)


def test_options_of_a_cluster_mean_nothing_here() -> None:
    with pytest.raises(typer.BadParameter, match=r"^--dry-run and --write go with --on azureml"):
        get_command(main.app)(["train", "--dry-run"], standalone_mode=False)


def test_a_python_that_is_not_there_is_named(train: Train) -> None:
    with pytest.raises(SettingsError, match=r"AZUREML_PYTHON is 'no/such', which cannot be run: No such file"):
        train(AZUREML_PYTHON="no/such", **ADDRESSES, **WORKSPACE)
