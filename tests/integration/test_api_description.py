"""The API does what its OpenAPI description says; schemathesis (https://schemathesis.io) looks for exceptions."""

import json
from pathlib import Path

from .conftest import Site
from .schemathesis_cli import finds_nothing

WITHOUT = {
    "ensure_resource_availability": "a picture that was just taken in has no staged file and no thumbnail yet",
    "use_after_free": "a picture whose deletion can be undone is there until then",
}
LEFT_TO_OTHERS = (
    "classify",
    "startJob",
    "similarTo",
    "whyOf",
    "nearestOf",
    "addTraining",
    "addWebhook",
    "correctMany",
    "uploadMany",
)
CHECKED_LATER = "".join(
    f'[[operations]]\ninclude-operation-id = "{id}"\n[operations.checks.positive_data_acceptance]\nenabled = false\n'
    for id in LEFT_TO_OTHERS
)
"""Any file may be sent to be classified, compared or learned from, and one that is no picture is refused; so is a text
that is no address of a server, from which an import was to come or to which events were to go."""


def test_schemathesis_finds_nothing(site: Site, tmp_path: Path, is_thorough: bool) -> None:
    document = site.get("/openapi.json").json()
    for operations in document["paths"].values():
        for operation in operations.values():  # a key twice with another body is refused, as it is to be
            given = operation.get("parameters", [])
            operation["parameters"] = [one for one in given if one["name"] != "Idempotency-Key"]
    description = tmp_path / "openapi.json"
    description.write_text(json.dumps(document))
    options = (
        ["--max-examples", "10"] if is_thorough else ["--max-examples", "3", "--phases", "examples,fuzzing,stateful"]
    )
    (tmp_path / "schemathesis.toml").write_text(CHECKED_LATER)
    options += ["--url", site.base, "--exclude-checks", ",".join(WITHOUT)]
    finds_nothing(tmp_path, str(description), *options)
