"""Takes a snapshot of an instance while it works.

The order keeps what is read together. Uploads are read before records, and a record counts only if it is of the version
that was read: what changed in between is looked at once more. Of other containers the files that speak of others are
read first (which model is live, which pictures test): what they name is there by then.

What was read is noted as it goes, so a backup that broke off anywhere is given again and reads nothing twice. It needs
about a kilobyte of memory for each blob.
"""

import secrets
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice

import msgspec

from imagestore import __version__
from imagestore.backup.contents import Contents
from imagestore.backup.documents import kept_documents
from imagestore.backup.format import (
    FORMAT,
    MANIFEST,
    Content,
    DocumentLine,
    FileLine,
    LeftOut,
    Manifest,
    PictureLine,
    packed,
    snapshot_file,
    unpacked,
)
from imagestore.backup.snapshots import (
    DOCUMENTS,
    FILES,
    KNOWN,
    PICTURES,
    Lists,
    delete_snapshot,
    demand_head,
    finished_ids,
    lines_of,
    manifest_of,
    unfinished,
)
from imagestore.backup.vault import Vault
from imagestore.errors import BackupError, Conflict, NotARecord, NotFound, Protected
from imagestore.pipeline.names import result_name
from imagestore.pipeline.restored import unmarked
from imagestore.record import Status, record_id, utc
from imagestore.store import Blobs, Listed, Stores
from imagestore.store.documents import from_json, to_item
from imagestore.store.instance import RESTORE, name_instance, open_restore
from imagestore.store.tags import users
from imagestore.store.training import COMPUTED, at_once

Begin = Callable[[str, int], Callable[[], None]]
"""Begins a stage of so many steps (0: not known), and returns what to call after each."""
_BATCH = 200
"""So many blobs are read until what was read is noted."""
_LOOKS = 3


def unheard(stage: str, steps: int) -> Callable[[], None]:
    """Progress that nobody hears of."""
    return lambda: None


@dataclass(frozen=True)
class _Known:
    """A blob of a container that was read before."""

    container: str
    file: FileLine


def back_up(
    stores: Stores,
    vault: Vault,
    *,
    with_uploads: bool = True,
    begin: Begin = unheard,
    demand: Callable[[], object] = lambda: None,
) -> Manifest:
    """Take a snapshot, and return its manifest. What the snapshots before it have is not read again.

    `demand` is called before the snapshot counts, which what it raises prevents. Raises WrongInstance, BackupError,
    Unavailable.
    """
    if (restoring := open_restore(stores.model_files)) is not None:
        raise BackupError(
            f"A restore of snapshot {restoring.snapshot} is not finished here, so half of the data may be missing. End "
            "it first: imagestore restore."
        )
    instance = name_instance(stores.model_files)
    demand_head(vault, instance)
    return _Snapshot(stores, vault, instance, with_uploads, begin).take(demand)


