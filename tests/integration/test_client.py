"""The client's example in docs/client.md, run as it stands on a stack."""

import re

import pytest

from imagestore.settings import ROOT

from .conftest import Site


def test_the_example_of_the_client_runs_as_it_stands(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "client.md").read_text("utf-8"), re.DOTALL)
    monkeypatch.chdir(ROOT)
    exec(compile(example.replace("http://localhost:8000", site.base), "docs/client.md", "exec"), {})
    said = capsys.readouterr().out
    assert "asking as admin" in said
    assert "shop/coffee.jpg classified cup or mug" in said
    assert "flat white instead of cup or mug" in said
    assert "['shop/coffee.jpg']" in said
    assert "404 There is no version 7 of the model 'mine'." in said
