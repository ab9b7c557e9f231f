"""What the client does with many pictures at once."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Literal

from imagestore.client.answers import LabelledList, LabelledPicture
from imagestore.client.http import Http
from imagestore.client.projects import part
from imagestore.pipeline.changes.corrections import BatchCorrected, told
from imagestore.pipeline.changes.status import ChangeList, ChangeStatus
from imagestore.pipeline.labelling.labelled import UsedLabel

Action = Literal["label", "relabel", "unlabel", "wrong", "to_training", "reprocess", "delete"]
Progress = Callable[[ChangeStatus], None]


class ChangeMethods:
    """A part of the client."""

    _http: Http

    def change(
        self,
        action: Action,
        ids: Iterable[str],
        *labels: str,
        progress: Progress = lambda change: None,
    ) -> ChangeStatus:
        """Change up to 10,000 pictures: label them, take their corrections back, say that what the model says is wrong,
        make them labelled pictures of their project (`to_training`, for trainers), classify them again, delete them.

        It is done in steps; `progress` is told of each. `undo_change` puts back what was before.
        """
        body = {"action": action, "labels": list(labels) or None, "pictures": list(ids)}
        return self._finished(self._change("POST", "/changes", body), progress)

    def correct_many(
        self,
        corrections: Iterable[tuple[str, str | Sequence[str]]],
        *,
        by_id: bool = False,
        progress: Progress = lambda change: None,
    ) -> BatchCorrected:
        """Say of up to 5,000 pictures what each shows: its name (or id, if `by_id`) and its label, or all that hold.

        It is one change, which `undo_change` undoes. Rows that cannot be taken are refused, with why, and nothing else
        stops; they count from 1. A row is still `waiting` only where more than a hundred pictures were left alone, of
        which no more are named.
        """
        which = "id" if by_id else "name"
        body = {"corrections": [{which: one, "label": _labels(label)} for one, label in corrections]}
        begun = self._http.ask(BatchCorrected, "POST", "/pictures/corrections", body=body)
        if begun.change is None:
            return begun
        change = self._finished(begun.change, progress)
        left = self.read_change(change.id).left if change.left_alone else []
        done = {row.id for row in begun.rows} if change.left_alone == len(left) else set()
        return BatchCorrected(change, told(begun.rows, done, {one.id: one.why for one in left}))

    def changes(self, limit: int = 50) -> list[ChangeStatus]:
        """The changes of the last 30 days, the newest first, at most 50."""
        return self._http.get(ChangeList, "/changes", {"limit": limit}).items

    def read_change(self, id: str) -> ChangeStatus:
        """How far a change is, and which pictures it has left alone."""
        return self._http.get(ChangeStatus, f"/changes/{part(id)}")

    def finish_change(self, id: str, progress: Progress = lambda change: None) -> ChangeStatus:
        """Go on with a change, or with undoing it, that stopped before its end."""
        return self._finished(self.read_change(id), progress)

    def undo_change(self, id: str, progress: Progress = lambda change: None) -> ChangeStatus:
        """Put back what a change has changed, but for what others have changed since. Another's: for trainers."""
        return self._finished(self._change("POST", f"/changes/{part(id)}/undo"), progress)

    def project_labels(self, project: str) -> list[UsedLabel]:
        """The labels that people have given in a project, and how many pictures have each."""
        return self._http.get(list[UsedLabel], f"/projects/{part(project)}/labels")

    def labelled_pictures(self, project: str, label: str | None = None) -> Iterator[LabelledPicture]:
        """The pictures that a project learns from, or those of them with a label."""
        after: str | None = None
        while True:
            asked = {"label": label, "after": after, "limit": 1000}
            page = self._http.get(LabelledList, f"/projects/{part(project)}/training", asked)
            yield from page.items
            if (after := page.next) is None:
                return

    def change_label(
        self,
        project: str,
        label: str,
        to: str | None = None,
        *,
        pictures: Iterable[str] | None = None,
        training: Iterable[str] | None = None,
        progress: Progress = lambda change: None,
    ) -> ChangeStatus:
        """Rename a label of a project, or merge it into another that is there; without `to`, delete it. With `pictures`
        (ids of uploads) or `training` (SHA-256 of labelled pictures) only those change. `undo_change` puts back exactly
        what was. For trainers."""
        body = {
            "label": label,
            "to": to,
            "pictures": None if pictures is None else list(pictures),
            "training": None if training is None else list(training),
        }
        return self._finished(self._change("POST", f"/projects/{part(project)}/labels", body), progress)

    def _finished(self, change: ChangeStatus, progress: Progress) -> ChangeStatus:
        progress(change)
        while change.state in ("applying", "undoing"):
            change = self._change("POST", f"/changes/{part(change.id)}/continue")
            progress(change)
        return change

    def _change(self, method: str, path: str, body: dict[str, Any] | None = None) -> ChangeStatus:
        return self._http.read(ChangeStatus, self._http.send(method, path, body=body))


def _labels(label: str | Sequence[str]) -> str | list[str]:
    return label if isinstance(label, str) else list(label)
