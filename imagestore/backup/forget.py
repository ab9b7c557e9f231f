"""Forgets a picture: wherever a name, pixels or numbers of it are kept, they go, or it is said that they stay.

The order lets it be given again after it broke off anywhere: what is found by the picture's content comes first, and
the upload with its record, by which the content is known, last. Once the upload is gone labelled pictures are looked
through again, for copies that were made of it meanwhile.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from imagestore.backup.forget_backups import SHOW_PICTURES, Picture, contents_in, document_without, forget_in
from imagestore.backup.format import sha256_of
from imagestore.backup.snapshots import head_of
from imagestore.backup.vault import Vault
from imagestore.errors import BackupError, Conflict, NotFound
from imagestore.pipeline.changes.documents import Changes
from imagestore.pipeline.commit import remove_outputs
from imagestore.record import record_id
from imagestore.store import Blobs, Items, Stores
from imagestore.store.custom_vision import SUGGESTIONS_FILE
from imagestore.store.instance import open_restore
from imagestore.store.models import MODEL_FILE
from imagestore.store.training import COMPUTED, SPLIT

_LARGEST = 64 * 2**20
_TRIES = 20
_DELIVERY = "webhook_delivery"
_WORKS_ON_PICTURES = {"train", "promote", "import", "threshold"}


@dataclass
class Forgotten:
    """What was deleted and what stays, a sentence each; `others` are uploads with the same content."""

    deleted: list[str] = field(default_factory=list)
    stays: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)


def forget(
    stores: Stores, name: str, vaults: Iterable[Vault], told: Callable[[str], None] = lambda what: None
) -> Forgotten:
    """Delete the upload of this name and all that was made of it, here and in these backups.

    `told` is called with each place that is looked through. Given again it does the rest. Raises NotFound if neither
    the stores nor the backups know the name, Conflict while something goes on that would write it again, Unavailable,
    Protected.
    """
    places = list(vaults)
    _demand_quiet(stores)
    for vault in places:
        if head_of(vault) is None:
            raise BackupError(f"There is no backup in {vault.where}.")
    contents = _contents_here(stores, name)
    is_known = bool(contents) or stores.uploads.stat(name) is not None
    for vault in places:
        found = contents_in(vault, name)
        contents, is_known = contents | found, is_known or bool(found)
    if not is_known and stores.records.read(record_id(name)) is None:
        raise NotFound(f"There is no upload '{name}', and no backup that was named has one.")
    picture, done = Picture(name, frozenset(contents)), Forgotten()
    for vault in places:
        told(f"backups in {vault.where}")
        if forget_in(vault, picture):
            done.deleted.append(f"In the backups in {vault.where}.")
    told("labelled pictures")
    _in_training(stores.training, picture, done)
    told("models")
    _in_models(stores.model_files, picture, done)
    told("jobs")
    _in_jobs(stores.jobs, picture, done)
    told("answers that are kept for a day")
    _in_answers(stores.accounts, picture, done)
    told("the upload")
    done.others = _others(stores, picture)
    _demand_no_move(stores)
    _here(stores, picture, done)
    return done


def _demand_quiet(stores: Stores) -> None:
    """Raises Conflict while a job, a change or a restore goes on that may keep a copy of any picture."""
    busy = [
        str(item.document.get("kind"))
        for item in stores.jobs.find("job", {"is_open": "yes"})
        if item.document.get("kind") in _WORKS_ON_PICTURES
    ]
    if busy:
        raise Conflict(
            f"A job ({busy[0]}) is open, which may read the picture and keep numbers of it. Wait for its end."
        )
    _demand_no_move(stores)
    if open_restore(stores.model_files) is not None:
        raise Conflict("A restore is not finished, which may bring the picture back. End it first.")


def _demand_no_move(stores: Stores) -> None:
    """Raises Conflict while pictures are moved to training, or taken back."""
    if (one := next(Changes(stores.jobs).open_moves(), None)) is not None:
        raise Conflict(
            f"A change that moves pictures to training ({one.id}) is open, and may copy the picture. Wait for its end, "
            f"then give the command again; if it has stopped: imagestore changes continue {one.id}, or undo."
        )


def _contents_here(stores: Stores, name: str) -> set[str]:
    stored, found = stores.records.read(record_id(name)), set[str]()
    if stored is not None and stored.record.upload is not None and stored.record.upload.sha256:
        found.add(stored.record.upload.sha256)
    if stored is not None and stored.record.correction is not None and stored.record.correction.sha256:
        found.add(stored.record.correction.sha256)
    if not found and stores.uploads.stat(name) is not None:
        found.add(sha256_of(stores.uploads.get(name).data or b""))
    return found


def _in_training(blobs: Blobs, picture: Picture, done: Forgotten) -> None:
    """Delete copies in every project, what is known of them, and what was computed of the project's pictures."""
    deleted = _copies(blobs, picture)
    folders, count = {name.rpartition("/")[0] for name in deleted}, len(deleted)
    for name in [blob.name for page, _ in blobs.list() for blob in page]:
        folder, _, inner = name.rpartition("/")
        if COMPUTED.fullmatch(inner) and _holds(blobs, name, picture):
            blobs.delete(name)
            folders.add(folder)
            count += 1
        elif inner == SPLIT:
            _change_json(blobs, name, lambda found: _pending_without(found, picture))
    if count:
        done.deleted.append(f"{count} files of labelled pictures in {', '.join(sorted(folders))}: the copy, what was")
        done.deleted[-1] += " known of it, and numbers that were computed of it."


