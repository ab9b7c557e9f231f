"""Renditions: as many decodes at a time as there are children, one for each picture, and none again in vain."""

import io
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import numpy as np
import pytest
from PIL import Image

from imagestore.errors import Busy, NotFound
from imagestore.pipeline import rendition
from imagestore.pipeline.rendition import Failures, Renderer
from imagestore.store import Stores
from preprocess import Decoder, DecoderFailed, Limits, PictureError, Reason
from unit.web.memory import memory_stores

WAIT_S = 60.0


class Decoding:
    """Stands for all decode children: counts what they do, and holds them up while `go` is not set."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.go.set()
        self.asked = threading.Semaphore(0)
        self.error: Exception | None = None
        self.decoded: list[bytes] = []

    @property
    def decoder(self) -> Decoder:
        return cast(Decoder, self)

    def rendition(self, data: bytes, side: int, limits: Limits) -> np.ndarray:
        self.decoded.append(data)
        self.asked.release()
        assert self.go.wait(WAIT_S)
        if self.error is not None:
            raise self.error
        return np.full((4, 6, 3), 128, np.uint8)

    def close(self) -> None:
        """There is no child to end."""


@pytest.fixture
def decoding() -> Decoding:
    return Decoding()


@pytest.fixture
def stores() -> Stores:
    return memory_stores()


@pytest.fixture
def pool(decoding: Decoding) -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(32) as threads:
        yield threads
        decoding.go.set()


@pytest.fixture
def drop(stores: Stores) -> Callable[[str], str]:
    return lambda name: stores.uploads.overwrite(name, name.encode(), "image/jpeg")


Drop = Callable[[str], str]


def test_a_rendition_is_made_once_and_kept(stores: Stores, decoding: Decoding, drop: Drop) -> None:
    renderer, etag = Renderer(stores, decoding.decoder, Limits(), 2), drop("a.jpg")
    made = renderer.get("a.jpg", etag, "thumbnail")
    assert Image.open(io.BytesIO(made)).size == (6, 4)
    assert renderer.get("a.jpg", etag, "thumbnail") == made
    assert len(decoding.decoded) == 1
    with pytest.raises(NotFound):
        renderer.get("a.jpg", "another version", "thumbnail")


def test_as_many_are_decoded_at_a_time_as_there_are_children(
    stores: Stores, decoding: Decoding, drop: Drop, pool: ThreadPoolExecutor
) -> None:
    renderer = Renderer(stores, decoding.decoder, Limits(), 2)
    decoding.go.clear()
    asked = [pool.submit(renderer.get, name, drop(name), "thumbnail") for name in ("a.jpg", "b.jpg", "c.jpg")]
    assert all(decoding.asked.acquire(timeout=WAIT_S) for _ in range(2))
    assert len(decoding.decoded) == 2, "the third waits for a child"
    decoding.go.set()
    assert len({each.result(WAIT_S) for each in asked}) == 1
    assert len(decoding.decoded) == 3


def test_however_many_ask_for_a_picture_it_is_decoded_by_one(
    stores: Stores, decoding: Decoding, drop: Drop, pool: ThreadPoolExecutor
) -> None:
    renderer, etag = Renderer(stores, decoding.decoder, Limits(), 4), drop("a.jpg")
    decoding.go.clear()
    asked = [pool.submit(renderer.get, "a.jpg", etag, "preview") for _ in range(10)]
    assert decoding.asked.acquire(timeout=WAIT_S)
    assert not decoding.asked.acquire(blocking=False)
    decoding.go.set()
    assert len({each.result(WAIT_S) for each in asked}) == 1
    assert len(decoding.decoded) == 1


@pytest.mark.parametrize(("most_waiting", "patience_s"), [(0, WAIT_S), (1, 0.0)], ids=["a few", "not for long"])
def test_a_few_wait_and_not_for_long(
    stores: Stores,
    decoding: Decoding,
    drop: Drop,
    pool: ThreadPoolExecutor,
    monkeypatch: pytest.MonkeyPatch,
    most_waiting: int,
    patience_s: float,
) -> None:
    monkeypatch.setattr(rendition, "_MOST_WAITING", most_waiting)
    monkeypatch.setattr(rendition, "_PATIENCE_S", patience_s)
    renderer, etag, other = Renderer(stores, decoding.decoder, Limits(), 1), drop("a.jpg"), drop("b.jpg")
    decoding.go.clear()
    first = pool.submit(renderer.get, "a.jpg", etag, "thumbnail")
    assert decoding.asked.acquire(timeout=WAIT_S)
    with pytest.raises(Busy):
        renderer.get("b.jpg", other, "thumbnail")
    with pytest.raises(Busy):
        renderer.get("a.jpg", etag, "preview")
    decoding.go.set()
    assert first.result(WAIT_S)
    assert renderer.get("b.jpg", other, "thumbnail"), "who asks again is served"


@pytest.mark.parametrize(
    "error", [PictureError(Reason.DECODE_TIMEOUT, "Decoding took longer than 30 s."), DecoderFailed("MemoryError")]
)
def test_a_picture_that_cannot_be_shown_is_not_decoded_at_each_request(
    stores: Stores, decoding: Decoding, drop: Drop, error: Exception
) -> None:
    renderer, etag = Renderer(stores, decoding.decoder, Limits(), 1), drop("a.jpg")
    decoding.error = error
    for kind in ("thumbnail", "preview", "thumbnail"):
        with pytest.raises(type(error), match=str(error)):
            renderer.get("a.jpg", etag, kind)
    assert len(decoding.decoded) == 1
    decoding.error = None
    assert renderer.get("a.jpg", drop("a.jpg"), "thumbnail"), "another version is another picture"


def test_failures_are_forgotten_after_a_while_and_the_oldest_first() -> None:
    now = [0.0]
    failures = Failures(most=2, clock=lambda: now[0])
    for name in ("a", "b", "c"):
        failures.add((name, "1"), PictureError(Reason.CORRUPT, "It is damaged."))
    failures.demand_none(("a", "1"))
    with pytest.raises(PictureError, match="damaged"):
        failures.demand_none(("c", "1"))
    now[0] = 601.0
    failures.demand_none(("c", "1"))
