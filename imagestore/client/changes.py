"""What the client does with many pictures at once."""

from collections.abc import Callable, Iterable
from typing import Any, Literal

from imagestore.client.answers import ChangeList, ChangeStatus
from imagestore.client.http import Http
from imagestore.client.projects import part

Action = Literal["label", "relabel", "unlabel", "reprocess", "delete"]
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
        """Change up to 10,000 pictures: label them, take their corrections back, classify them again, delete them.

        It is done in steps; `progress` is told of each. `undo_change` puts back what was before.
        """
        body = {"action": action, "labels": list(labels) or None, "pictures": list(ids)}
        return self._finished(self._change("POST", "/changes", body), progress)

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

    def _finished(self, change: ChangeStatus, progress: Progress) -> ChangeStatus:
        progress(change)
        while change.state in ("applying", "undoing"):
            change = self._change("POST", f"/changes/{part(change.id)}/continue")
            progress(change)
        return change

    def _change(self, method: str, path: str, body: dict[str, Any] | None = None) -> ChangeStatus:
        return self._http.read(ChangeStatus, self._http.send(method, path, body=body))