def _copies(blobs: Blobs, picture: Picture) -> list[str]:
    """Delete copies in every project, and what is known of them. Returns their names."""
    names = [blob.name for page, _ in blobs.list() for blob in page]
    found = [name for name in names if name.rpartition("/")[2].removesuffix(".json") in picture.contents]
    for name in found:
        blobs.delete(name)
    return found


def _in_models(blobs: Blobs, picture: Picture, done: Forgotten) -> None:
    """Delete reports that show the picture, and what was suggested for it; name what else knows it."""
    for page, _ in blobs.list():
        for blob in page:
            inner = blob.name.rpartition("/")[2]
            if inner == MODEL_FILE or blob.size_bytes > _LARGEST or not _holds(blobs, blob.name, picture):
                continue
            if inner == SUGGESTIONS_FILE:
                _change_json(blobs, blob.name, lambda found: _suggestions_without(found, picture))
                done.deleted.append(f"What was suggested for it in models/{blob.name}.")
            elif inner.endswith(SHOW_PICTURES):
                blobs.delete(blob.name)
                done.deleted.append(f"models/{blob.name}, which showed it or held numbers of it.")
            else:
                done.stays.append(
                    f"models/{blob.name} names it by its SHA-256: what a version learned from, or was tested with."
                )


def _in_jobs(items: Items, picture: Picture, done: Forgotten) -> None:
    """Take the picture out of changes of many pictures, which then leave it alone when they are undone, and delete what
    webhooks were told of it or are to be."""
    ids = [item.id for item in items.find(_DELIVERY, {"subject": record_id(picture.name)})]
    count, told = 0, sum(items.delete(id) for id in ids)
    for item in items.every(but=_DELIVERY):
        after = document_without(item.document, picture)
        if after is not None:
            for _ in range(_TRIES):
                now = items.read(item.id)
                after = None if now is None else document_without(now.document, picture)
                if now is None or after is None:
                    break
                try:
                    items.replace(after, now.etag)
                except Conflict:
                    continue
                count += 1
                break
        elif picture.is_in(json.dumps(item.document, ensure_ascii=False).encode("utf-8", "replace")):
            done.stays.append(f"The job {item.id} names it in what it says of its end; that goes within 90 days.")
    if count:
        done.deleted.append(f"In {count} parts of changes of many pictures.")
    if told:
        done.deleted.append(f"{told} events that tell webhooks of it. What was sent, their receivers have.")


def _in_answers(items: Items, picture: Picture, done: Forgotten) -> None:
    """Delete answers to requests with an idempotency key that name the picture."""
    id, found = record_id(picture.name), list[str]()
    for item in items.find("idempotency"):
        text = item.document.get("answer", {}).get("text") or ""
        if id in text or picture.is_in(text.encode("utf-8", "replace")):
            found.append(item.id)
    for answer in found:
        items.delete(answer)
    if found:
        done.deleted.append(f"{len(found)} answers to requests, which were kept for a day.")


def _here(stores: Stores, picture: Picture, done: Forgotten) -> None:
    """Delete the upload, and what was made of it."""
    name = picture.name
    had = stores.uploads.stat(name) is not None
    stores.uploads.delete(name)
    if _copies(stores.training, picture):
        done.deleted.append("A copy that was made of it meanwhile, among the labelled pictures.")
    remove_outputs(stores, name, for_good=True)
    if had:
        done.deleted.append("The upload, its record, result, staged picture, small pictures and vector.")


def _others(stores: Stores, picture: Picture) -> list[str]:
    return [
        record.name
        for record in stores.records.each()
        if record.name != picture.name and record.upload is not None and record.upload.sha256 in picture.contents
    ]


def _holds(blobs: Blobs, name: str, picture: Picture) -> bool:
    """Whether a file names the picture, as text or by the bytes of a SHA-256."""
    try:
        data = blobs.get(name, _LARGEST).data
    except NotFound:
        return False
    return data is not None and picture.is_in(data)


def _change_json(blobs: Blobs, name: str, changed: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    for _ in range(_TRIES):
        try:
            blob = blobs.get(name)
            before = json.loads(blob.data or b"{}")
            if (after := changed(before)) != before:
                blobs.put(name, json.dumps(after).encode(), "application/json", blob.etag, dict(blob.metadata))
        except NotFound:
            return
        except Conflict:
            continue
        return
    raise Conflict(f"Others kept writing {blobs.container}/{name}. Give the command again.")


def _pending_without(found: dict[str, Any], picture: Picture) -> dict[str, Any]:
    pending = {sha256: part for sha256, part in found.get("pending", {}).items() if sha256 not in picture.contents}
    return {**found, "pending": pending} if "pending" in found else found


def _suggestions_without(found: dict[str, Any], picture: Picture) -> dict[str, Any]:
    kept = {sha256: said for sha256, said in found.get("pictures", {}).items() if sha256 not in picture.contents}
    return {**found, "pictures": kept} if "pictures" in found else found
