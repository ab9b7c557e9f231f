"""Reads the files of a form (multipart/form-data) one after the other, each as it arrives, in bounded memory."""

from collections import deque
from collections.abc import AsyncIterator

from imagestore.web.intake.multipart import FormFile, bad_form
from imagestore.web.problems import ApiProblem


def too_large_form(most_bytes: int) -> ApiProblem:
    """The problem with a form of more than so many bytes."""
    detail = f"The form has more than {most_bytes:,} bytes, which is the limit. Send the rest in another one."
    return ApiProblem(413, "too_many_bytes", detail, more={"size_bytes": None, "limit_bytes": most_bytes})


class StreamedForm(FormFile):
    """The files of a form, of which all together may have `most_bytes`. Other fields are ignored."""

    def __init__(self, content_type: str, body: AsyncIterator[bytes], most_bytes: int) -> None:
        super().__init__(content_type, body)
        self.failed: ApiProblem | None = None
        """Why no more of it can be read; None as long as it can."""
        self._most_bytes = most_bytes
        self._came_bytes = 0
        self._is_open = False
        self._events: deque[str | bytes | None] = deque()
        """What was parsed and not yet asked for: a file's name, its pieces, and None at its end."""

    async def files(self) -> AsyncIterator[tuple[str, AsyncIterator[bytes]]]:
        """The name of each file and its content, which is there until the next file is asked for.

        Raises ApiProblem: 400 if the form breaks off or cannot be read, 413 if it is too large; here or from the
        content, after all that was read before, and again whenever more is asked for. It is in `failed` then.
        """
        while True:
            while self._is_open:
                self._is_open = await self._next() is not None
            name = await self._next()
            if name is None:
                return
            assert isinstance(name, str)
            self._is_open = True
            yield name, self.content()

    async def content(self) -> AsyncIterator[bytes]:
        """The pieces of the file that is open."""
        while self._is_open:
            piece = await self._next()
            self._is_open = piece is not None
            if isinstance(piece, bytes):
                yield piece

    async def _next(self) -> str | bytes | None:
        """The next thing that was parsed; None at the end of a file, or of the form if no file is open."""
        while not self._events:
            if self.failed is not None:
                raise self.failed
            chunk = await anext(self._body, None)
            if chunk is None and self._has_ended:
                return None
            try:
                self._take(chunk)
            except ApiProblem as problem:  # what was parsed before it is handed out first
                self.failed = problem
        return self._events.popleft()

    def _take(self, chunk: bytes | None) -> None:
        if chunk is None:
            raise bad_form("it breaks off before its last boundary")
        left = self._most_bytes - self._came_bytes
        self._came_bytes += len(chunk)
        self._write(chunk[:left])
        if self._came_bytes > self._most_bytes:
            raise too_large_form(self._most_bytes)

    def _begin_file(self, name: str) -> None:
        self._is_in_file = True
        self._events.append(name)

    def _add_data(self, data: bytes, start: int, end: int) -> None:
        if self._is_in_file:
            self._events.append(data[start:end])

    def _end_part(self) -> None:
        if self._is_in_file:
            self._is_in_file = False
            self._events.append(None)
