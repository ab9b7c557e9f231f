"""How many uploads are held in memory at once is bounded, whatever the number of events under way."""

import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest

from imagestore.pipeline.models.loaded_models import RoutedModel
from imagestore.pipeline.restored import mark
from imagestore.pipeline.steps.preprocess_upload import preprocess_upload
from preprocess import DecoderFailed, ImageSpec, Limits
from unit.pictures import encoded, photo
from unit.web.memory import memory_stores

AT_ONCE = 2
EVENTS = 8


class Gate(threading.Semaphore):
    """Tells once all events have come to it, whether they were let in or wait."""

    def __init__(self, allowed: int) -> None:
        super().__init__(allowed)
        self.all_came = threading.Event()
        self._lock = threading.Lock()
        self._came = 0

    def __enter__(self, blocking: bool = True, timeout: float | None = None) -> bool:
        with self._lock:
            self._came += 1
            if self._came == EVENTS:
                self.all_came.set()
        return super().__enter__(blocking, timeout)


class Held:
    """A decoder that counts how many pictures are held at once, and keeps each until all events came to the gate."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._lock = threading.Lock()
        self.now = self.most = 0

    def preprocess(self, data: bytes, spec: ImageSpec, limits: Limits) -> Any:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
        self._gate.all_came.wait(10)
        with self._lock:
            self.now -= 1
        raise DecoderFailed("no matter")


def test_no_more_uploads_are_held_at_once_than_memory_allows() -> None:
    stores: Any = memory_stores()
    for number in range(EVENTS):
        stores.uploads.overwrite(f"{number}.png", encoded(photo()), "image/png")
    gate = Gate(AT_ONCE)
    held = Held(gate)
    model: Any = SimpleNamespace(spec=ImageSpec(64, 64, 1, 1.0))
    context: Any = SimpleNamespace(
        stores=stores,
        limits=Limits(),
        decoder=held,
        uploads_at_once=gate,
        models=SimpleNamespace(current=lambda name: RoutedModel(model, "mine", "f" * 64)),
    )

    def event(number: int) -> bool:
        try:
            preprocess_upload(context, f"{number}.png")
        except DecoderFailed:
            return True
        return False

    with ThreadPoolExecutor(EVENTS) as pool:
        assert all(pool.map(event, range(EVENTS)))
    assert held.most == AT_ONCE


def test_the_event_of_a_restored_upload_asks_for_nothing_and_whatever_else_asks_is_done() -> None:
    stores: Any = memory_stores()
    stores.uploads.overwrite("a.png", encoded(photo()), "image/png", mark("a.png", "20261129T194500Z-0a1b2c"))
    model: Any = SimpleNamespace(spec=ImageSpec(64, 64, 1, 1.0))
    asked = list[str]()

    class Decoder:
        def preprocess(self, data: bytes, spec: ImageSpec, limits: Limits) -> Any:
            asked.append("decoded")
            raise DecoderFailed("no matter")

    context: Any = SimpleNamespace(
        stores=stores,
        decoder=Decoder(),
        uploads_at_once=threading.Semaphore(1),
        limits=Limits(),
        models=SimpleNamespace(current=lambda name: RoutedModel(model, None, "")),
    )
    preprocess_upload(context, "a.png", by_event=True)
    assert asked == []
    with pytest.raises(DecoderFailed):
        preprocess_upload(context, "a.png")
    stores.uploads.overwrite("a.png", encoded(photo(seed=1)), "image/png")  # which drops the mark
    with pytest.raises(DecoderFailed):
        preprocess_upload(context, "a.png", by_event=True)
