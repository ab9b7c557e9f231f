"""Where backups lie: a folder, or a container of a storage account. Both keep files by name, each written whole."""

import contextlib
import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Protocol

from imagestore.errors import Conflict, NotFound, Unavailable
from imagestore.store import Blobs

_JSON, _BYTES = "application/json", "application/octet-stream"


class Vault(Protocol):
    """Files by name, with slashes. Every method raises Unavailable."""

    @property
    def where(self) -> str:
        """The folder or the container, for messages."""

    def read(self, name: str) -> bytes:
        """A file. Raises NotFound."""

    def pieces(self, name: str) -> Iterator[bytes]:
        """A file in pieces. Raises NotFound."""

    def write(self, name: str, data: bytes) -> None:
        """Write a file whole, in place of one that is there."""

    def add(self, name: str, file: IO[bytes], size_bytes: int) -> None:
        """Write a file whole from its beginning, unless there is one."""

    def delete(self, name: str) -> None:
        """Delete a file, if there is one."""

    def list(self, prefix: str) -> Iterator[tuple[str, int]]:
        """The files whose names begin so, in order, with their sizes in bytes."""


class FolderVault:
    """A folder that nobody else may look into; it is made if it is missing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()

    @property
    def where(self) -> str:
        """See Vault."""
        return str(self._folder)

    def read(self, name: str) -> bytes:
        """See Vault."""
        return b"".join(self.pieces(name))

    def pieces(self, name: str) -> Iterator[bytes]:
        """See Vault."""
        with _disk(f"reading {name} in {self._folder}"), (self._folder / name).open("rb") as file:
            while piece := file.read(2**20):
                yield piece

    def write(self, name: str, data: bytes) -> None:
        """See Vault."""
        with tempfile.SpooledTemporaryFile(len(data) + 1) as file:
            file.write(data)
            file.seek(0)
            self._write(name, file)

    def add(self, name: str, file: IO[bytes], size_bytes: int) -> None:
        """See Vault."""
        path = self._folder / name
        with _disk(f"looking into {self._folder}"):
            is_there = path.exists() and path.stat().st_size == size_bytes
        if not is_there:
            self._write(name, file)

    def delete(self, name: str) -> None:
        """See Vault."""
        with _disk(f"deleting {name} in {self._folder}"), contextlib.suppress(FileNotFoundError):
            (self._folder / name).unlink()
        with contextlib.suppress(OSError):  # it is not empty
            (self._folder / name).parent.rmdir()

    def list(self, prefix: str) -> Iterator[tuple[str, int]]:
        """See Vault."""
        begin, _, _ = prefix.rpartition("/")
        with _disk(f"looking into {self._folder}"):
            for path in sorted((self._folder / begin).rglob("*")):
                name = path.relative_to(self._folder).as_posix()
                if name.startswith(prefix) and path.is_file() and not path.name.startswith("."):
                    yield name, path.stat().st_size

    def _write(self, name: str, file: IO[bytes]) -> None:
        """Write beside the file and then put it in its place, so that whoever reads finds all of it or nothing."""
        path = self._folder / name
        with _disk(f"writing {name} in {self._folder}"):
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor, beside = tempfile.mkstemp(dir=path.parent, prefix=".")  # of mode 0600
            try:
                with os.fdopen(descriptor, "wb") as written:
                    shutil.copyfileobj(file, written, 2**20)
                    written.flush()
                    os.fsync(written.fileno())
                os.replace(beside, path)
            except BaseException:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(beside)
                raise


class ContainerVault:
    """A container of a storage account, which the deployment makes."""

    def __init__(self, blobs: Blobs, account: str) -> None:
        """`account` is its address, for messages."""
        self._blobs = blobs
        self._account = account

    @property
    def where(self) -> str:
        """See Vault."""
        return f"the container {self._blobs.container} of {self._account}"

    def read(self, name: str) -> bytes:
        """See Vault."""
        return self._blobs.get(name).data or b""

    def pieces(self, name: str) -> Iterator[bytes]:
        """See Vault."""
        with self._blobs.opened(name) as opened:
            yield from opened.chunks

    def write(self, name: str, data: bytes) -> None:
        """See Vault."""
        self._blobs.overwrite(name, data, _JSON if name.endswith(".json") else _BYTES)

    def add(self, name: str, file: IO[bytes], size_bytes: int) -> None:
        """See Vault."""
        there = self._blobs.stat(name)
        if there is not None and there.size_bytes == size_bytes:
            return
        with contextlib.suppress(Conflict):  # another backup has written the same just now
            self._blobs.put_stream(name, file, size_bytes, _BYTES, there.etag if there else None)

    def delete(self, name: str) -> None:
        """See Vault."""
        self._blobs.delete(name)

    def list(self, prefix: str) -> Iterator[tuple[str, int]]:
        """See Vault."""
        for page, _ in self._blobs.list(prefix=prefix):
            for blob in page:
                yield blob.name, blob.size_bytes


@contextlib.contextmanager
def _disk(what: str) -> Iterator[None]:
    """Errors of the disk as our own: a disk that is full is one to wait for, as a service that is away."""
    try:
        yield
    except FileNotFoundError:
        raise NotFound(f"{what}: there is no such file") from None
    except OSError as error:
        full = "the disk is full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else error.strerror or str(error)
        raise Unavailable(f"{what}: {full}") from None
