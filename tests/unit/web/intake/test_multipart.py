"""A form is read as it arrives, whatever the pieces in which it comes, and never held in memory."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from imagestore.web.intake.multipart import FORM_BYTES, FormFile
from imagestore.web.problems import ApiProblem

FORM = "multipart/form-data; boundary=xyz"
DATA = b"\r\n--xy not the end\r\n-- nor this \x00\xff"


def part(data: bytes, *, name: bytes = b"file", filename: bytes | None = b"cat.jpg") -> bytes:
    said = b"" if filename is None else b'; filename="' + filename + b'"'
    head = b'--xyz\r\nContent-Disposition: form-data; name="' + name + b'"' + said
    return head + b"\r\nContent-Type: image/jpeg\r\n\r\n" + data + b"\r\n"


async def chunks(body: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


def read(body: bytes, size: int = 64, content_type: str = FORM) -> tuple[str | None, bytes]:
    """The name and the content of the file in this form, which comes in pieces of this size."""

    async def all_of_it() -> tuple[str | None, bytes]:
        form = FormFile(content_type, chunks(body, size))
        await form.start()
        return form.name, b"".join([piece async for piece in form.content()])

    return asyncio.run(all_of_it())


@pytest.mark.parametrize("size", [1, 2, 7, 64, 10_000])
def test_the_file_is_the_same_in_whatever_pieces_it_comes(size: int) -> None:
    other = part(b"value", name=b"comment", filename=None)
    assert read(other + part(DATA) + other + b"--xyz--\r\n", size) == ("cat.jpg", DATA)


def test_names_are_read_as_clients_write_them() -> None:
    assert read(part(b"", filename="Kätzchen 学.jpg".encode()) + b"--xyz--")[0] == "Kätzchen 学.jpg"
    assert read(part(b"", filename=b'a \\"b\\".jpg') + b"--xyz--")[0] == 'a "b".jpg'
    assert len(read(part(b"", filename=("😀" * 1019).encode()) + b"--xyz--")[0] or "") == 1019


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        (b"filename*=UTF-8''K%C3%A4tzchen%20%E5%AD%A6.jpg", "Kätzchen 学.jpg"),
        (b"filename*=utf-8'de'K%C3%A4tzchen.jpg; size=3", "Kätzchen.jpg"),
        (b"filename*=ISO-8859-1''K%E4tzchen.jpg", "Kätzchen.jpg"),
        (b"filename=\"K_tzchen.jpg\"; filename*=UTF-8''K%C3%A4tzchen.jpg", "Kätzchen.jpg"),
        (b"filename=\"a; filename*=UTF-8''b.jpg\"", "a; filename*=UTF-8''b.jpg"),
    ],
)
def test_a_name_in_the_extended_form_is_read_too(disposition: bytes, name: str) -> None:
    head = b'--xyz\r\nContent-Disposition: form-data; name="file"; ' + disposition
    assert read(head + b"\r\n\r\nabc\r\n--xyz--") == (name, b"abc")


def test_a_name_in_no_known_character_set_is_refused() -> None:
    head = b"--xyz\r\nContent-Disposition: form-data; name=file; filename*=klingon''a.jpg"
    with pytest.raises(ApiProblem, match="character set 'klingon'"):
        read(head + b"\r\n\r\nabc\r\n--xyz--")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"no form at all", "Nothing was kept"),
        (b"", "no file"),
        (part(b"value", filename=None) + b"--xyz--", "no file"),
        (part(b"one") + part(b"two") + b"--xyz--", "more than one file"),
        (part(DATA), "breaks off"),
        (part(DATA)[:-20], "breaks off"),
        (part(bytes(FORM_BYTES + 1), filename=None) + part(DATA) + b"--xyz--", f"more than {FORM_BYTES} bytes beside"),
        (b"--xyz\r\nX: " + b"y" * 20_000 + b"\r\n\r\n", "Nothing was kept"),
    ],
)
def test_what_is_wrong_with_a_form_is_said(body: bytes, said: str) -> None:
    with pytest.raises(ApiProblem, match="The form cannot be read") as caught:
        read(body)
    assert caught.value.status == 400
    assert said in caught.value.detail


@pytest.mark.parametrize("content_type", ["multipart/form-data", "multipart/form-data; boundary=" + "x" * 300])
def test_a_form_without_a_usable_boundary_is_refused(content_type: str) -> None:
    with pytest.raises(ApiProblem):
        read(part(DATA), content_type=content_type)


def test_no_more_of_a_form_is_held_than_has_just_come() -> None:
    async def largest_piece() -> int:
        form = FormFile(FORM, chunks(part(bytes(1_000_000)) + b"--xyz--", 1000))
        await form.start()
        return max([len(piece) async for piece in form.content()])

    assert asyncio.run(largest_piece()) <= 1000
