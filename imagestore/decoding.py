"""JSON into dataclasses by msgspec, in any number of threads.

msgspec 0.22 looks at a dataclass when it is first asked for one, and gives another thread that asks at that moment what
is not finished: the process dies. So each kind of value is looked at once, by one thread, before any uses it.
"""

import threading
from typing import Any, TypeVar, overload

import msgspec

Kind = TypeVar("Kind")
_known: set[Any] = set()
_looking = threading.Lock()


@overload
def decode(data: bytes | str, kind: type[Kind]) -> Kind: ...
@overload
def decode(data: bytes | str, kind: Any = Any) -> Any: ...
def decode(data: bytes | str, kind: Any = Any) -> Any:
    """The value of this kind in JSON. Raises msgspec.MsgspecError, or UnicodeDecodeError."""
    _look_at(kind)
    return msgspec.json.decode(data, type=kind)


def convert(values: Any, kind: type[Kind], *, strict: bool = True) -> Kind:
    """The value of this kind in plain JSON values; without `strict` also from strings that say the same. Raises
    msgspec.ValidationError."""
    _look_at(kind)
    return msgspec.convert(values, kind, strict=strict)


def _look_at(kind: Any) -> None:
    if kind in _known:
        return
    with _looking:
        msgspec.json.Decoder(kind)
        _known.add(kind)
