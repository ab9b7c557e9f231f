"""Restores a snapshot into an empty account, or what is missing or damaged into the instance that it is of.

While it is not finished, `restore.json` says so: sweeps leave alone what it has put there, and no backup is taken. It
is given again after it broke off anywhere, and goes on: what is there is not written again. Models and labelled
pictures come before the pictures, so that uploads that arrive meanwhile are classified as they were; of each container
the files that speak of others come last.
"""

import functools
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from imagestore.backup.contents import Contents
from imagestore.backup.documents import Came, restore_document
from imagestore.backup.format import DocumentLine, FileLine, Line, Manifest, PictureLine
from imagestore.backup.make import Begin, unheard
from imagestore.backup.restore_pictures import Outcome, PictureRestore
from imagestore.backup.snapshots import DOCUMENTS, FILES, PICTURES, lines_of
from imagestore.backup.target import There, demand_same_instance, is_content
from imagestore.backup.vault import Vault
from imagestore.errors import BackupError, Conflict, Protected
from imagestore.record import utc
from imagestore.store import Blobs, Items, Listed, Stores
from imagestore.store.instance import INSTANCE, OpenRestore, begin_restore, end_restore, name_instance, open_restore
from imagestore.store.training import at_once
from preprocess import Decoder, Limits

_BATCH = 500
_MOST_PROBLEMS = 1000
_BYTES = "application/octet-stream"


@dataclass(frozen=True)
class Wanted:
    """What to restore, and how. Without `uploads`, records come back for the uploads that are there."""

    uploads: bool = True
    overwrite: bool = False
    dry_run: bool = False
    by: str = ""


@dataclass
class Restored:
    """What a restore did: how many pictures, files and documents of what kind became what, and what went wrong."""

    pictures: Counter[Outcome] = field(default_factory=Counter)
    files: Counter[tuple[str, Came]] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def problem(self, text: str) -> None:
        """Note what went wrong."""
        with self._lock:
            if len(self.problems) < _MOST_PROBLEMS:
                self.problems.append(text)

    @property
    def differing(self) -> int:
        """How many pictures, files and documents differ from the backup and were left as they are."""
        pictures = self.pictures[Outcome.UPLOAD_DIFFERS] + self.pictures[Outcome.RECORD_DIFFERS]
        return pictures + sum(count for (_, came), count in self.files.items() if came is Came.DIFFERS)


def restore(
    stores: Stores,
    vault: Vault,
    manifest: Manifest,
    wanted: Wanted,
    decoder: Decoder,
    limits: Limits,
    begin: Begin = unheard,
) -> Restored:
    """Restore a snapshot; see Wanted. All lists are read and checked before anything is written.

    Raises WrongInstance, BackupError, Conflict if another restore is not finished, Unavailable.
    """
    if wanted.uploads and not manifest.with_uploads:
        raise BackupError(
            f"Snapshot {manifest.id} was taken without uploads. Restore them from where they are kept, then: "
            "imagestore restore --without-uploads."
        )
    _demand_readable(vault, manifest, begin)
    there = There.listed(stores)
    demand_same_instance(stores, vault, manifest, there)
    if not wanted.dry_run:
        _begin(stores, manifest, wanted.by)
    done, contents = Restored(), Contents(vault)
    _restore_files(stores, vault, manifest, wanted, contents, there, done, begin)
    _restore_documents(stores, vault, manifest, wanted, done, begin)
    pictures = PictureRestore(
        stores,
        contents,
        there,
        manifest.id,
        decoder,
        limits,
        wanted.uploads,
        wanted.overwrite,
        wanted.dry_run,
        done.problem,
    )
    told = begin("Restoring pictures", manifest.count(PICTURES))
    for batch in _batches(lines_of(vault, manifest, PICTURES, PictureLine)):
        done.pictures.update(at_once(pictures.restore, batch, told))
    if not wanted.dry_run and not done.pictures[Outcome.PROBLEM]:
        end_restore(stores.model_files)
    return done


