"""What the client asks about a picture's look: where its label comes from, and which pictures are like it."""

from pathlib import Path
from typing import IO

from imagestore.client.answers import Nearest, Similar, Why
from imagestore.client.http import Http
from imagestore.client.projects import part


class LikenessMethods:
    """A part of the client."""

    _http: Http

    def why(self, id: str, label: str | None = None) -> Why:
        """Where in a picture this label, or the one that the model answered, comes from."""
        return self._http.get(Why, f"/pictures/{part(id)}/why", {"label": label})

    def why_of(
        self,
        file: Path | bytes | IO[bytes],
        project: str | None = None,
        *,
        version: str | None = None,
        published: str | None = None,
        label: str | None = None,
    ) -> Why:
        """The same of a picture of which nothing is kept, by the model that `classify` would ask."""
        asked = {"project": project, "version": version, "published": published, "label": label}
        data = _bytes_of(file)
        return self._http.read(Why, self._http.send("POST", "/classify/why", asked, content=lambda: data))

    def similar(self, id: str, limit: int = 60) -> Similar:
        """The pictures that look most like this one to the network of its model, at most 500."""
        return self._http.get(Similar, f"/pictures/{part(id)}/similar", {"limit": limit})

    def similar_to(
        self, file: Path | bytes | IO[bytes], project: str | None = None, *, limit: int = 60, version: str | None = None
    ) -> Similar:
        """The same of a picture of which nothing is kept, as the network of this model sees it."""
        asked = {"project": project, "version": version, "limit": limit}
        data = _bytes_of(file)
        return self._http.read(Similar, self._http.send("POST", "/similar", asked, content=lambda: data))

    def nearest(self, id: str) -> Nearest:
        """The five pictures most like this one, of those that its model learned from."""
        return self._http.get(Nearest, f"/pictures/{part(id)}/nearest")

    def nearest_of(
        self, file: Path | bytes | IO[bytes], project: str | None = None, *, version: str | None = None
    ) -> Nearest:
        """The same of a picture of which nothing is kept, by this version, or by what is live."""
        data, asked = _bytes_of(file), {"project": project, "version": version}
        return self._http.read(Nearest, self._http.send("POST", "/classify/nearest", asked, content=lambda: data))


def _bytes_of(file: Path | bytes | IO[bytes]) -> bytes:
    return file.read_bytes() if isinstance(file, Path) else file if isinstance(file, bytes) else file.read()
