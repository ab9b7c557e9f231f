"""Which files of a folder are pictures, and the names that they get."""

import os
from pathlib import Path

import pytest

from imagestore.cli.intake import LINKED_AGAIN, NOT_UTF8, SAME_NAME, PictureFile, Sent, Uploaded, scan, upload_pictures
from imagestore.cli.upload import summary
from imagestore.errors import UnreadableFile
from unit.pictures import encoded, photo

PICTURE = encoded(photo())


def test_a_folder_is_taken_in_by_relative_names(tmp_path: Path) -> None:
    for name in ("a.png", "deep/er/b", ".hidden.png", "notes.txt", ".git/c.png", "empty.png", "doc.pdf"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes({"notes.txt": b"text", "empty.png": b"", "doc.pdf": b"%PDF-1.4"}.get(name, PICTURE))
    found = scan([tmp_path], "garden/")
    assert [p.name for p in found.pictures] == ["garden/a.png", "garden/deep/er/b", "garden/doc.pdf"]
    assert found.skipped == {"hidden": 1, "not a picture": 2}
    assert [p.name for p in scan([tmp_path / "a.png"]).pictures] == ["a.png"]


def test_a_path_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="nowhere' does not exist"):
        scan([tmp_path / "nowhere"])


def test_links_that_lead_back_add_no_pictures(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.png").write_bytes(PICTURE)
    (tmp_path / "deep" / "loop").symlink_to(tmp_path)
    (tmp_path / "also").symlink_to(tmp_path / "deep")
    found = scan([tmp_path])
    assert [picture.name for picture in found.pictures] == ["deep/a.png"]
    assert found.skipped == {LINKED_AGAIN: 2}


def test_a_linked_folder_from_elsewhere_is_taken_in(tmp_path: Path) -> None:
    for folder in ("here", "elsewhere"):
        (tmp_path / folder).mkdir()
    (tmp_path / "elsewhere" / "a.png").write_bytes(PICTURE)
    (tmp_path / "here" / "link").symlink_to(tmp_path / "elsewhere")
    assert [picture.name for picture in scan([tmp_path / "here"]).pictures] == ["link/a.png"]


def test_a_name_that_is_not_utf8_is_skipped_and_counted(tmp_path: Path) -> None:
    (tmp_path / "good.png").write_bytes(PICTURE)
    try:
        with open(os.fsencode(tmp_path) + b"/caf\xe9.png", "wb") as file:
            file.write(PICTURE)
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    found = scan([tmp_path])
    assert [picture.name for picture in found.pictures] == ["good.png"]
    assert found.skipped == {NOT_UTF8: 1}


def test_a_file_has_the_name_under_which_storage_keeps_it(tmp_path: Path) -> None:
    for name in ("a/b.png", r"a\b.png", r"c\d.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(PICTURE)
    found = scan([tmp_path], "in\\")
    assert [picture.name for picture in found.pictures] == ["in/a/b.png", "in/c/d.png"]
    assert found.skipped == {SAME_NAME: 1}, "two files cannot be one upload"


def test_two_files_of_one_name_from_two_folders_are_one_upload_and_one_skipped(tmp_path: Path) -> None:
    for folder in ("spring", "autumn"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.png").write_bytes(PICTURE)
    found = scan([tmp_path / "spring", tmp_path / "autumn"])
    assert [picture.path.parent.name for picture in found.pictures] == ["spring"]
    assert found.skipped == {SAME_NAME: 1}


def test_ctrl_c_ends_an_upload_and_what_was_done_is_told(tmp_path: Path) -> None:
    for number in range(100):
        (tmp_path / f"{number:03d}.png").write_bytes(PICTURE)
    found, uploaded = scan([tmp_path]), Uploaded()
    sent: list[str] = []

    def send(picture: PictureFile) -> Sent:
        sent.append(picture.name)
        if len(sent) == 3:
            raise KeyboardInterrupt
        return Sent("0x1", is_new=True)

    with pytest.raises(KeyboardInterrupt):
        upload_pictures(send, found.pictures, uploaded, lambda: None)
    assert len(sent) < 100
    assert summary(found, uploaded) == f"{len(sent) - 1} uploaded, {101 - len(sent)} not yet uploaded."
