"""What host.json and the bindings say."""

import pytest

from imagestore.local.host.__main__ import resolved, seconds


def test_binding_expressions_and_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCHEDULE", "0 0 * * * *")
    assert resolved("%SCHEDULE%") == "0 0 * * * *"
    assert seconds("00:01:30.5") == 90.5
