"""The pages' own files, without threads: those are for what has been let in, and files are asked for by anybody."""

import os
from pathlib import Path

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response
from starlette.staticfiles import NotModifiedResponse, StaticFiles
from starlette.types import Scope

STATIC = Path(__file__).resolve().parent / "static"
"""The scripts, styles and icons of the pages."""


class KeptFiles(StaticFiles):
    """The files that a folder has when the app starts. Each is kept in memory for as long as it does not change."""

    def __init__(self, folder: Path) -> None:
        super().__init__(directory=folder)
        self.config_checked = True  # whether there is such a folder is known, and would take a thread
        self._files = {str(file.relative_to(folder)): file for file in folder.rglob("*") if file.is_file()}
        self._kept: dict[str, tuple[os.stat_result, bytes]] = {}

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file; raises HTTPException 404 and 405."""
        if scope["method"] not in ("GET", "HEAD"):
            raise HTTPException(405, headers={"Allow": "GET, HEAD"})
        if path not in self._files:
            raise HTTPException(404)
        try:
            stat, content = self._content(path)
        except FileNotFoundError:
            raise HTTPException(404) from None
        file = FileResponse(self._files[path], stat_result=stat)
        if self.is_not_modified(file.headers, Headers(scope=scope)):
            return NotModifiedResponse(file.headers)
        return Response(content, headers=dict(file.headers))

    def _content(self, path: str) -> tuple[os.stat_result, bytes]:
        stat, (known, content) = self._files[path].stat(), self._kept.get(path, (None, b""))
        if known is None or (known.st_mtime_ns, known.st_size) != (stat.st_mtime_ns, stat.st_size):
            content = self._files[path].read_bytes()
            self._kept[path] = stat, content
        return stat, content
