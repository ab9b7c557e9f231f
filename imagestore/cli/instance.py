"""What commands about pictures ask for, wherever it is done: by the stores themselves, or by a distant web app."""

import functools
import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from imagestore.cli import servers, stores
from imagestore.cli.instance_projects import Projects, ProjectsOverApi, ProjectsOverStores
from imagestore.cli.intake import PictureFile, Send, Sent
from imagestore.cli.profiles import Server
from imagestore.client import Client, Pending
from imagestore.errors import NotFound
from imagestore.pipeline.changes.bulk import BulkChanges
from imagestore.pipeline.changes.corrections import BatchCorrected, Corrections, RowStatus, told
from imagestore.pipeline.changes.documents import ChangeState
from imagestore.pipeline.changes.status import ChangeStatus
from imagestore.pipeline.delete import delete, demand_upload
from imagestore.pipeline.labelling.correct import correct
from imagestore.pipeline.models.live import add_route, remove_route
from imagestore.pipeline.names import staged_name
from imagestore.pipeline.upkeep.retry import retry_failed, retry_one
from imagestore.pipeline.upload import content_type, is_unchanged
from imagestore.record import Record, Status, record_id, stored_name
from imagestore.settings import account
from imagestore.store import Stores
from imagestore.store.routes import ModelList

_ID = re.compile("[0-9a-f]{32}")
_CHUNK_BYTES = 2**20


class Instance(Projects, Protocol):
    """Pictures and models of one instance. Every method raises Unavailable or RemoteError."""

    @property
    def where(self) -> str:
        """Where the pictures are, for a question such as "Delete it from …?"."""

    def sender(self) -> Send:
        """What uploads a file, unless it is there unchanged."""

    def pictures(
        self, *, label: str | None, status: Status | None, since: str | None, limit: int | None
    ) -> Iterator[Record]:
        """The pictures that fit, newest first."""

    def picture(self, name: str) -> Record:
        """The record of the picture with this name or id. Raises NotFound."""

    def original(self, record: Record) -> bytes:
        """The upload. Raises NotFound."""

    def staged(self, record: Record) -> bytes:
        """The staged picture. Raises NotFound."""

    def correct(self, name: str, labels: Sequence[str]) -> Record:
        """Say what a picture shows, or without a label take that back. Raises NotALabel, NotFound, or Conflict."""

    def correct_many(self, found: Corrections) -> BatchCorrected:
        """Make these corrections, as one change. At most MOST_CORRECTIONS."""

    def demand(self, name: str) -> None:
        """Raises NotFound if there is no upload of this name."""

    def delete(self, name: str) -> None:
        """Delete an upload. Raises NotFound or Protected."""

    def retry(self, name: str, *, dry_run: bool) -> str:
        """Queue an upload to be done again. Returns its name. Raises NotFound."""

    def retry_failed(self, reason: str | None, *, dry_run: bool) -> Iterator[str]:
        """Queue all uploads that failed, or that have this reason; their names."""

    def models(self) -> ModelList:
        """Versions of models."""

    def add_route(self, pattern: str, project: str) -> ModelList:
        """Have a project classify the uploads under a pattern. Raises NotARoute, NotFound or Conflict."""

    def remove_route(self, pattern: str) -> ModelList:
        """Take a route away. Raises NotARoute, NotFound or Conflict."""

    def figures(self, name: str, version: str) -> dict[str, Any] | None:
        """The result of a version's evaluation; None if there is none."""

    def problem(self, name: str, version: str) -> str | None:
        """Why a version's file cannot be used, if somebody has looked at it and it cannot."""

    def model_file(self, name: str, version: str, file: str) -> bytes:
        """A file of a version. Raises NotFound."""


def opened() -> Instance:
    """The instance that this command works on: a distant one if one was named, else the stores. Raises
    SettingsError."""
    server = servers.given()
    return OverStores(stores.opened()) if server is None else OverApi(client_of(server))


def client_of(server: Server) -> Client:
    """A client of this web app. Raises SettingsError."""
    return Client(server.address, server.key, insecure_http=server.insecure_http)


