"""The host's internal queue of blob events."""

from pathlib import Path

from imagestore.local.host.blob_queue import BlobQueue


def test_an_event_waits_until_it_is_done_even_over_a_crash(tmp_path: Path) -> None:
    queue = BlobQueue(tmp_path / "queue")
    first, second = queue.put([("preprocess", "uploads", "a b.jpg", "0x1"), ("classify", "staging", "猫.png", "")])
    assert queue.failed(first).attempts == 1
    queue.done(second)
    reopened = BlobQueue(tmp_path / "queue")  # the first was never closed, as after SIGKILL
    (waiting,) = reopened.waiting()
    assert (waiting.function, waiting.name, waiting.attempts) == ("preprocess", "a b.jpg", 1)
    for each in (queue, reopened):
        each.close()
