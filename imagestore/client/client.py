"""The client: one method for each thing that a program asks of a web app."""

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any, Literal

import httpx2

from imagestore.client.accounts import AccountMethods
from imagestore.client.answers import (
    Classification,
    Deletion,
    JobList,
    Listing,
    Me,
    Outdated,
    Pending,
)
from imagestore.client.changes import ChangeMethods
from imagestore.client.http import TIMEOUT_S, TRIES, Http
from imagestore.client.likeness import LikenessMethods
from imagestore.client.projects import ProjectMethods, part
from imagestore.client.versions import VersionMethods
from imagestore.client.webhooks import WebhookMethods
from imagestore.errors import GateOverride, NotReached
from imagestore.jobs.job import HowToTrain, JobKind
from imagestore.jobs.status import JobStatus
from imagestore.pipeline.upload import BatchUploaded
from imagestore.pipeline.watch.watched import Watch
from imagestore.record import Record, Status
from imagestore.store.routes import ModelList

PAGE = 200
MOST_JOBS = 50
LONGEST_WAIT_S = 30
IfExists = Literal["error", "overwrite", "rename"]
Sort = Literal["newest", "oldest", "confident", "doubtful", "name"]
File = Path | bytes | IO[bytes]


class Client(ProjectMethods, ChangeMethods, LikenessMethods, VersionMethods, AccountMethods, WebhookMethods):
    """A web app at `server`, such as https://pictures.example.org, asked with an API key or access token.

    Every method raises RemoteError: NotReached if the server did not answer, RequestRefused if it said no (KeyRefused,
    RoleNeeded and NotThere are kinds of it), with the server's own sentence. What may succeed later is tried again, up
    to `tries` times, as late as the server says. `timeout_s` bounds each wait for an answer. The constructor raises
    SettingsError, also for http:// to another machine, unless `insecure_http` allows it. A client may be used from
    several threads.
    """

    def __init__(
        self,
        server: str,
        key: str | None = None,
        *,
        insecure_http: bool = False,
        timeout_s: float = TIMEOUT_S,
        tries: int = TRIES,
        http: httpx2.Client | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._http = Http(
            server, key, insecure_http=insecure_http, timeout_s=timeout_s, tries=tries, http=http, sleep=sleep
        )

    @property
    def server(self) -> str:
        """The server's address."""
        return self._http.server

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections to the server."""
        self._http.close()

    def me(self) -> Me:
        """Who is asking, and with which role."""
        return self._http.get(Me, "/account")

    def upload(
        self, file: File, name: str | None = None, *, if_exists: IfExists = "error", wait_s: float = 0
    ) -> Record | Pending:
        """Upload a picture: a path, its bytes, or a file that is open for reading and can be read again.

        The name is that of the path, if none is given. Returns the final record if there is one within `wait_s`
        seconds. The same file under the same name changes nothing; another file under that name is refused (409
        `name_taken`) unless `if_exists` says what to do.
        """
        named = name or (file.name if isinstance(file, Path) else None)
        if named is None:
            raise ValueError("say what the picture is called: upload(file, name)")
        if isinstance(file, Path):
            with file.open("rb") as opened:
                return self._upload(opened, named, if_exists, wait_s)
        return self._upload(file, named, if_exists, wait_s)

    def upload_many(
        self, files: Iterable[Path | tuple[str, bytes | IO[bytes]]], prefix: str = "", *, if_exists: IfExists = "error"
    ) -> BatchUploaded:
        """Upload up to 100 pictures, 1 GB together, in one request: paths, or names with bytes or open files that can
        be read again. What is refused stops no other; `items` says what came of each, in their order.
        """
        with contextlib.ExitStack() as opened:
            named = [
                (one.name, opened.enter_context(one.open("rb"))) if isinstance(one, Path) else one for one in files
            ]

            def form() -> Any:
                for _, file in named:
                    if not isinstance(file, bytes):
                        file.seek(0)
                return [("file", (name, file, "application/octet-stream")) for name, file in named]

            asked = {"prefix": prefix or None, "if_exists": if_exists}
            once = if_exists == "rename"
            answer = self._http.send("POST", "/pictures/batch", asked, files=form, once=once)
            return self._http.read(BatchUploaded, answer)

    def classify(
        self,
        file: File,
        project: str | None = None,
        *,
        version: str | None = None,
        published: str | None = None,
    ) -> Classification:
        """What a model says of a picture, of which nothing is kept: the live model of a project, or by default, or this
        version of the project, or what it has published under this name."""
        asked = {"project": project, "version": version, "published": published}
        data = file.read_bytes() if isinstance(file, Path) else file if isinstance(file, bytes) else file.read()
        return self._http.read(Classification, self._http.send("POST", "/classify", asked, content=lambda: data))

    def pictures(
        self,
        *,
        label: str | None = None,
        status: Status | None = None,
        reason: str | None = None,
        text: str | None = None,
        since: str | None = None,
        until: str | None = None,
        min_confidence: float | None = None,
        max_confidence: float | None = None,
        corrected: bool | None = None,
        wrong: bool | None = None,
        sort: Sort = "newest",
        limit: int | None = None,
    ) -> Iterator[Record]:
        """The pictures that fit, page after page as they are asked for; the first `limit`, if that is given.

        `text` is part of a name. Times are ISO 8601, UTC if they do not say.
        """
        asked: dict[str, Any] = {
            "label": label, "status": status and str(status), "reason": reason, "q": text, "since": since,
            "until": until, "min_confidence": min_confidence, "max_confidence": max_confidence,
            "corrected": corrected, "wrong": wrong, "sort": sort,
        }  # fmt: skip
        left, after = limit, None
        while left is None or left > 0:
            size = PAGE if left is None else min(PAGE, left)
            page = self._http.get(Listing, "/pictures", asked | {"limit": size, "after": after})
            yield from page.items
            left, after = (None if left is None else left - len(page.items)), page.next
            if after is None:
                return

    def picture(self, id: str, name: str | None = None, *, wait_s: float = 0) -> Record | Pending:
        """The record of a picture, or Pending while its current version has none yet.

        `imagestore.client.record_id` makes the id from a name; the name itself is needed for a picture that has never
        had a record.
        """
        wait_s = min(wait_s, LONGEST_WAIT_S)
        asked = {"name": name, "wait": wait_s or None}
        return self._record_or_pending(self._http.send("GET", f"/pictures/{part(id)}", asked, wait_s=wait_s))

    def final(self, pending: Pending, timeout_s: float = 120) -> Record:
        """The final record of an upload. Raises NotReached if there is none within `timeout_s` seconds."""
        ends = time.monotonic() + timeout_s
        while (left := ends - time.monotonic()) > 0:
            found = self.picture(pending.id, pending.name, wait_s=min(left, LONGEST_WAIT_S))
            if isinstance(found, Record):
                return found
        raise NotReached(f"'{pending.name}' has no record after {timeout_s:g} s. Ask for it later: nothing is lost.")

    def original(self, id: str) -> bytes:
        """The file as it was uploaded."""
        return self._http.send("GET", f"/pictures/{part(id)}/original").content

    def staged(self, id: str) -> bytes:
        """The picture as the model sees it, a PNG."""
        return self._http.send("GET", f"/pictures/{part(id)}/staged").content

    def correct(self, id: str, label: str, *others: str, random_sample: bool = False) -> Record:
        """Say what a picture shows; `others` hold too, where its model knows several labels a picture.

        `random_sample` says that it was drawn at random, and counts for accuracy.
        """
        asked = {"label": [label, *others], "random_sample": random_sample or None}
        return self._record(self._http.send("PUT", f"/pictures/{part(id)}/correction", asked))

    def uncorrect(self, id: str) -> Record:
        """Take a correction back."""
        return self._record(self._http.send("DELETE", f"/pictures/{part(id)}/correction"))

    def retry(self, id: str, name: str | None = None) -> Pending:
        """Preprocess and classify a picture again. The name is needed where it has never had a record."""
        return self._http.ask(Pending, "POST", f"/pictures/{part(id)}/retry", {"name": name})

    def delete(self, id: str, name: str | None = None, *, undoable: bool = False) -> Deletion:
        """Delete a picture and all that was made of it. With `undoable` that waits, and `undelete` takes it back.

        The name is needed where the picture has never had a record.
        """
        asked = {"name": name, "undoable": undoable or None}
        return self._http.ask(Deletion, "DELETE", f"/pictures/{part(id)}", asked)

    def undelete(self, deletion: Deletion) -> Record:
        """Undo a deletion, as long as that is possible."""
        asked = {"token": deletion.undo or "none"}
        return self._record(self._http.send("POST", f"/pictures/{part(deletion.id)}/undelete", asked))

    def models(self) -> ModelList:
        """The newest versions of models with their figures, and which one is live."""
        return self._http.get(ModelList, "/models")

    def add_route(self, pattern: str, project: str) -> ModelList:
        """Have a project classify the uploads under a pattern such as `factory/*`; `*` makes it the default one. For
        trainers."""
        return self._http.ask(ModelList, "PUT", "/routes", {"pattern": pattern, "project": project})

    def remove_route(self, pattern: str) -> ModelList:
        """Take a route away. For trainers."""
        return self._http.ask(ModelList, "DELETE", "/routes", {"pattern": pattern})

    def promote(
        self,
        name: str,
        version: str,
        *,
        override: GateOverride = GateOverride.NOTHING,
        drop: tuple[str, ...] = (),
    ) -> JobStatus:
        """Begin to make a version live, if it is better than the live one. `job` tells how it goes."""
        asked = {"insist": str(override), "drop": list(drop) or None}
        return self._http.ask(JobStatus, "POST", f"/models/{part(name)}/{part(version)}/promote", asked)

    def rollback(self, project: str | None = None) -> JobStatus:
        """Begin to make the previous model live again: of a project, or what is live by default."""
        return self._http.ask(JobStatus, "POST", "/models/rollback", {"project": project})

    def reprocess(self) -> JobStatus:
        """Begin to classify again every picture that the live model has not classified."""
        return self._http.ask(JobStatus, "POST", "/models/reprocess")

    def outdated(self) -> int:
        """How many pictures `reprocess` would classify again."""
        return self._http.get(Outdated, "/models/outdated").pictures

    def watch(self) -> Watch:
        """Whether pictures drift away from the live models, and how right those and earlier versions are."""
        return self._http.get(Watch, "/watch")

    def model_file(self, name: str, version: str, file: str) -> bytes:
        """A file of a version: `model.onnx`, `metrics.json` or `report.html`. For trainers."""
        return self._http.send("GET", f"/models/{part(name)}/{part(version)}/files/{part(file)}").content

    def train(self, name: str = "mine", how: HowToTrain | None = None) -> JobStatus:
        """Begin to train a version of a model on all labelled pictures and corrections."""
        held = {option: value for option, value in asdict(how or HowToTrain()).items() if value is not None}
        body = {"kind": str(JobKind.TRAIN), "name": name, "training": held}
        return self._http.ask(JobStatus, "POST", "/jobs", body=body)

    def inspect(self, name: str, version: str) -> JobStatus:
        """Begin to look at a version's model file: whether it can be used."""
        return self._http.ask(
            JobStatus, "POST", "/jobs", body={"kind": str(JobKind.INSPECT), "name": name, "version": version}
        )

    def jobs(self, limit: int | None = None) -> Iterator[JobStatus]:
        """The jobs of the last 90 days, the newest first; the first `limit`, if that is given."""
        left, before = limit, None
        while left is None or left > 0:
            page = self.job_page(MOST_JOBS if left is None else min(MOST_JOBS, left), before)
            yield from page.items
            left, before = (None if left is None else left - len(page.items)), page.next
            if before is None:
                return

    def job_page(self, limit: int = MOST_JOBS, before: int | None = None) -> JobList:
        """One page of jobs, and whether there is a runner that does them."""
        return self._http.get(JobList, "/jobs", {"limit": limit, "before": before and _job(before)})

    def read_job(self, id: int) -> JobStatus:
        """How far a job is, and how it ended."""
        return self._http.get(JobStatus, f"/jobs/{_job(id)}")

    def cancel_job(self, id: int) -> JobStatus:
        """Cancel a job. One that runs ends within seconds; what it has done stays."""
        return self._http.ask(JobStatus, "POST", f"/jobs/{_job(id)}/cancel")

    def retry_job(self, id: int) -> JobStatus:
        """Put the same job in again."""
        return self._http.ask(JobStatus, "POST", f"/jobs/{_job(id)}/retry")

    def job(self) -> JobStatus | None:
        """The job of the server that was put in last, None if there was none. One that waits counts as running."""
        return self._http.get_or_none(JobStatus, "/job")

    def stop_job(self) -> JobStatus:
        """Cancel the job that was put in last of those that have not ended. What it has done stays."""
        return self._http.ask(JobStatus, "DELETE", "/job")

    def _upload(self, file: bytes | IO[bytes], name: str, if_exists: IfExists, wait_s: float) -> Record | Pending:
        def content() -> Any:
            if not isinstance(file, bytes):
                file.seek(0)
            return file

        wait_s = min(wait_s, LONGEST_WAIT_S)
        asked = {"name": name, "if_exists": if_exists, "wait": wait_s or None}
        once = if_exists == "rename"  # else the same file under the same name changes nothing
        return self._record_or_pending(
            self._http.send("POST", "/pictures", asked, content=content, wait_s=wait_s, once=once)
        )

    def _record(self, response: httpx2.Response) -> Record:
        return self._http.read(Record, response)

    def _record_or_pending(self, response: httpx2.Response) -> Record | Pending:
        if response.status_code == 202:
            return self._http.read(Pending, response)
        return self._record(response)


def _job(id: int) -> str:
    """A job's id as it stands in an address."""
    return f"{id:016d}"
