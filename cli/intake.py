"""Takes pictures from a folder into the container of uploads."""

import hashlib
import mimetypes
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from errors import ImageStoreError, PictureError, Reason
from preprocess.formats import HEAD_BYTES, recognise
from store import Stores

_AT_ONCE = 4
_CHUNK_BYTES = 2**20
_PLAINLY_NONE = {Reason.EMPTY, Reason.NOT_AN_IMAGE}


class Unreadable(ImageStoreError):
    """A file or folder that was named cannot be read."""


@dataclass(frozen=True)
class Picture:
    """A file to take in, and the name it gets: its path below the folder that was named."""

    path: Path
    name: str
    size_bytes: int


@dataclass
class Found:
    """The files of an intake, and how many were left out for which reason."""

    pictures: list[Picture] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)


@dataclass
class Taken:
    """What an intake did: the ETag of each upload by name, and how many were there already, unchanged."""

    etags: dict[str, str] = field(default_factory=dict)
    unchanged: int = 0


def find(paths: Iterable[Path], prefix: str = "") -> Found:
    """Look for pictures. Unreadable names the first path that is not there or may not be read."""
    found = Found()
    for path in paths:
        if not path.exists():
            raise Unreadable(f"'{path}' does not exist.")
        try:
            for file, name in _files(path):
                _consider(found, file, prefix + name)
        except OSError as error:
            raise Unreadable(f"'{error.filename or path}' cannot be read: {error.strerror}.") from None
    return found


def take_in(stores: Stores, pictures: list[Picture], progress: Callable[[Picture], None]) -> Taken:
    """Upload the pictures, except those that are there with the same MD5; `progress` hears of each. Away."""
    there = {blob.name: blob for page, _ in stores.uploads.list() for blob in page}
    taken = Taken()

    def one(picture: Picture) -> None:
        md5 = _md5(picture.path)
        known = there.get(picture.name)
        if known is not None and known.md5 == md5:
            taken.etags[picture.name] = known.etag
            taken.unchanged += 1
        else:
            content_type = mimetypes.guess_type(picture.name)[0] or "application/octet-stream"
            with picture.path.open("rb") as stream:
                taken.etags[picture.name] = stores.uploads.send(
                    picture.name, stream, picture.size_bytes, content_type, md5
                )
        progress(picture)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for done in [pool.submit(one, picture) for picture in pictures]:
            done.result()
    return taken


def _files(path: Path) -> Iterator[tuple[Path, str]]:
    if path.is_file():
        yield path, path.name
        return
    for file in sorted(path.iterdir()):
        if file.is_dir() and not file.name.startswith("."):
            yield from ((inner, f"{file.name}/{name}") for inner, name in _files(file))
        elif file.is_file():
            yield file, file.name


def _consider(found: Found, file: Path, name: str) -> None:
    if file.name.startswith("."):
        found.skipped["hidden"] += 1
        return
    with file.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
    try:
        recognise(head)
    except PictureError as error:
        if error.reason in _PLAINLY_NONE:
            found.skipped["not a picture"] += 1
            return
    found.pictures.append(Picture(file, name, file.stat().st_size))


def _md5(path: Path) -> bytes:
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.digest()
