"""The files of a form, each as it arrives: in any pieces, read or not, cut off anywhere."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from imagestore.web.intake.streamed_form import StreamedForm
from imagestore.web.problems import ApiProblem

KIND = "multipart/form-data; boundary=B"
FIELD = b"--B\r\nContent-Disposition: form-data; name=text\r\n\r\nno file\r\n"


def part(name: str, content: bytes) -> bytes:
    return f'--B\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode() + content + b"\r\n"


A, B = b"a" * 50, b"--b\r\n-B\r\n--"
WHOLE = part("a.jpg", A) + FIELD + part("b.jpg", B) + part("", b"") + FIELD + b"--B--\r\n"


def read(
    data: bytes, size: int = 64, most: int = 10_000, is_read: Callable[[str], bool] = lambda name: True
) -> tuple[list[tuple[str, bytes]], str]:
    """The files that are read, each as far as it came, and the code of what went wrong."""
    found: list[tuple[str, bytes]] = []

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(data), size):
            yield data[start : start + size]

    async def run() -> str:
        form = StreamedForm(KIND, pieces(), most)
        try:
            async for name, content in form.files():
                if is_read(name):
                    found.append((name, b""))
                    async for piece in content:
                        found[-1] = (name, found[-1][1] + piece)
        except ApiProblem:
            for ask in (form.files, form.files):  # whoever asks again is told the same
                with pytest.raises(ApiProblem) as again:
                    await anext(ask())
                assert again.value is form.failed
            return again.value.code
        return ""

    return found, asyncio.run(run())


@pytest.mark.parametrize("size", [1, 3, 64, 10_000])
def test_files_come_whole_in_whatever_pieces_and_other_fields_are_left_out(size: int) -> None:
    assert read(WHOLE, size) == ([("a.jpg", A), ("b.jpg", B), ("", b"")], "")


@pytest.mark.parametrize("size", [1, 64, 10_000])
def test_a_file_that_is_not_read_is_passed_over(size: int) -> None:
    assert read(WHOLE, size, is_read=lambda name: name == "b.jpg") == ([("b.jpg", B)], "")


def test_cut_off_anywhere_no_file_counts_as_whole_that_is_not() -> None:
    for end in range(len(WHOLE) - len(b"--B--\r\n")):
        found, code = read(WHOLE[:end], 10_000)
        assert code == "bad_form", end
        for (name, content), whole in zip(found, [("a.jpg", A), ("b.jpg", B), ("", b"")], strict=False):
            assert (name, content) == (whole[0], whole[1][: len(content)])


@pytest.mark.parametrize("size", [1, 64, 10_000])
def test_what_is_over_the_limit_is_not_read_whatever_the_pieces(size: int) -> None:
    most = len(part("a.jpg", A)) + 10
    assert read(WHOLE, size, most) == ([("a.jpg", A)], "too_many_bytes")


@pytest.mark.parametrize("size", [1, 64, 10_000])
@pytest.mark.parametrize(
    "bad",
    [
        b"--B\r\nContent-Disposition: form-data; filename*=windows-1252''b.jpg\r\n\r\n",
        b"--B\r\n" + b"X: x\r\n" * 9 + b"\r\n",
        part("b.jpg", B) + b"--B x\r\n",
    ],
)
def test_what_came_before_a_fault_is_handed_out_first_and_nothing_after_it(bad: bytes, size: int) -> None:
    found, code = read(part("a.jpg", A) + bad + part("c.jpg", B) + b"--B--\r\n", size)
    assert (found[0], code) == (("a.jpg", A), "bad_form")
    assert "c.jpg" not in dict(found)
