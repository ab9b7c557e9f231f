"""Forgets a picture in backups: lists that have it are written anew without it, and contents go that only it needs."""

import html
import json
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from imagestore.backup.contents import Contents
from imagestore.backup.format import (
    MANIFEST,
    SNAPSHOTS,
    FileLine,
    ListFile,
    Manifest,
    PictureLine,
    packed,
    sha256_of,
    snapshot_file,
)
from imagestore.backup.snapshots import (
    DOCUMENTS,
    FILES,
    PICTURES,
    delete_snapshot,
    finished_ids,
    lines_of,
    manifest_of,
    sweep_contents,
    unfinished,
)
from imagestore.backup.vault import Vault
from imagestore.pipeline.names import result_name
from imagestore.record import record_id
from imagestore.store.custom_vision import SUGGESTIONS_FILE
from imagestore.store.learned import LEARNED_FILE
from imagestore.store.models import REPORT_FILE

SHOW_PICTURES = (REPORT_FILE, SUGGESTIONS_FILE, LEARNED_FILE, ".npz", ".npy")
"""How files of models end that may show pictures, or hold numbers of them. Without them a version works as before."""


@dataclass(frozen=True)
class Picture:
    """What is looked for: the upload's name, and the SHA-256 of each content that it is known to have had."""

    name: str
    contents: frozenset[str]

    def is_in(self, data: bytes) -> bool:
        """Whether a file of any kind holds the name, as JSON, HTML or plain text, or a SHA-256, in hex or as bytes."""
        plain = {self.name, json.dumps(self.name)[1:-1], json.dumps(self.name, ensure_ascii=False)[1:-1]}
        texts = (one.encode() for one in plain | {html.escape(self.name)} | self.contents)
        return any(one in data for one in (*texts, *map(bytes.fromhex, self.contents)))


def contents_in(vault: Vault, name: str) -> set[str]:
    """The SHA-256 of each content that an upload of this name has in a snapshot. Raises BackupError, Unavailable."""
    found = set[str]()
    for id in finished_ids(vault):
        for line in lines_of(vault, manifest_of(vault, id), PICTURES, PictureLine):
            if line.upload.name == name and line.upload.content.sha256 is not None:
                found.add(line.upload.content.sha256)
    return found


def forget_in(vault: Vault, picture: Picture) -> bool:
    """Delete the picture from all snapshots. Returns whether it was in one. Raises BackupError, Unavailable.

    A manifest names new lists, under other names, before the old ones go; so it is right at any time.
    """
    for id in unfinished(vault):
        delete_snapshot(vault, id)
    contents, was_there = Contents(vault), False
    for id in finished_ids(vault):
        before = manifest_of(vault, id)
        after = _without(vault, contents, before, picture)
        if after != before:
            was_there = True
            vault.write(snapshot_file(id, MANIFEST), msgspec.json.format(msgspec.json.encode(after)))
        named = {snapshot_file(id, one.name) for lists in after.lists.values() for one in lists}
        for name in [name for name, _ in vault.list(f"{SNAPSHOTS}{id}/")]:
            if name not in named and not name.endswith(MANIFEST):
                vault.delete(name)
    return sweep_contents(vault) > 0 or was_there


def document_without(document: dict[str, Any], picture: Picture) -> dict[str, Any] | None:
    """A part of a change of many pictures without this one; None if the document is none, or does not have it."""
    pictures = document.get("pictures")
    if document.get("type") != "bulk_part" or not isinstance(pictures, list):
        return None
    ids = {record_id(picture.name), *picture.contents}  # of a labelled picture it is the SHA-256
    kept = [one for one in pictures if one.get("id") not in ids and one.get("name") != picture.name]
    return None if len(kept) == len(pictures) else {**document, "pictures": kept}


def _without(vault: Vault, contents: Contents, manifest: Manifest, picture: Picture) -> Manifest:
    """The manifest of the same snapshot without the picture, whose lists are written."""
    lists = dict(manifest.lists)
    for what in (PICTURES, *FILES, *DOCUMENTS):
        kind: type[Any] = PictureLine if what == PICTURES else FileLine if what in FILES else dict
        new = list[ListFile]()
        for one in manifest.lists.get(what, []):
            lines = list(lines_of(vault, replace(manifest, lists={what: [one]}), what, kind))
            found = (_line_without(contents, what, line, picture) for line in lines)
            kept = [line for line in found if line is not None]
            new.append(one if kept == lines else _written(vault, manifest.id, one, kept))
        lists[what] = new
    left_out = [one for one in manifest.left_out if one.name != picture.name]
    return replace(manifest, lists={what: lists[what] for what in manifest.lists}, left_out=left_out)


def _written(vault: Vault, id: str, before: ListFile, lines: list[Any]) -> ListFile:
    data = packed(lines)
    stem, _, ending = before.name.partition(".")
    name = f"{stem.partition('_')[0]}_{sha256_of(data)[:8]}.{ending}"
    vault.write(snapshot_file(id, name), data)
    return ListFile(name, sha256_of(data), len(lines))


def _line_without(contents: Contents, what: str, line: Any, picture: Picture) -> Any:
    """A line of a list without the picture; None if all of it is of the picture."""
    if what == PICTURES:
        return None if line.upload.name == picture.name else line
    if what == "jobs":
        document = document_without(line["document"], picture)
        return line if document is None else {**line, "document": document}
    if what in FILES and _shows(contents, what, line, picture):
        return None
    return line


def _shows(contents: Contents, what: str, line: FileLine, picture: Picture) -> bool:
    if what == "results":
        return line.name == result_name(picture.name)
    if what == "training":
        return line.name.rpartition("/")[2].removesuffix(".json") in picture.contents
    if not line.name.endswith(SHOW_PICTURES):
        return False
    with contents.open(line.content) as file:
        return picture.is_in(file.read())