def _begin(stores: Stores, manifest: Manifest, by: str) -> None:
    """Name the instance and note that the restore is not finished. Raises Conflict if another is not."""
    name_instance(stores.model_files, manifest.instance)
    going = open_restore(stores.model_files)
    if going is None:
        begin_restore(stores.model_files, OpenRestore(manifest.id, utc(), by))
    elif going.snapshot != manifest.id:
        raise Conflict(
            f"A restore of snapshot {going.snapshot} began at {going.begun_at} and is not finished. End it first: "
            f"imagestore restore --snapshot {going.snapshot}. Or give it up: imagestore restore --give-up."
        )


def _demand_readable(vault: Vault, manifest: Manifest, begin: Begin) -> None:
    """Read every list once. Raises BackupError if one is damaged."""
    told = begin("Checking the lists", sum(map(manifest.count, manifest.lists)))
    for what in manifest.lists:
        for _ in lines_of(vault, manifest, what, dict):
            told()


def _restore_files(
    stores: Stores,
    vault: Vault,
    manifest: Manifest,
    wanted: Wanted,
    contents: Contents,
    there: There,
    done: Restored,
    begin: Begin,
) -> None:
    places = (stores.results, there.results), (stores.training, there.training), (stores.model_files, there.models)
    for what, (blobs, listed) in zip(FILES, places, strict=True):
        told = begin(f"Restoring {what}", manifest.count(what))
        lines = sorted(lines_of(vault, manifest, what, FileLine), key=lambda line: _comes_last(what, line.name))
        first = [line for line in lines if not _comes_last(what, line.name)]

        one = functools.partial(_restore_file, blobs, listed, wanted, contents, done.problem)
        for group in (first, lines[len(first) :]):
            for came in at_once(one, group, told):
                done.files[what, came] += 1


def _comes_last(what: str, name: str) -> bool:
    """Whether this file speaks of others in its container."""
    return "/" not in name or (what == "training" and name.endswith("/split.json"))


def _restore_file(
    blobs: Blobs,
    listed: dict[str, Listed],
    wanted: Wanted,
    contents: Contents,
    problem: Callable[[str], None],
    line: FileLine,
) -> Came:
    there = listed.get(line.name)
    if line.name == INSTANCE:
        return Came.SAME
    if there is not None:
        if is_content(line, there) and dict(there.metadata) == line.metadata:
            return Came.SAME
        if not wanted.overwrite:
            return Came.DIFFERS
    if wanted.dry_run:
        return Came.RESTORED
    try:
        with contents.open(line.content) as file:
            blobs.put_stream(
                line.name,
                file,
                line.content.size_bytes,
                line.content_type or _BYTES,
                there.etag if there else None,
                md5=bytes.fromhex(line.content.md5) if line.content.md5 else None,
                metadata=line.metadata,
            )
    except Conflict:  # somebody wrote it just now
        return Came.DIFFERS
    except (BackupError, Protected) as error:
        problem(f"{blobs.container}/{line.name}: {error}")
        return Came.DIFFERS
    return Came.RESTORED


def _restore_documents(
    stores: Stores, vault: Vault, manifest: Manifest, wanted: Wanted, done: Restored, begin: Begin
) -> None:
    audit_ttl_s = stores.names.audit_days * 86_400
    places: tuple[tuple[Items, int | None], ...] = (
        (stores.accounts, None),
        (stores.audit, audit_ttl_s if audit_ttl_s > 0 else None),
        (stores.jobs, None),
    )
    for what, (items, ttl_s) in zip(DOCUMENTS, places, strict=True):
        overwrite = wanted.overwrite and what != "audit"  # an entry of the audit log is never changed

        one = functools.partial(
            restore_document, items, default_ttl_s=ttl_s, overwrite=overwrite, dry_run=wanted.dry_run
        )
        told = begin(f"Restoring {what}", manifest.count(what))
        for batch in _batches(lines_of(vault, manifest, what, DocumentLine)):
            *rest, last = batch
            for came in (*at_once(one, rest, told), *at_once(one, [last], told)):  # the list of administrators is last
                done.files[what, came] += 1


def _batches(lines: Iterable[Line]) -> Iterator[list[Line]]:
    batch: list[Line] = []
    for line in lines:
        batch.append(line)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
