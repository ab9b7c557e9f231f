"""What azd runs around a deployment, against an `az` and an `azd` that tell what they were asked."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from imagestore.settings import ROOT
from unit.infra import bicep

SUBSCRIPTION = "00000000-0000-0000-0000-00000000000a"
KEY = "s3cr3t-webhook-key"
FAKE_AZ = """#!{python}
import json, os, sys
from pathlib import Path
told = Path(os.environ["TOLD"])
arguments = sys.argv[1:]
with told.open("a") as log:
    log.write(json.dumps(arguments) + "\\n")
asked = sum(json.loads(line)[:3] == arguments[:3] for line in told.read_text().splitlines())
if arguments[:2] == ["account", "show"]:
    sys.exit(os.environ.get("SIGNED_IN") != "yes")
if arguments[:2] == ["provider", "register"]:
    sys.exit(os.environ.get("PROVIDER_ERROR"))
if arguments[:3] == ["functionapp", "keys", "list"]:
    if "KEYS_ERROR" in os.environ:
        sys.exit(os.environ["KEYS_ERROR"])
    keys = {{"blobs_extension": {key!r}}} if asked > int(os.environ.get("KEY_AFTER", 0)) else {{}}
    if arguments[arguments.index("--query") + 1] != "systemKeys.blobs_extension && 'there'":
        print(json.dumps({{"systemKeys": keys}}))
    elif keys:
        print("there")
if arguments[:3] == ["deployment", "group", "create"] and asked <= int(os.environ.get("REFUSALS", 0)):
    sys.exit("Webhook validation handshake failed for https://func.example/runtime/webhooks/blobs?functionName="
             "Host.Functions.preprocess&code={key}. Try again.")
if arguments[:3] == ["storage", "blob", "upload"] and asked <= int(os.environ.get("REFUSALS", 0)):
    sys.exit("AuthorizationPermissionMismatch")
if arguments[:4] == ["storage", "blob", "tag", "list"]:
    print(os.environ.get("STATUS", "") if asked > 2 else "")
"""


@pytest.fixture
def azure(tmp_path: Path) -> dict[str, str]:
    """An environment whose az, azd, curl and sleep do nothing but note it."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "az").write_text(FAKE_AZ.format(python=sys.executable, key=KEY))
    for name in ("azd", "curl", "sleep"):
        (tools / name).write_text(f'#!/bin/sh\necho "{name} $*" >> "$CALLED"\n')
    for tool in tools.iterdir():
        tool.chmod(0o755)
    (tmp_path / "called").touch()
    return {
        "PATH": f"{tools}:{os.environ['PATH']}",
        "TOLD": str(tmp_path / "told"),
        "CALLED": str(tmp_path / "called"),
        "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION,
        **{name: name.lower() for name in bicep.outputs(bicep.text("main.bicep")) if name.startswith("AZURE_")},
    }


def run(hook: str, azure: dict[str, str], *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [bicep.INFRA / "hooks" / hook, *arguments], env=azure | more, capture_output=True, text=True, check=False
    )


def test_subscribing_waits_for_the_key_says_so_and_never_shows_it(azure: dict[str, str]) -> None:
    done = run("subscribe.sh", azure, KEY_AFTER="2")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Waiting for the webhook key blobs_extension of azure_function_app") == 2
    assert done.stdout.endswith("receive the events of azure_pictures_account.\n")
    told = Path(azure["TOLD"]).read_text()
    assert KEY not in done.stdout + done.stderr + told
    assert "events.bicep" in told.splitlines()[-1]


def test_subscribing_tries_again_while_the_app_does_not_answer_the_handshake(azure: dict[str, str]) -> None:
    done = run("subscribe.sh", azure, REFUSALS="1")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Waiting for Event Grid to accept the subscriptions") == 1


def test_subscribing_gives_up_with_the_cause_and_the_next_step(azure: dict[str, str]) -> None:
    done = run("subscribe.sh", azure, KEY_AFTER="99", SUBSCRIBE_TRIES="3")
    assert done.returncode == 1
    assert "Gave up after 3 tries: the webhook key" in done.stderr
    assert "make package && azd hooks run postdeploy --service function" in done.stderr
    refused = run("subscribe.sh", azure, REFUSALS="99", SUBSCRIBE_TRIES="2")
    assert "Webhook validation handshake failed" in refused.stderr
    assert "Try again." in refused.stderr
    assert KEY not in refused.stdout + refused.stderr, "not even where Azure quotes it"


@pytest.mark.parametrize(
    "error",
    [
        "(ResourceGroupNotFound) Resource group 'rg-pictures' could not be found.",
        "(AuthorizationFailed) The client does not have authorization to perform action 'Microsoft.Web/sites/…'.",
        "The subscription of '00000000' doesn't exist in cloud 'AzureCloud'.",
    ],
)
def test_subscribing_stops_at_once_where_waiting_does_not_help(azure: dict[str, str], error: str) -> None:
    done = run("subscribe.sh", azure, KEYS_ERROR=error)
    assert done.returncode == 1
    assert error in done.stderr
    assert SUBSCRIPTION in done.stderr
    assert "Waiting" not in done.stdout
    assert len(Path(azure["TOLD"]).read_text().splitlines()) == 1
    waited = run("subscribe.sh", azure, KEYS_ERROR="(ServiceUnavailable)", SUBSCRIBE_TRIES="3")
    assert "Gave up after 3 tries" in waited.stderr


