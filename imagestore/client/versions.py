"""What the client asks of how good a version is, and making one with another threshold."""

from imagestore.client.http import Http
from imagestore.client.projects import part
from imagestore.jobs.status import JobStatus
from imagestore.performance.side_by_side import SideBySide
from imagestore.performance.told import Performance


class VersionMethods:
    """A part of the client."""

    _http: Http

    def performance(
        self, name: str, version: str, threshold: float | None = None, label: str | None = None
    ) -> Performance:
        """How good a version is on the pictures that were held out from its training: at its thresholds, or at another
        of all labels or of one."""
        asked = {"threshold": threshold, "label": label}
        return self._http.get(Performance, f"/models/{part(name)}/{part(version)}/performance", asked)

    def compare(self, name: str, version: str, other: str) -> SideBySide:
        """Two versions of a project on the pictures that both were tested on and neither learned from."""
        return self._http.get(SideBySide, f"/models/{part(name)}/{part(version)}/comparison", {"with": other})

    def save_threshold(self, name: str, version: str, threshold: float, label: str | None = None) -> JobStatus:
        """Begin to make a version with the same weights and another threshold: of all labels, or of one."""
        body = {"threshold": threshold, **({} if label is None else {"label": label})}
        address = f"/models/{part(name)}/{part(version)}/threshold"
        return self._http.read(JobStatus, self._http.send("POST", address, body=body))
