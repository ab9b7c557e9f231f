"""The snapshots in a vault: which there are, what is in them, whether all of it is there, and which are old."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import msgspec

from imagestore.backup.contents import Contents
from imagestore.backup.format import (
    CONTENTS,
    FORMAT,
    HEAD,
    LINES,
    MANIFEST,
    SNAPSHOT_ID,
    SNAPSHOTS,
    Content,
    FileLine,
    Head,
    Line,
    ListFile,
    Manifest,
    PictureLine,
    packed,
    read_head,
    read_manifest,
    sha256_of,
    snapshot_file,
    unpacked,
)
from imagestore.backup.vault import Vault
from imagestore.errors import BackupError, NotFound, WrongInstance
from imagestore.record import utc

PICTURES = "pictures"
FILES = ("results", "training", "models")
DOCUMENTS = ("accounts", "audit", "jobs")
KNOWN = "known"


def head_of(vault: Vault) -> Head | None:
    """Which instance's backups these are; None if there are none. Raises BackupError, Unavailable."""
    try:
        return read_head(vault.read(HEAD), vault.where)
    except NotFound:
        return None


def demand_head(vault: Vault, instance: str) -> None:
    """Make this the place of this instance's backups. Raises WrongInstance if it is that of another; BackupError."""
    head = head_of(vault)
    if head is None:
        if next(iter(vault.list("")), None) is not None:
            raise BackupError(f"{vault.where} holds other files. Give an empty folder or container to back up to.")
        vault.write(HEAD, msgspec.json.encode(Head(FORMAT, instance, utc())))
    elif head.instance != instance:
        raise WrongInstance(
            f"{vault.where} holds the backups of another instance ({head.instance}; this one is {instance}). Give each "
            "instance a folder or container of its own."
        )


def unfinished(vault: Vault) -> list[str]:
    """The ids of snapshots that broke off, the oldest first."""
    finished = set(finished_ids(vault))
    return [id for id in _ids(vault) if id not in finished]


def finished_ids(vault: Vault) -> list[str]:
    """The ids of all finished snapshots, the oldest first."""
    found = (name.split("/") for name, _ in vault.list(SNAPSHOTS))
    return [parts[1] for parts in found if len(parts) == 3 and parts[2] == MANIFEST and SNAPSHOT_ID.fullmatch(parts[1])]


def manifest_of(vault: Vault, id: str | None = None) -> Manifest:
    """The manifest of this snapshot, or of the latest that is finished. Raises BackupError if there is none."""
    if head_of(vault) is None:
        raise BackupError(f"There is no backup in {vault.where}.")
    ids = finished_ids(vault)
    wanted = id or (ids[-1] if ids else None)
    if wanted not in ids:
        there = f"The latest is {ids[-1]}" if ids else "No snapshot there is finished"
        raise BackupError(f"There is no finished snapshot {wanted or ''} in {vault.where}. {there}.".replace("  ", " "))
    return read_manifest(vault.read(snapshot_file(str(wanted), MANIFEST)), str(wanted))


def lines_of(vault: Vault, manifest: Manifest, what: str, kind: type[Line]) -> Iterator[Line]:
    """The lines of these lists. Raises BackupError if a list is missing or not what the manifest says."""
    for one in manifest.lists.get(what, []):
        name = snapshot_file(manifest.id, one.name)
        yield from unpacked(_checked(vault, name, one), kind, name)


def contents_of(vault: Vault, manifest: Manifest) -> Iterator[Content]:
    """The content of every blob in a snapshot. Raises BackupError."""
    for picture in lines_of(vault, manifest, PICTURES, PictureLine):
        if manifest.with_uploads:
            yield picture.upload.content
    for what in FILES:
        for line in lines_of(vault, manifest, what, FileLine):
            yield line.content


