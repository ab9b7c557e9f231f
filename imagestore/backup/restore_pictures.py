"""Puts uploads back with their records, results, tags and staged pictures, so that nothing is classified again.

An upload that is written has a new ETag, by which record, result and tags name it. The order for one picture: the
upload, with a mark for the event that follows it (pipeline/restored.py); the staged picture, made anew from it; then
record, result and tags, by the one module that writes them. So a record of the ETag that is there says that all before
it is done, and whatever breaks off in between is done again from there.
"""

import contextlib
import hashlib
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum

import msgspec

from imagestore.backup.contents import Contents
from imagestore.backup.format import PictureLine
from imagestore.backup.target import There, is_content
from imagestore.errors import BackupError, Conflict, Contended, NotFound, Protected
from imagestore.pipeline.commit import commit, repair
from imagestore.pipeline.names import result_name, staged_name
from imagestore.pipeline.restored import mark
from imagestore.pipeline.steps.preprocess_upload import STEP
from imagestore.record import Record, Status, record_id
from imagestore.store import Stores
from imagestore.store.documents import from_item, to_json
from imagestore.store.tags import agree, tags_of
from preprocess import Decoder, DecoderFailed, Limits, PictureError, write_staged

log = logging.getLogger("imagestore.backup")
_LARGE_BYTES = 2**24
"""Of uploads that are larger, one at a time is held in memory."""


class Outcome(StrEnum):
    """What became of a picture."""

    RESTORED = "restored"
    SAME = "there already"
    MENDED = "there, and its result, tags or staged picture mended"
    UPLOAD_DIFFERS = "of which another version is there"
    RECORD_DIFFERS = "whose records differ from the backup"
    NO_UPLOAD = "whose uploads are not there"
    NO_RECORD = "without a record, which are classified now"
    PROBLEM = "not restored"


