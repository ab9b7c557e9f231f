"""azure.yaml and the workflows are valid against their schemas; that they run was never seen."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from imagestore.settings import ROOT

HERE = Path(__file__).parent


def check(*arguments: str | Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_azure_yaml_is_what_azd_reads() -> None:
    check("--schemafile", HERE / "azure.yaml.schema.json", ROOT / "azure.yaml")


def test_workflows_are_what_github_reads() -> None:
    check("--builtin-schema", "vendor.github-workflows", *sorted((ROOT / ".github" / "workflows").glob("*.yml")))
    check("--builtin-schema", "vendor.github-actions", *sorted((ROOT / ".github" / "actions").rglob("action.yml")))


def test_scripts_of_azure_yaml_are_there_and_may_be_run() -> None:
    project = yaml.safe_load((ROOT / "azure.yaml").read_text("utf-8"))
    hooks = [(ROOT, hook) for hook in project["hooks"].values()]
    for service in project["services"].values():
        hooks += [(ROOT / service["project"], hook) for hook in service.get("hooks", {}).values()]
    scripts = [Path(folder, hook["run"]).resolve() for folder, hook in hooks if hook["run"].endswith(".sh")]
    assert {script.name for script in scripts} == {"prepare.sh", "subscribe.sh"}
    assert all(script.is_relative_to(ROOT) and script.stat().st_mode & 0o100 for script in scripts)


@pytest.mark.parametrize("job", ["dev", "staging", "production"])
def test_the_workflow_deploys_step_by_step_and_signs_in_without_a_secret(job: str) -> None:
    text = (ROOT / ".github" / "workflows" / "deploy.yml").read_text("utf-8")
    workflow = yaml.safe_load(text)
    assert workflow["permissions"]["id-token"] == "write"
    assert "secrets." not in text
    assert workflow["jobs"][job]["environment"] == job
    assert workflow["jobs"][job].get("needs") == {"dev": None, "staging": "dev", "production": "staging"}[job]
    commands = "\n".join(step.get("run", "") for step in workflow["jobs"][job]["steps"])
    assert "smoke.sh" in commands
    assert ("slot swap" in commands) == (job == "production")
