"""The notebook does what it tells, from the first cell to the last, on a stack of its own."""

import re
from typing import Any

import nbformat
import pytest

from docs.walkthrough import NOTEBOOK, run


def printed(notebook: Any) -> str:
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    return "".join(output.get("text", "") for output in outputs)


@pytest.mark.thorough
def test_the_walk_through_runs_and_its_model_is_right() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    kept = printed(notebook)
    run(notebook)
    said = printed(notebook)
    right, count = map(int, re.findall(r"^Right on (\d+) of (\d+)\.$", said, re.MULTILINE)[0])
    assert right >= 0.75 * count, "three kinds of sign, one of them by chance"
    for text in ("mine 1 is live:", "all of them with mine 1 now", "mine 2 is live:", "mine 1 is live again"):
        assert text in said
        assert text in kept, "what is kept of an earlier run tells the same; make walkthrough renews it"
    assert "Traceback" not in said