@dataclass
class PictureRestore:
    """Restores pictures one by one, from any thread. Its errors of one picture are told to `problem`.

    With `overwrite`, what differs from the backup becomes as it is there; otherwise only what is missing is written.
    """

    stores: Stores
    contents: Contents
    there: There
    snapshot: str
    decoder: Decoder
    limits: Limits
    with_uploads: bool
    overwrite: bool
    dry_run: bool = False
    problem: Callable[[str], None] = field(default=log.warning)
    _large: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def restore(self, line: PictureLine) -> Outcome:
        """Restore a picture. Raises Unavailable."""
        is_large = line.upload.content.size_bytes > _LARGE_BYTES
        try:
            with self._large if is_large else contextlib.nullcontext():
                return self._restored(line)
        except (Protected, Contended, BackupError, msgspec.ValidationError) as error:
            self.problem(f"{line.upload.name}: {error}")
            return Outcome.PROBLEM

    def _restored(self, line: PictureLine) -> Outcome:
        name = line.upload.name
        etag, data = self._present(line), None
        is_new = etag is None
        if etag is None:
            if not self.with_uploads:
                if line.record is None:
                    return Outcome.SAME  # there is nothing to restore
                return Outcome.UPLOAD_DIFFERS if name in self.there.uploads else Outcome.NO_UPLOAD
            if name in self.there.uploads and not self.overwrite:
                return Outcome.UPLOAD_DIFFERS
            if self.dry_run:
                return Outcome.NO_RECORD if line.record is None else Outcome.RESTORED
            try:
                etag, data = self._put(line)
            except Conflict:
                return Outcome.UPLOAD_DIFFERS  # somebody dropped another just now
        if line.record is None:
            return Outcome.NO_RECORD if is_new else Outcome.SAME
        record = _of(from_item(line.record), etag)
        stored = self.stores.records.read(record.id)
        present = stored.record if stored else None
        if _is_current(present, etag, record):
            assert stored is not None
            if present != record and self.overwrite:
                self._stage(record, data, only_if_missing=True)
                return self._committed(record)
            is_staged_again = self._stage(record, data, only_if_missing=True)
            mended = self._mended(stored.result_etag, stored.record, etag) or is_staged_again
            if present != record:
                return Outcome.RECORD_DIFFERS
            return Outcome.MENDED if mended else Outcome.SAME
        self._stage(record, data, only_if_missing=False)
        return self._committed(record)

    def _present(self, line: PictureLine) -> str | None:
        """The ETag of the upload, if the same content is there. It is read if nothing else tells."""
        upload = line.upload
        blob = self.there.uploads.get(upload.name)
        if blob is None or upload.content.size_bytes != blob.size_bytes:
            return None
        if is_content(upload, blob):
            return blob.etag
        sha256 = upload.content.sha256 or ((line.record or {}).get("upload") or {}).get("sha256")
        if sha256 is None or (blob.md5 is not None and upload.content.md5 is not None):
            return None
        found = hashlib.sha256()
        with self.stores.uploads.opened(upload.name) as opened:
            for chunk in opened.chunks:
                found.update(chunk)
        return opened.etag if found.hexdigest() == sha256 else None

    def _put(self, line: PictureLine) -> tuple[str, bytes | None]:
        """Write the upload. Returns its ETag, and its content if that is to be decoded. Raises Conflict."""
        upload, name = line.upload, line.upload.name
        blob = self.there.uploads.get(name)
        marked = {} if line.record is None else mark(name, self.snapshot)  # else its event has it classified
        with self.contents.open(upload.content) as file:
            data = file.read() if upload.content.size_bytes <= self.limits.max_bytes else None
            file.seek(0)
            etag = self.stores.uploads.put_stream(
                name,
                file,
                upload.content.size_bytes,
                upload.content_type,
                blob.etag if blob else None,
                md5=bytes.fromhex(upload.content.md5) if upload.content.md5 else None,
                metadata={**upload.metadata, **marked},
                tags=upload.tags,
            )
        return etag, data

    def _committed(self, record: Record) -> Outcome:
        """Write record, result and tags."""
        if self.dry_run:
            return Outcome.RESTORED
        assert record.upload is not None
        etag = record.upload.etag

        def revise(stored: Record | None) -> Record | None:
            keeps = _is_current(stored, etag, record) and not self.overwrite
            return None if keeps or stored == record else record

        commit(self.stores, record.name, etag, revise, believe_record=False)
        return Outcome.RESTORED

    def _mended(self, result_etag: str | None, present: Record, etag: str) -> bool:
        """Bring result and tags together with the record that is there, if they are not. Returns whether they were."""
        result, blob = self.there.results.get(result_name(present.name)), self.there.uploads.get(present.name)
        is_whole = result is not None and result.etag == result_etag and blob is not None and blob.etag == etag
        if is_whole and blob is not None and agree(blob.tags, tags_of(present)):
            return False
        if not self.dry_run:
            repair(self.stores, present.name)
        return True

    def _stage(self, record: Record, data: bytes | None, *, only_if_missing: bool) -> bool:
        """Make the staged picture anew, if the record has one. Returns whether that was needed.

        With `only_if_missing`, one that is there is of the version of the upload that is there.
        """
        if record.staged is None or (only_if_missing and staged_name(record.name) in self.there.staging):
            return False
        if self.dry_run:
            return True
        try:
            data = data or self.stores.uploads.get(record.name, self.limits.max_bytes).data or b""
            _, pixels = self.decoder.preprocess(data, record.staged.spec, self.limits)
        except NotFound:  # deleted just now: whoever writes the record finds that, too
            return False
        except (PictureError, DecoderFailed) as error:
            self.problem(f"{record.name}: its staged picture cannot be made again ({error}).")
            return False
        note, name = to_json(_as_staged(record)).decode(), staged_name(record.name)
        self.stores.staging.overwrite(name, write_staged(pixels, note), "image/png", mark(record.name, self.snapshot))
        return True


def _of(record: Record, etag: str) -> Record:
    """The record, of the version of the upload with this ETag."""
    assert record.upload is not None
    return replace(record, upload=replace(record.upload, etag=etag))


def _as_staged(record: Record) -> Record:
    """The record as it was when the picture was staged, which stands in the staged picture."""
    assert record.staged is not None
    return Record(
        id=record_id(record.name),
        name=record.name,
        upload=record.upload,
        image=record.image,
        staged=replace(record.staged, size_bytes=0),
        timings_ms={STEP: record.timings_ms[STEP]} if STEP in record.timings_ms else {},
        uploaded_at=record.uploaded_at,
        staged_at=record.staged_at,
        trace_id=record.trace_id,
        project=record.project,
    )


def _is_current(stored: Record | None, etag: str, backed_up: Record) -> bool:
    """Whether there is a record of this version of the upload; that it failed counts only if it had before, too."""
    if stored is None or stored.upload is None or stored.upload.etag != etag:
        return False
    return stored.status is not Status.FAILED or backed_up.status is Status.FAILED