@dataclass(frozen=True)
class OverStores(ProjectsOverStores):
    """An instance whose stores are within reach."""

    stores: Stores

    @property
    def where(self) -> str:
        """See Instance."""
        return f"container {self.stores.names.uploads}"

    def sender(self) -> Send:
        """See Instance. What is there is listed once, and compared by MD5."""
        there = {blob.name: blob for page, _ in self.stores.uploads.list() for blob in page}

        def send(picture: PictureFile) -> Sent:
            md5 = _digest(picture.path, functools.partial(hashlib.md5, usedforsecurity=False)).digest()
            known = there.get(picture.name)
            if known is not None and is_unchanged(known, md5, picture.size_bytes):
                return Sent(known.etag, is_new=False)
            with picture.path.open("rb") as stream:
                etag = self.stores.uploads.send(
                    picture.name, stream, picture.size_bytes, content_type(picture.name), md5
                )
            return Sent(etag, is_new=True)

        return send

    def pictures(
        self, *, label: str | None, status: Status | None, since: str | None, limit: int | None
    ) -> Iterator[Record]:
        """See Instance."""
        return self.stores.records.each(label=label, status=status and str(status), since=since, limit=limit)

    def picture(self, name: str) -> Record:
        """See Instance."""
        known = self.stores.records.read(record_id(name))
        if known is None and _ID.fullmatch(name):
            known = self.stores.records.read(name)
        if known is None:
            raise _no_record(name)
        return known.record

    def original(self, record: Record) -> bytes:
        """See Instance."""
        return self.stores.uploads.get(record.name).data or b""

    def staged(self, record: Record) -> bytes:
        """See Instance."""
        return self.stores.staging.get(staged_name(record.name)).data or b""

    def correct(self, name: str, labels: Sequence[str]) -> Record:
        """See Instance. The correction is by the user of this machine."""
        return correct(self.stores, name, next(iter(labels), None), account(), others=labels[1:]).record

    def correct_many(self, found: Corrections) -> BatchCorrected:
        """See Instance."""
        bulk = BulkChanges(self.stores)
        change = bulk.begin_corrections(found.wanted, account())
        while change.state is ChangeState.APPLYING:
            change = bulk.step(change.id)
        left = {one.id: one.why for one in bulk.left_alone(change)}
        return BatchCorrected(ChangeStatus.of(change), told(found.rows, {row.id for row in found.rows}, left))

    def demand(self, name: str) -> None:
        """See Instance."""
        demand_upload(self.stores, name)

    def delete(self, name: str) -> None:
        """See Instance."""
        delete(self.stores, name)

    def retry(self, name: str, *, dry_run: bool) -> str:
        """See Instance."""
        return retry_one(self.stores, name, dry_run=dry_run)

    def retry_failed(self, reason: str | None, *, dry_run: bool) -> Iterator[str]:
        """See Instance."""
        return retry_failed(self.stores, reason, dry_run=dry_run)

    def models(self) -> ModelList:
        """See Instance."""
        return self.stores.routes.listing()

    def add_route(self, pattern: str, project: str) -> ModelList:
        """See Instance."""
        add_route(self.stores, pattern, project, account())
        return self.models()

    def remove_route(self, pattern: str) -> ModelList:
        """See Instance."""
        remove_route(self.stores, pattern)
        return self.models()

    def figures(self, name: str, version: str) -> dict[str, Any] | None:
        """See Instance."""
        return self.stores.models.figures(name, version)

    def problem(self, name: str, version: str) -> str | None:
        """See Instance."""
        return self.stores.models.problem(name, version)

    def model_file(self, name: str, version: str, file: str) -> bytes:
        """See Instance."""
        return self.stores.models.read(name, version, file)


