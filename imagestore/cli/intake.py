"""Finds pictures in folders and uploads them."""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from imagestore.errors import UnreadableFile
from imagestore.record import is_utf8, stored_name
from preprocess import PictureError, Reason
from preprocess.formats import HEAD_BYTES, recognise

_AT_ONCE = 4
_PLAINLY_NONE = {Reason.EMPTY, Reason.NOT_AN_IMAGE}
NOT_UTF8 = "name is not UTF-8"
SAME_NAME = "same name as another"
LINKED_AGAIN = "folder linked again"


@dataclass(frozen=True)
class PictureFile:
    """A file to upload, and its name as an upload: its path below the folder that was named, as Azure Storage keeps
    it."""

    path: Path
    name: str
    size_bytes: int


@dataclass(frozen=True)
class Sent:
    """The upload's ETag; `is_new` is false if the file was there already, unchanged, and was not sent."""

    etag: str
    is_new: bool


Send = Callable[[PictureFile], Sent]
"""Uploads a file, unless it is there unchanged."""


@dataclass
class Scan:
    """The pictures that were found, in the order of their names, and how many files were skipped for which reason."""

    pictures: list[PictureFile] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)


@dataclass
class Uploaded:
    """The ETag of each upload by name, and how many were there already, unchanged."""

    etags: dict[str, str] = field(default_factory=dict)
    unchanged: int = 0


def scan(paths: Iterable[Path], prefix: str = "") -> Scan:
    """Look for pictures in files and folders. Raises UnreadableFile, which names the first path that cannot be read.

    A folder is read once, however many symbolic links lead to it.
    """
    found = Scan()
    taken: set[str] = set()
    for path in paths:
        if not path.exists():
            raise UnreadableFile(f"'{path}' does not exist.")
        try:
            for file, name in _files(path, found):
                _consider(found, file, stored_name(prefix + name), taken)
        except OSError as error:
            raise UnreadableFile(f"'{error.filename or path}' cannot be read: {error.strerror}.") from None
    found.pictures.sort(key=lambda picture: picture.name)
    return found


def upload_pictures(send: Send, pictures: list[PictureFile], uploaded: Uploaded, progress: Callable[[], None]) -> None:
    """Upload the pictures, several at a time; `progress` is called after each.

    `uploaded` holds what was done even if this is interrupted. Raises what `send` raises.
    """

    def upload(picture: PictureFile) -> None:
        sent = send(picture)
        uploaded.etags[picture.name] = sent.etag
        uploaded.unchanged += not sent.is_new
        progress()

    pool = ThreadPoolExecutor(_AT_ONCE)
    try:
        for done in [pool.submit(upload, picture) for picture in pictures]:
            done.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _files(path: Path, found: Scan) -> Iterator[tuple[Path, str]]:
    """Every file below the path with its name. Folders behind links come last, so that a real path has precedence."""
    if path.is_file():
        yield path, path.name
        return
    folders, linked, read = deque([(path, "")]), deque[tuple[Path, str]](), set()
    while folders or linked:
        folder, prefix = folders.popleft() if folders else linked.popleft()
        status = folder.stat()
        if (status.st_dev, status.st_ino) in read:
            found.skipped[LINKED_AGAIN] += 1
            continue
        read.add((status.st_dev, status.st_ino))
        for entry in sorted(folder.iterdir()):
            if entry.is_dir():
                if not entry.name.startswith("."):
                    (linked if entry.is_symlink() else folders).append((entry, f"{prefix}{entry.name}/"))
            elif entry.is_file():
                yield entry, prefix + entry.name


def _consider(found: Scan, file: Path, name: str, taken: set[str]) -> None:
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
    if not is_utf8(name):
        found.skipped[NOT_UTF8] += 1
        return
    if name in taken:
        found.skipped[SAME_NAME] += 1
        return
    taken.add(name)
    found.pictures.append(PictureFile(file, name, file.stat().st_size))
