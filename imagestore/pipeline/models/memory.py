"""How the memory of a function instance is shared out.

From one number, the instance's memory, follow how many pictures are decoded and how many uploads are held at once, how
much one decode child may take, and how many pixels a picture of each format may have. The worst case adds up: the
Functions host, the worker with its model, each child at its bound, and each upload that waits for one.
`python -m bench.memory` measures a worker at these limits.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from imagestore.errors import SettingsError
from preprocess import Limits
from preprocess.formats import FORMATS
from preprocess.limits import BYTES_PER_PIXEL, OTHER_BYTES_PER_PIXEL

MB = 2**20
LEAST_MB = 2048
MB_PER_CORE = 2048
"""Flex Consumption gives an instance of 2,048 MB one core, and one of 4,096 MB two."""
_HOST_BYTES = 128 * MB
"""For what the Functions host takes beyond the 272 MB that the platform adds to each instance for it."""
_WORKER_SHARE = 5 / 32
"""Of the instance, for the worker: 320 MB of 2,048, or more if MODEL_CACHE_BYTES needs it."""
_WORKER_BYTES = 200 * MB
"""What it takes besides its models, Microsoft's worker library included; measured: 180 MB."""
_CHILD_BYTES = 48 * MB
"""A decode child before its first picture."""
_UPLOADS_PER_CHILD = 2
"""One is decoded while another is fetched."""
_COPIES_IN_WORKER = 1.25
"""Of an upload: what is read piece by piece is copied as it grows."""
_COPIES_IN_CHILD = 2
"""Of an upload: the file, and what its decoder copies of it."""
_ROUND = 1_000_000


@dataclass(frozen=True)
class Memory:
    """What fits: the limits on one picture, how many are decoded at once, and how many uploads are held at once."""

    limits: Limits
    decoders: int
    uploads: int


def shared_out(instance_mb: int, limits: Limits, stated: Iterable[str] = (), model_bytes: int = 0) -> Memory:
    """Share out the memory of an instance, to as many children at once as it has cores and, beside `model_bytes` of
    loaded models, room for.

    A format whose pixels cost more has a lower limit, unless the limit is among those `stated` by the user. Raises
    SettingsError if a limit that is stated does not fit, or the instance is too small.
    """
    if instance_mb < LEAST_MB:
        raise SettingsError(
            f"INSTANCE_MEMORY_MB is '{instance_mb}': an instance needs {LEAST_MB} at least, since a picture at the "
            "limits does not fit into less. Set 2048 or 4096; in Azure: azd env set INSTANCE_MEMORY_MB 2048, then azd "
            "provision."
        )
    stated = tuple(stated)
    for children in range(instance_mb // MB_PER_CORE, 0, -1):
        child_bytes = _child_bytes(instance_mb, children, limits.max_bytes, model_bytes)
        most = {row.name: _most_pixels(row.name, child_bytes, limits.max_bytes) for row in FORMATS}
        problem = _problem(instance_mb, limits, stated, most)
        if problem is None:
            fitting = replace(limits, max_pixels_by_memory=most, child_bytes=child_bytes)
            return Memory(fitting, children, _UPLOADS_PER_CHILD * children)
    assert problem is not None
    raise SettingsError(problem)


def _child_bytes(instance_mb: int, children: int, max_bytes: int, model_bytes: int) -> int:
    """What one child may take for a picture, its file included."""
    uploads = _UPLOADS_PER_CHILD * children * _COPIES_IN_WORKER * max_bytes
    worker = max(instance_mb * MB * _WORKER_SHARE, _WORKER_BYTES + model_bytes)
    return int((instance_mb * MB - worker - _HOST_BYTES - uploads) // children - _CHILD_BYTES)


def _most_pixels(format: str, child_bytes: int, max_bytes: int) -> int:
    room = child_bytes - _COPIES_IN_CHILD * max_bytes
    return max(0, room // BYTES_PER_PIXEL.get(format, OTHER_BYTES_PER_PIXEL) // _ROUND * _ROUND)


def _problem(instance_mb: int, limits: Limits, stated: Iterable[str], most: dict[str, int]) -> str | None:
    """Which setting does not fit, and what to do; None if all do."""
    remedy = "Lower it, or give the instance more memory (INSTANCE_MEMORY_MB)."
    cheapest = max(most.values())
    if cheapest == 0:
        return f"MAX_BYTES is '{limits.max_bytes}': an instance of {instance_mb} MB cannot hold such uploads. {remedy}"
    if limits.max_pixels > cheapest:
        return (
            f"MAX_PIXELS is '{limits.max_pixels}': beside uploads of MAX_BYTES={limits.max_bytes}, an instance of "
            f"{instance_mb} MB has room for {cheapest}. {remedy}"
        )
    for format in stated:
        own = limits.max_pixels_by_format[format]
        if own > most[format]:
            return (
                f"MAX_PIXELS_BY_FORMAT has '{format}={own}': beside uploads of MAX_BYTES={limits.max_bytes}, an "
                f"instance of {instance_mb} MB has room for {most[format]}. {remedy}"
            )
    return None