class _Snapshot:
    def __init__(self, stores: Stores, vault: Vault, instance: str, with_uploads: bool, begin: Begin) -> None:
        self._stores = stores
        self._vault = vault
        self._instance = instance
        self._with_uploads = with_uploads
        self._begin = begin
        self._begun_at = datetime.now(UTC)
        self.id = f"{self._begun_at:%Y%m%dT%H%M%S%fZ}-{secrets.token_hex(3)}"
        self._lists = Lists(vault, self.id)
        self._contents = Contents(vault)
        self._left_out: list[LeftOut] = []
        self._broken_off = unfinished(vault)
        self._known = {(one.container, one.file.name, one.file.etag): one.file for one in self._read_before()}
        self._noted = 0
        self._with_result = set[str]()
        """The names of results that a restore makes anew from the record."""

    def take(self, demand: Callable[[], object]) -> Manifest:
        self._pictures()
        for what, blobs in zip(
            FILES, (self._stores.results, self._stores.training, self._stores.model_files), strict=True
        ):
            self._files(what, blobs)
        for what, items in zip(DOCUMENTS, (self._stores.accounts, self._stores.audit, self._stores.jobs), strict=True):
            told = self._begin(f"Reading {what}", 0)
            for item in kept_documents(what, items.every()):
                self._lists.add(what, DocumentLine(item.document, item.written_at))
                told()
            self._lists.flush(what)
        manifest = Manifest(
            format=FORMAT,
            id=self.id,
            instance=self._instance,
            app_version=__version__,
            begun_at=utc(self._begun_at),
            ended_at=utc(),
            with_uploads=self._with_uploads,
            lists=self._lists.lists,
            left_out=self._left_out,
            new_bytes=self._contents.new_bytes,
        )
        self._demand_whole()
        demand()
        self._vault.write(snapshot_file(self.id, MANIFEST), msgspec.json.format(msgspec.json.encode(manifest)))
        for id in self._broken_off:
            delete_snapshot(self._vault, id)
        for number in range(self._noted):
            self._vault.delete(snapshot_file(self.id, _known_name(number)))
        return manifest

    def _pictures(self) -> None:
        uploads = {line.name: line for line in self._read(self._stores.uploads, self._with_uploads, "uploads")}
        told, changed = self._begin("Reading records", len(uploads)), list[str]()
        for item in self._stores.record_items.every():
            name = str(item.document.get("name", ""))
            if not name or item.document.get("status") == Status.DELETED or name not in uploads:
                continue
            upload = uploads.pop(name)
            if (item.document.get("upload") or {}).get("etag") == upload.etag:
                self._add(PictureLine(upload, item.document))
            else:
                changed.append(name)
            told()
        changed += uploads  # those without a record: on their way, or Cosmos DB has lost it
        for name in changed:
            if (line := self._once_more(name)) is not None:
                self._add(line)
            told()
        self._lists.flush(PICTURES)

    def _add(self, line: PictureLine) -> None:
        self._lists.add(PICTURES, line)
        if line.record is not None:
            self._with_result.add(result_name(line.upload.name))

    def _once_more(self, name: str) -> PictureLine | None:
        """The upload as it is now, with its record, or where Cosmos DB has none with that of its result."""
        line: PictureLine | None = None
        for _ in range(_LOOKS):
            if (upload := self._read_one(name)) is None:
                return None
            stored = self._stores.record_items.read(record_id(name))
            line = PictureLine(upload, None if stored is None else stored.document)
            if stored is not None and (stored.document.get("upload") or {}).get("etag") == upload.etag:
                return line
        assert line is not None
        try:
            record = from_json(self._stores.results.get(result_name(name)).data or b"")
        except (NotFound, NotARecord):
            return replace(line, record=None)
        is_of_it = record.name == name and record.upload is not None and record.upload.etag == line.upload.etag
        return replace(line, record=to_item(record) if is_of_it else None)

    def _read_one(self, name: str) -> FileLine | None:
        for page, _ in self._stores.uploads.list(tags=True, metadata=True, prefix=name):
            for blob in page:
                if blob.name == name:
                    return self._line(self._stores.uploads, blob, self._with_uploads)
        return None

    def _files(self, what: str, blobs: Blobs) -> None:
        for line in self._read(blobs, True, what):
            self._lists.add(what, line)
        self._lists.flush(what)

    def _read(self, blobs: Blobs, with_content: bool, what: str) -> Iterator[FileLine]:
        """The blobs of a container that belong into a backup, as lines."""
        told, is_uploads = self._begin(f"Reading {what}", 0), what == "uploads"

        def listed() -> Iterator[Listed]:
            for first in (True, False):
                for page, _ in blobs.list(tags=is_uploads, metadata=True):
                    yield from (blob for blob in page if self._order(what, blob.name) is first)

        waiting = listed()
        while batch := list(islice(waiting, _BATCH)):
            lines = at_once(lambda blob: self._line(blobs, blob, with_content), batch, told)
            found = [line for line in lines if line is not None]
            self._note(blobs.container, found)
            yield from found

    def _order(self, what: str, name: str) -> bool | None:
        """Whether a blob is read in the first pass or in the second; None if it does not belong into a backup."""
        if what == "results":
            return True if self._stores.names.keep_results and name not in self._with_result else None
        inner = name.rpartition("/")[2]
        if what == "training":
            return None if COMPUTED.fullmatch(inner) else inner == "split.json"
        if what == "models":
            return None if name == RESTORE else "/" not in name
        return True

    def _line(self, blobs: Blobs, blob: Listed, with_content: bool) -> FileLine | None:
        tags, metadata = users(blob.tags), unmarked(blob.metadata)
        known = self._known.get((blobs.container, blob.name, blob.etag))
        if known is not None and (self._contents.has(known.content) or not with_content):
            return replace(known, tags=tags, metadata=metadata)
        if not with_content:
            content = Content(blob.size_bytes, None, blob.md5.hex() if blob.md5 else None)
            return FileLine(blob.name, blob.etag, content, None, metadata, tags)
        for _ in range(_LOOKS):
            try:
                with blobs.opened(blob.name) as opened:
                    content = self._contents.keep(opened.chunks)
                    return FileLine(
                        blob.name, opened.etag, content, opened.content_type, unmarked(opened.metadata), tags
                    )
            except NotFound:  # deleted since it was listed
                return None
            except Conflict:  # overwritten while it was read
                continue
            except Protected as error:
                self._left_out.append(LeftOut(blobs.container, blob.name, str(error)))
                return None
        self._left_out.append(LeftOut(blobs.container, blob.name, "It was overwritten again and again."))
        return None

    def _note(self, container: str, lines: Iterable[FileLine]) -> None:
        """Note what was read now, for the case that this snapshot breaks off."""
        new = [_Known(container, line) for line in lines if (container, line.name, line.etag) not in self._known]
        if new:
            self._vault.write(snapshot_file(self.id, _known_name(self._noted)), packed(new))
            self._noted += 1
            self._known |= {(container, one.file.name, one.file.etag): one.file for one in new}

    def _read_before(self) -> Iterator[_Known]:
        names = self._stores.names
        if ids := finished_ids(self._vault):
            before = manifest_of(self._vault, ids[-1])
            for picture in lines_of(self._vault, before, PICTURES, PictureLine):
                yield _Known(names.uploads, picture.upload)
            for what, container in zip(FILES, (names.results, names.training, names.models), strict=True):
                for line in lines_of(self._vault, before, what, FileLine):
                    yield _Known(container, line)
        for id in self._broken_off:
            for name in [name for name, _ in self._vault.list(snapshot_file(id, KNOWN))]:
                yield from unpacked(self._vault.read(name), _Known, name)

    def _demand_whole(self) -> None:
        """Raises BackupError if a content that the snapshot needs is not there any more: somebody has pruned."""
        now = Contents(self._vault)
        for what in (PICTURES, *FILES) if self._with_uploads else FILES:
            kind: type[PictureLine | FileLine] = PictureLine if what == PICTURES else FileLine
            for list in self._lists.lists.get(what, []):
                name = snapshot_file(self.id, list.name)
                for line in unpacked(self._vault.read(name), kind, name):
                    content = (line.upload if isinstance(line, PictureLine) else line).content
                    if not now.has(content):
                        raise BackupError(
                            f"The content {content.sha256} has gone from {self._vault.where} since it was written. "
                            "Does somebody prune it? Take the snapshot again."
                        )


def _known_name(number: int) -> str:
    return f"{KNOWN}-{number:04d}.jsonl.gz"