@pytest.mark.parametrize("hook", ["subscribe.sh", "smoke.sh"])
def test_hooks_work_in_azds_subscription_whatever_az_is_set_to(azure: dict[str, str], hook: str) -> None:
    assert run(hook, azure, STATUS="classified").returncode == 0
    told = [json.loads(line) for line in Path(azure["TOLD"]).read_text().splitlines()]
    assert len(told) >= 2
    for arguments in told:
        assert arguments[arguments.index("--subscription") + 1] == SUBSCRIPTION, arguments
    azure.pop("AZURE_SUBSCRIPTION_ID")
    assert "AZURE_SUBSCRIPTION_ID" in run(hook, azure).stderr


def test_documented_commands_work_in_azds_subscription() -> None:
    page = bicep.read(ROOT / "docs" / "azure.md")
    blocks = "\n".join(re.findall(r"```sh\n(.*?)```", page, re.DOTALL)).replace("\\\n", " ")
    found = re.findall(
        r"\baz (?:functionapp|storage|webapp|keyvault|deployment|group|provider|role)\b[^\n|;&]*", blocks
    )
    assert len(found) >= 5
    for command in found:
        assert '--subscription "$AZURE_SUBSCRIPTION_ID"' in command or "/subscriptions/$AZURE" in command, command


def test_preparing_asks_for_a_sign_in(azure: dict[str, str]) -> None:
    done = run("prepare.sh", azure)
    assert done.returncode == 1
    assert "az login" in done.stderr


def test_preparing_sets_the_budgets_first_month_once_and_only_if_somebody_is_told(azure: dict[str, str]) -> None:
    def called(**more: str) -> str:
        Path(azure["CALLED"]).write_text("")
        assert run("prepare.sh", azure, SIGNED_IN="yes", **more).returncode == 0
        return Path(azure["CALLED"]).read_text()

    azure.pop("ALERT_EMAIL", None)
    assert called() == ""
    assert re.fullmatch(r"azd env set BUDGET_START \d{4}-\d\d-01\n", called(ALERT_EMAIL="you@example.org"))
    assert called(ALERT_EMAIL="you@example.org", BUDGET_START="2026-01-01") == ""


def test_preparing_registers_what_a_private_network_needs_and_nothing_without_one(azure: dict[str, str]) -> None:
    def told(**more: str) -> list[list[str]]:
        Path(azure["TOLD"]).write_text("")
        assert run("prepare.sh", azure, SIGNED_IN="yes", **more).returncode == 0
        return [json.loads(line) for line in Path(azure["TOLD"]).read_text().splitlines()]

    wanted = ["provider", "register", "--namespace", "Microsoft.App", "--wait", "--subscription", SUBSCRIPTION]
    assert told(PRIVATE_NETWORK="true").count(wanted) == 1
    assert wanted not in told(PRIVATE_NETWORK="false")
    assert wanted not in told()
    refused = run("prepare.sh", azure, SIGNED_IN="yes", PRIVATE_NETWORK="true", PROVIDER_ERROR="AuthorizationFailed")
    assert refused.returncode == 1
    assert "az provider register --namespace Microsoft.App" in refused.stderr
    azure.pop("AZURE_SUBSCRIPTION_ID")
    assert (
        "azd env set AZURE_SUBSCRIPTION_ID" in run("prepare.sh", azure, SIGNED_IN="yes", PRIVATE_NETWORK="true").stderr
    )


def test_the_smoke_test_passes_when_the_picture_comes_out_and_removes_it(azure: dict[str, str]) -> None:
    done = run("smoke.sh", azure, "https://web.example", STATUS="classified")
    assert done.returncode == 0, done.stderr
    assert "A picture went through: classified." in done.stdout
    assert "https://web.example/api/v1/health/ready" in Path(azure["CALLED"]).read_text()
    assert '["storage", "blob", "delete"' in Path(azure["TOLD"]).read_text()


def test_the_smoke_test_waits_for_a_role_that_is_new(azure: dict[str, str]) -> None:
    assert run("smoke.sh", azure, STATUS="unknown", REFUSALS="2").returncode == 0
    refused = run("smoke.sh", azure, REFUSALS="99", SMOKE_TRIES="2")
    assert refused.returncode == 1
    assert "could not be uploaded in 2 tries" in refused.stderr


@pytest.mark.parametrize(("status", "said"), [("failed", "The picture was failed"), ("", "No result after 4 looks")])
def test_the_smoke_test_fails_with_the_reason_and_removes_its_picture(
    azure: dict[str, str], status: str, said: str
) -> None:
    done = run("smoke.sh", azure, STATUS=status, SMOKE_TRIES="4")
    assert done.returncode == 1
    assert said in done.stderr
    assert '["storage", "blob", "delete"' in Path(azure["TOLD"]).read_text()


def test_the_hook_is_run_by_hand_only_after_the_folder_that_it_starts_in_was_made() -> None:
    """`azd hooks run` starts it in the service's folder, which a new clone does not have."""
    for path in [*(ROOT / "docs").glob("*.md"), *(bicep.INFRA / "hooks").iterdir()]:
        for line in bicep.read(path).splitlines():
            if "azd hooks run" in line:
                assert "make package && azd hooks run" in line, path
