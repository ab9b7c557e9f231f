"""Queue triggers."""

from imagestore.local.host.queues import _decoded


def test_only_base64_text_is_a_message() -> None:
    assert _decoded("eyJ4IjogMX0=") == '{"x": 1}'
    assert _decoded("not base64!") is None
    assert _decoded("/w==") is None