@dataclass(frozen=True)
class OverApi(ProjectsOverApi):
    """An instance that is reached through the API of its web app. The key's role says what may be done."""

    client: Client

    @property
    def where(self) -> str:
        """See Instance."""
        return self.client.server

    def sender(self) -> Send:
        """See Instance. What is there is compared by SHA-256, so that what is unchanged does not go over the line."""

        def send(picture: PictureFile) -> Sent:
            known = self._known(record_id(picture.name))
            if known is not None and known.upload is not None and known.upload.sha256 is not None:
                is_same = known.upload.size_bytes == picture.size_bytes
                if is_same and _digest(picture.path, hashlib.sha256).hexdigest() == known.upload.sha256:
                    return Sent(known.upload.etag, is_new=False)
            answer = self.client.upload(picture.path, picture.name, if_exists="overwrite")
            etag = answer.etag if isinstance(answer, Pending) else answer.upload.etag if answer.upload else ""
            return Sent(etag, is_new=True)

        return send

    def pictures(
        self, *, label: str | None, status: Status | None, since: str | None, limit: int | None
    ) -> Iterator[Record]:
        """See Instance."""
        return self.client.pictures(label=label, status=status, since=since, limit=limit)

    def picture(self, name: str) -> Record:
        """See Instance."""
        known = self._known(record_id(name))
        if known is None and _ID.fullmatch(name):
            known = self._known(name)
        if known is None:
            raise _no_record(name)
        return known

    def original(self, record: Record) -> bytes:
        """See Instance."""
        return self.client.original(record.id)

    def staged(self, record: Record) -> bytes:
        """See Instance."""
        return self.client.staged(record.id)

    def correct(self, name: str, labels: Sequence[str]) -> Record:
        """See Instance. The correction is by the account of the key."""
        id = record_id(name)
        return self.client.correct(id, *labels) if labels else self.client.uncorrect(id)

    def correct_many(self, found: Corrections) -> BatchCorrected:
        """See Instance."""
        made = self.client.correct_many([(one.id, one.wanted) for one in found.wanted], by_id=True)
        done = {row.id for row in made.rows if row.status is RowStatus.DONE}
        left = {row.id: row.why for row in made.rows if row.why}
        return BatchCorrected(made.change, told(found.rows, done, left))

    def demand(self, name: str) -> None:
        """See Instance."""
        try:
            self.client.picture(record_id(name), stored_name(name))
        except NotFound:
            raise NotFound(f"There is no upload '{name}'.") from None

    def delete(self, name: str) -> None:
        """See Instance."""
        self.client.delete(record_id(name), stored_name(name))

    def retry(self, name: str, *, dry_run: bool) -> str:
        """See Instance."""
        self.demand(name)
        if not dry_run:
            self.client.retry(record_id(name), stored_name(name))
        return stored_name(name)

    def retry_failed(self, reason: str | None, *, dry_run: bool) -> Iterator[str]:
        """See Instance."""
        status = None if reason else Status.FAILED
        found = list(self.client.pictures(status=status, reason=reason))  # what is done meanwhile moves the pages
        for record in found:
            if not dry_run:
                self.client.retry(record.id)
            yield record.name

    def models(self) -> ModelList:
        """See Instance. The server lists the newest ones only."""
        return self.client.models()

    def add_route(self, pattern: str, project: str) -> ModelList:
        """See Instance. The key must be a trainer's."""
        return self.client.add_route(pattern, project)

    def remove_route(self, pattern: str) -> ModelList:
        """See Instance. The key must be a trainer's."""
        return self.client.remove_route(pattern)

    def figures(self, name: str, version: str) -> dict[str, Any] | None:
        """See Instance."""
        found = (one.figures for one in self.client.models().versions if (one.name, one.version) == (name, version))
        return next(found, None)

    def problem(self, name: str, version: str) -> str | None:
        """See Instance."""
        found = (one.problem for one in self.client.models().versions if (one.name, one.version) == (name, version))
        return next(found, None)

    def model_file(self, name: str, version: str, file: str) -> bytes:
        """See Instance. The key must be a trainer's."""
        return self.client.model_file(name, version, file)

    def _known(self, id: str) -> Record | None:
        try:
            found = self.client.picture(id)
        except NotFound:
            return None
        return found if isinstance(found, Record) else None


def _no_record(name: str) -> NotFound:
    return NotFound(f"There is no record of '{name}'. imagestore ls lists those there are.")


def _digest(path: Path, algorithm: Callable[[], Any]) -> Any:
    digest = algorithm()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest
