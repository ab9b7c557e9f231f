"""Decodes many pictures at once as production does, with one decode child and one thread per core."""

import os
import queue
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import TypeVar

from preprocess import Decoder

T = TypeVar("T")
R = TypeVar("R")


class DecoderPool:
    """Decode children that share the work. Use it as a context manager; the children end with it."""

    def __init__(self) -> None:
        self._decoders = [Decoder() for _ in range(os.cpu_count() or 1)]
        self._free: queue.Queue[Decoder] = queue.Queue()
        for decoder in self._decoders:
            self._free.put(decoder)

    def map(self, function: Callable[[Decoder, T], R], items: Iterable[T]) -> Iterator[R]:
        """Call `function` with a decoder and each item, several at once. Returns the results in the items' order."""

        def one(item: T) -> R:
            decoder = self._free.get()
            try:
                return function(decoder, item)
            finally:
                self._free.put(decoder)

        with ThreadPoolExecutor(len(self._decoders)) as pool:
            yield from pool.map(one, items)

    def __enter__(self) -> "DecoderPool":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for decoder in self._decoders:
            decoder.close()
