"""azd is always told which slot of the web app it deploys to: without a word it asks, or fails where it may not ask."""

import re
from collections.abc import Iterator

import yaml

from imagestore.settings import ROOT
from unit.infra import bicep

VARIABLE = "AZD_DEPLOY_WEB_SLOT_NAME"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
DEPLOYS_WEB = re.compile(r"\bazd (?:up|deploy(?! function| jobs))\b")


def slots() -> set[str]:
    """What a deployment may name: the app itself, and its slots."""
    sources = "".join(bicep.text(f"modules/{file}") for file in ("web.bicep", "dev-slot.bicep"))
    names = re.findall(r"'Microsoft\.Web/sites/slots@[\d-]+' = \{\n\s+parent: \w+\n\s+name: '(\w+)'", sources)
    return {"production", *names}


def documented() -> Iterator[tuple[str, str]]:
    """(slot, rest of the command) of each command in a shell block of the docs that deploys the web app."""
    for page in PAGES:
        for block in re.findall(r"```sh\n(.*?)```", bicep.read(page), re.DOTALL):
            for line in block.splitlines():
                for command in re.split(r"&&|;|#", line):
                    if DEPLOYS_WEB.search(command):
                        before, _, azd = command.strip().rpartition("azd ")
                        yield before.strip(), azd


def test_each_documented_command_that_deploys_the_web_app_names_its_slot() -> None:
    found = list(documented())
    named = [slot.removeprefix(f"{VARIABLE}=") for slot, _ in found if slot.startswith(f"{VARIABLE}=")]
    assert len(named) == len(found) >= 4, found
    assert set(named) == slots() == {"production", "staging", "dev"}


def test_the_first_deployment_leaves_no_slot_empty_that_a_swap_would_put_live() -> None:
    commands = [f"{slot} azd {rest}".strip() for slot, rest in documented()]
    assert commands[:2] == [f"{VARIABLE}=production azd up", f"{VARIABLE}=staging azd deploy web"]


def test_the_workflow_names_the_slot_where_it_deploys_the_web_app() -> None:
    jobs = yaml.safe_load(bicep.read(ROOT / ".github" / "workflows" / "deploy.yml"))["jobs"]
    steps = [step for job in jobs.values() for step in job["steps"] if DEPLOYS_WEB.search(step.get("run", ""))]
    assert [step.get("env", {}).get(VARIABLE) for step in steps] == ["dev", "staging"]


def test_the_slot_is_kept_nowhere() -> None:
    """azd reads its environment before the command's: what is kept there would be deployed to by the workflow too."""
    assert VARIABLE not in bicep.outputs(bicep.text("main.bicep"))
    assert VARIABLE not in bicep.read(bicep.INFRA / "main.parameters.json")
    for path in [*PAGES, *(ROOT / "infra" / "hooks").iterdir(), *(ROOT / ".github").rglob("*.yml")]:
        assert not re.search(rf"azd env set {VARIABLE}", bicep.read(path)), path


def test_azd_is_new_enough_to_understand_production() -> None:
    wanted = yaml.safe_load(bicep.read(ROOT / "azure.yaml"))["requiredVersions"]["azd"]
    (least,) = re.findall(r">= ([\d.]+)", wanted)
    assert tuple(map(int, least.split("."))) >= (1, 24, 2)
    assert f"install-azd) {least} or newer" in bicep.read(ROOT / "docs" / "azure.md")
