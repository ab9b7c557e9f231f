"""Large arrays of a training, on disk in place of in memory, and how they are gone through a block at a time.

The features of 100,000 pictures are 512 MB. As a mapped file the operating system holds of them what there is room for.
A file has no name, so that nothing is left of it however the process ends.
"""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike

from imagestore.errors import NoRoom

IN_MEMORY_BYTES = 2**26
"""What is no larger than this stays in memory."""
BLOCK = 2**14
"""So many rows are gone through at a time. Fewer rows than this are one block, so that nothing is summed in another
order than at once."""


def empty(shape: tuple[int, ...], dtype: DTypeLike) -> np.ndarray:
    """An array of this shape, with nothing in it yet. Raises NoRoom if it is large, and its disk is full."""
    size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
    if size <= IN_MEMORY_BYTES:
        return np.empty(shape, dtype)
    folder = Path(tempfile.gettempdir())
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, size)  # else a full disk would end the process, at some write
            else:
                file.truncate(size)
            return np.asarray(np.memmap(file, dtype, "r+", shape=shape))
    except OSError as error:
        raise no_room(folder, size, error) from None


def no_room(folder: Path, size_bytes: int, error: OSError) -> NoRoom:
    """The error of a file in this folder that cannot be so large."""
    return NoRoom(
        f"{folder} has no room for {size_bytes / 1e6:.0f} MB of what is computed of the pictures ({error.strerror}). "
        "Make room there, or name another folder in TMPDIR."
    )


def blocks(count: int, rows: int = BLOCK) -> Iterator[slice]:
    """The numbers from 0 to `count` − 1, in order, `rows` at a time."""
    for start in range(0, count, rows):
        yield slice(start, min(start + rows, count))
