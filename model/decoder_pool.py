"""Decodes many pictures at once as production does, with one decode child and one thread per core."""

import os
import queue
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import TypeVar

from preprocess import Decoder

T = TypeVar("T")
R = TypeVar("R")
_AHEAD = 16


class DecoderPool:
    """Decode children that share the work. Use it as a context manager; the children end with it."""

    def __init__(self) -> None:
        self._decoders = [Decoder() for _ in range(os.cpu_count() or 1)]
        self._free: queue.Queue[Decoder] = queue.Queue()
        for decoder in self._decoders:
            self._free.put(decoder)

    def map(self, function: Callable[[Decoder, T], R], items: Iterable[T]) -> Iterator[R]:
        """Call `function` with a decoder and each item, several at once. Returns the results in the items' order.

        No more items are begun than a few ahead of the one whose result is asked for.
        """

        def one(item: T) -> R:
            decoder = self._free.get()
            try:
                return function(decoder, item)
            finally:
                self._free.put(decoder)

        waiting: deque[Future[R]] = deque()
        pool = ThreadPoolExecutor(len(self._decoders))
        try:
            for item in items:
                waiting.append(pool.submit(one, item))
                if len(waiting) >= _AHEAD * len(self._decoders):
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)

    def __enter__(self) -> "DecoderPool":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for decoder in self._decoders:
            decoder.close()
