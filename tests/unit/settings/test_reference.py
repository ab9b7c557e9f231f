"""What is made from the settings is up to date."""

import json
from dataclasses import fields

from imagestore.settings import ROOT, Settings, reference


def test_the_example_and_the_docs_are_up_to_date() -> None:
    assert (ROOT / "local.settings.example.json").read_text() == reference.example()
    assert reference.table() in (ROOT / "docs" / "settings.md").read_text()
    values = json.loads(reference.example())["Values"]
    assert {f.name.upper() for f in fields(Settings)} <= values.keys()
