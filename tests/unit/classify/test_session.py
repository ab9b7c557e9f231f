"""A session of ONNX Runtime."""

import sys

from classify.session import open_session
from imagestore.settings import ROOT


def test_a_session_does_not_hold_the_file_it_was_made_of() -> None:
    data = (ROOT / "model" / "default" / "model.onnx").read_bytes()
    before = sys.getrefcount(data)
    session = open_session(data, "it")
    assert sys.getrefcount(data) == before, "onnxruntime keeps the file elsewhere now: see open_session"
    assert session.get_inputs()
