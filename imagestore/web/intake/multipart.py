"""Reads the one file of a form (multipart/form-data) as it arrives, in bounded memory: `curl -F file=@cat.jpg`; or all
of them."""

import re
from collections.abc import AsyncIterator
from urllib.parse import unquote_to_bytes

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from imagestore.web.problems import ApiProblem

FORM = "multipart/form-data"
_QUOTED = re.compile(rb'"(?:\\.|[^"\\])*"')
_EXTENDED_NAME = re.compile(rb";\s*filename\*\s*=\s*([\w.:-]*)'[^';]*'([^;\s]*)", re.IGNORECASE)
_MOST_HEADER_BYTES = 8192
"""The limit of one header of a part: a name of 1,019 characters takes up to 4,076 bytes."""
NOTHING_KEPT = "Nothing was kept."
FORM_BYTES = 65_536
"""A form may be this much larger than its file."""


class FormFile:
    """The file in a form: its name, and its content piece by piece.

    Other fields are ignored; a second file is an error. Await `start` first: it reads up to the content.
    """

    def __init__(self, content_type: str, body: AsyncIterator[bytes], field: str | None = None) -> None:
        """A field of this name counts as the file though it has no file name, as some clients send it."""
        _, options = parse_options_header(content_type)
        if b"boundary" not in options:
            raise bad_form("the header Content-Type names no boundary")
        self.name: str | None = None
        self._body = body
        self._is_file_too = None if field is None else field.encode()
        self._field = self._value = b""
        self._disposition = b""
        self._is_in_file = self._has_file = self._has_ended = self._has_second = False
        self._pieces: list[bytes] = []
        self._other_bytes = 0
        try:
            self._parser = MultipartParser(
                options[b"boundary"],
                {
                    "on_part_begin": self._begin_part,
                    "on_header_field": self._add_to_field,
                    "on_header_value": self._add_to_value,
                    "on_header_end": self._end_header,
                    "on_headers_finished": self._end_headers,
                    "on_part_data": self._add_data,
                    "on_part_end": self._end_part,
                    "on_end": self._end,
                },
                max_header_size=_MOST_HEADER_BYTES,
            )
        except FormParserError as error:
            raise bad_form(str(error)) from None

    async def start(self) -> None:
        """Read up to the beginning of the file. Raises ApiProblem 400 if the form has none."""
        async for chunk in self._body:
            self._parse(chunk)
            if self._has_file:
                return
        raise bad_form("it holds no file; a file is sent as in curl -F file=@cat.jpg")

    async def content(self) -> AsyncIterator[bytes]:
        """The pieces of the file. Raises ApiProblem 400 if the form breaks off or holds another file."""
        while True:
            for piece in self._pieces:
                yield piece
            self._pieces.clear()
            chunk = await anext(self._body, None)
            if chunk is None:
                break
            self._parse(chunk)
        if not self._has_ended:
            raise bad_form("it breaks off before its last boundary")

    def _parse(self, chunk: bytes) -> None:
        before = sum(map(len, self._pieces))
        self._write(chunk)
        if self._has_second:
            raise bad_form("it holds more than one file; send one picture in a request")
        self._other_bytes += len(chunk) - (sum(map(len, self._pieces)) - before)
        if self._other_bytes > FORM_BYTES:
            raise bad_form(f"it holds more than {FORM_BYTES} bytes beside the file")

    def _write(self, chunk: bytes) -> None:
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise bad_form(str(error)) from None

    def _begin_part(self) -> None:
        self._disposition = b""

    def _add_to_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _add_to_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        if self._field.lower() == b"content-disposition":
            self._disposition = self._value
        self._field = self._value = b""

    def _end_headers(self) -> None:
        name = _file_name(self._disposition)
        if name is None and self._is_file_too is not None:
            field = parse_options_header(self._disposition)[1].get(b"name", b"")
            name = "" if field.lower() == self._is_file_too.lower() else None
        if name is not None:
            self._begin_file(name)

    def _begin_file(self, name: str) -> None:
        self._has_second = self._has_file
        self._has_file = self._is_in_file = True
        if self.name is None:
            self.name = name

    def _add_data(self, data: bytes, start: int, end: int) -> None:
        if self._is_in_file and not self._has_second:
            self._pieces.append(data[start:end])

    def _end_part(self) -> None:
        self._is_in_file = False

    def _end(self) -> None:
        self._has_ended = True


class FormFiles(FormFile):
    """All the files in a form, which are held in memory."""

    async def read(self, most: int, file_bytes: int) -> list[tuple[str, bytearray]]:
        """At most so many files with their names. Of a file that is larger than `file_bytes`, only one byte more is
        there. Raises ApiProblem 400."""
        self._files: list[tuple[str, bytearray]] = []
        self._most, self._file_bytes = most, file_bytes
        async for chunk in self._body:
            self._write(chunk)
        if not self._has_ended:
            raise bad_form("it breaks off before its last boundary")
        if not self._files:
            raise bad_form("it holds no file; a file is sent as in curl -F file=@cat.jpg")
        return self._files

    def _begin_file(self, name: str) -> None:
        if len(self._files) == self._most:
            said = f"The form holds more than {self._most} files, which is the limit. {NOTHING_KEPT}"
            raise ApiProblem(400, "too_many_files", said)
        self._is_in_file = True
        self._files.append((name, bytearray()))

    def _add_data(self, data: bytes, start: int, end: int) -> None:
        if self._is_in_file:
            content = self._files[-1][1]
            content += data[start : min(end, start + self._file_bytes + 1 - len(content))]


def _file_name(disposition: bytes) -> str | None:
    """The name of the file in a part with this Content-Disposition, None where it is no file.

    Some clients write a name as RFC 5987 has it, `filename*=UTF-8''K%C3%A4tzchen.jpg`, which RFC 7578 does not want.
    """
    if extended := _EXTENDED_NAME.search(_QUOTED.sub(b'""', disposition)):
        charset, value = (part.decode("latin-1") for part in extended.groups())
        if charset.lower() not in ("utf-8", "iso-8859-1"):
            raise bad_form(f"its file name is in the character set '{charset}', and can be in UTF-8 or ISO-8859-1")
        return unquote_to_bytes(value).decode(charset, "replace")
    _, options = parse_options_header(disposition)
    return options[b"filename"].decode("utf-8", "replace") if b"filename" in options else None


def bad_form(why: str) -> ApiProblem:
    """The problem with a form that cannot be read. Who has kept some of its files says so instead of NOTHING_KEPT."""
    return ApiProblem(400, "bad_form", f"The form cannot be read: {why}. {NOTHING_KEPT}")