class Lists:
    """Writes the lists of a snapshot, as many lines in each as one may have."""

    def __init__(self, vault: Vault, id: str) -> None:
        self._vault = vault
        self._id = id
        self._waiting: dict[str, list[object]] = {}
        self.lists: dict[str, list[ListFile]] = {}

    def add(self, what: str, line: object) -> None:
        """Add a line. Raises Unavailable."""
        self._waiting.setdefault(what, []).append(line)
        if len(self._waiting[what]) >= LINES:
            self.flush(what)

    def flush(self, what: str) -> None:
        """Write what waits. Raises Unavailable."""
        written = self.lists.setdefault(what, [])
        if lines := self._waiting.pop(what, []):
            data, name = packed(lines), f"{what}-{len(written) + 1:04d}.jsonl.gz"
            self._vault.write(snapshot_file(self._id, name), data)
            written.append(ListFile(name, sha256_of(data), len(lines)))


@dataclass
class Checked:
    """What a check of a backup found: how many contents and bytes were read, and a sentence for each thing wrong."""

    contents: int = 0
    bytes: int = 0
    wrong: list[str] = field(default_factory=list)


def check(vault: Vault, manifest: Manifest, seen: Callable[[], None] = lambda: None) -> Checked:
    """Read a snapshot and all contents that it needs, and compare them with their checksums. Raises Unavailable."""
    found, contents, checked = Checked(), Contents(vault), set[str]()
    try:
        for content in contents_of(vault, manifest):
            if content.sha256 in checked:
                continue
            checked.add(content.sha256 or "")
            try:
                contents.open(content).close()
            except BackupError as error:
                found.wrong.append(str(error))
            found.contents, found.bytes = found.contents + 1, found.bytes + content.size_bytes
            seen()
        for what in DOCUMENTS:
            for _ in lines_of(vault, manifest, what, dict):
                pass
    except BackupError as error:
        found.wrong.append(str(error))
    return found


def prune(vault: Vault, keep: int) -> tuple[list[str], int]:
    """Delete all finished snapshots but the latest `keep`, and contents that no snapshot needs any more.

    Returns the ids of the snapshots, and how many bytes of contents went. Raises BackupError, Unavailable.
    """
    gone = finished_ids(vault)[:-keep]
    for id in gone:
        delete_snapshot(vault, id)
    return gone, sweep_contents(vault)


def delete_snapshot(vault: Vault, id: str) -> None:
    """Delete a snapshot, its manifest first, so that what is left of one that broke off counts for nothing."""
    vault.delete(snapshot_file(id, MANIFEST))
    for name in [name for name, _ in vault.list(f"{SNAPSHOTS}{id}/")]:
        vault.delete(name)


def sweep_contents(vault: Vault) -> int:
    """Delete the contents that no snapshot needs. Returns how many bytes went.

    Those of a snapshot that broke off go too; one that is being taken checks at its end that what it needs is there.
    Raises BackupError, Unavailable.
    """
    needed = {
        content.sha256
        for id in finished_ids(vault)
        for content in contents_of(vault, read_manifest(vault.read(snapshot_file(id, MANIFEST)), id))
    }
    freed = 0
    for name, size in list(vault.list(CONTENTS)):
        sha256 = name.rpartition("/")[2]
        if sha256 not in needed:
            vault.delete(name)
            freed += size
    return freed


def _ids(vault: Vault) -> list[str]:
    folders = {name.split("/")[1] for name, _ in vault.list(SNAPSHOTS)}
    return sorted(id for id in folders if SNAPSHOT_ID.fullmatch(id))


def _checked(vault: Vault, name: str, expected: ListFile) -> bytes:
    try:
        data = vault.read(name)
    except NotFound:
        raise BackupError(f"{name} is not in {vault.where}: the snapshot is damaged. Take another one.") from None
    if sha256_of(data) != expected.sha256:
        raise BackupError(f"{name} in {vault.where} is not what the manifest says: the snapshot is damaged.")
    return data
