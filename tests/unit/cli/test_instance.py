"""Commands about pictures and models do the same over the stores and against a distant web app."""

import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from imagestore.accounts.roles import Role
from imagestore.cli.instance import OverStores
from imagestore.cli.intake import Uploaded, scan, upload_pictures
from imagestore.store import Listed, Stores
from imagestore.web.services import Services
from unit.classify.test_model import tiny
from unit.pictures import encoded, photo
from unit.web.conftest import Drop, drop, guarded, guarded_app, people, services, stores
from unit.web.records import rejected
from unit.web.signed_in import PUBLIC, Person

from .distant import Command, command

__all__ = ["drop", "guarded", "guarded_app", "people", "services", "stores"]
PICTURE = encoded(photo())
As = Callable[[Role | None], Command]


@pytest.fixture
def imagestore_as(
    guarded_app: FastAPI,
    people: dict[Role, Person],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[As]:
    """The command line with the key of somebody of this role, or without a key."""
    with TestClient(guarded_app, raise_server_exceptions=False) as http:
        yield lambda role: command(http, monkeypatch, capsys, None if role is None else people[role].secret)


def test_over_the_stores_what_is_there_unchanged_is_found_also_where_its_name_had_a_backslash(tmp_path: Path) -> None:
    (tmp_path / r"c\d.png").write_bytes(PICTURE)
    there = Listed("c/d.png", "0x1", len(PICTURE), datetime.now(UTC), hashlib.md5(PICTURE).digest(), {})
    opened: Any = SimpleNamespace(uploads=SimpleNamespace(list=lambda: iter([([there], None)])))
    uploaded = Uploaded()
    upload_pictures(OverStores(opened).sender(), scan([tmp_path]).pictures, uploaded, lambda: None)
    assert (uploaded.etags, uploaded.unchanged) == ({"c/d.png": "0x1"}, 1)


def test_a_folder_is_uploaded_and_what_is_there_unchanged_is_not_sent_again(
    imagestore_as: As, tmp_path: Path, stores: Stores, drop: Drop
) -> None:
    imagestore = imagestore_as(Role.CONTRIBUTOR)
    folder = tmp_path / "pictures"
    (folder / "deep").mkdir(parents=True)
    for name in ("a.png", "deep/b.png"):
        (folder / name).write_bytes(PICTURE)
    first = imagestore("upload", folder, "--prefix", "garden/")
    assert (first.code, first.out.strip()) == (0, "2 uploaded.")
    assert stores.uploads.get("garden/deep/b.png").data == PICTURE
    drop("garden/a.png", PICTURE)
    (folder / "deep" / "b.png").write_bytes(encoded(photo(31)))
    assert imagestore("upload", folder, "--prefix", "garden/").out.strip() == "1 uploaded, 1 unchanged."
    assert stores.uploads.get("garden/deep/b.png").data == encoded(photo(31)), "as over the stores, it is replaced"


def test_pictures_are_listed_and_shown(imagestore_as: As, drop: Drop) -> None:
    imagestore, record = imagestore_as(Role.VIEWER), drop("garden/cup.jpg")
    drop("bad.jpg", made=rejected("bad.jpg"))
    listed = imagestore("ls", "--status", "classified", "--json").out.splitlines()
    assert [json.loads(line)["name"] for line in listed] == ["garden/cup.jpg"]
    assert "rejected: corrupt" in imagestore("ls").out
    assert "tabby" in imagestore("show", "garden/cup.jpg").out
    assert json.loads(imagestore("show", record.id, "--json").out)["label"] == "tabby"
    missing = imagestore("show", "no such.jpg")
    assert (missing.code, missing.err.strip()) == (
        1,
        "imagestore: There is no record of 'no such.jpg'. imagestore ls lists those there are.",
    )


def test_a_correction_is_by_the_account_of_the_key(
    imagestore_as: As, drop: Drop, people: dict[Role, Person], stores: Stores
) -> None:
    imagestore, record = imagestore_as(Role.CONTRIBUTOR), drop("cup.jpg")
    assert imagestore("correct", "cup.jpg", "a [red] mug").out.strip() == "cup.jpg: a [red] mug"
    stored = stores.records.read(record.id)
    assert stored is not None
    assert stored.record.correction is not None
    assert stored.record.correction.account == people[Role.CONTRIBUTOR].account.id
    assert imagestore("correct", "cup.jpg", "--undo").out.strip() == "cup.jpg: tabby"
    assert "is reserved for pictures" in imagestore("correct", "cup.jpg", "unknown").err


def test_all_are_known_before_the_first_is_deleted(imagestore_as: As, drop: Drop, stores: Stores) -> None:
    imagestore, _ = imagestore_as(Role.CONTRIBUTOR), drop("cup.jpg")
    missing = imagestore("delete", "cup.jpg", "no such.jpg", "--yes")
    assert "There is no upload 'no such.jpg'. Nothing was deleted" in missing.err
    assert stores.uploads.stat("cup.jpg") is not None
    assert imagestore("delete", "cup.jpg", "--yes").out.strip() == "'cup.jpg' deleted."
    assert stores.uploads.stat("cup.jpg") is None


def test_pictures_are_tried_again_one_or_all_with_a_reason(
    imagestore_as: As, drop: Drop, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr("imagestore.web.api.pictures.retry_one", lambda stores, name: asked.append(name))
    imagestore = imagestore_as(Role.CONTRIBUTOR)
    for name in ("a.jpg", "b.jpg"):
        drop(name, made=rejected(name))
    drop("good.jpg")
    assert imagestore("retry", "--reason", "corrupt", "--dry-run").out.strip() == "2 would be queued."
    assert asked == []
    assert imagestore("retry", "--reason", "corrupt").out.strip() == "2 queued."
    assert imagestore("retry", "good.jpg").out.strip() == "1 queued."
    assert sorted(asked) == ["a.jpg", "b.jpg", "good.jpg"]
    assert imagestore("retry", "no such.jpg").code == 1


def test_models_are_listed(imagestore_as: As) -> None:
    imagestore = imagestore_as(Role.VIEWER)
    assert "default" in imagestore("models").out
    assert "There are no figures of mine 1" in imagestore("models", "show", "1").err


def test_a_version_is_exported_by_trainers(
    imagestore_as: As, stores: Stores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {"model.onnx": tiny(tmp_path / "m.onnx").read_bytes(), "metrics.json": b"{}", "report.html": b"<p>"}
    stores.models.keep("mine", "1", files)
    done = imagestore_as(Role.TRAINER)("models", "export", "1", tmp_path / "export")
    assert done.code == 0
    written = {path.name: path.read_bytes() for path in (tmp_path / "export").iterdir()}
    assert {**written, **files} == written
    assert written.keys() - files.keys() == {"labels.txt", "manifest.json", "predict.py"}
    stores.models.keep("mine", "2", {"model.onnx": files["model.onnx"]})  # one that was added, without figures
    with monkeypatch.context() as lacking:
        lacking.setattr("imagestore.jobs.libraries.missing", lambda: ["onnx"])
        done = imagestore_as(Role.TRAINER)("models", "export", "2", tmp_path / "bare")
    assert "Without labels, manifest and script" in done.out
    assert [path.name for path in (tmp_path / "bare").iterdir()] == ["model.onnx"]
    assert "There is no version 9 of the model 'mine'" in imagestore_as(Role.TRAINER)("models", "export", "9", "x").err
    assert "needs the role trainer" in imagestore_as(Role.VIEWER)("models", "export", "1", tmp_path / "other").err
    assert not (tmp_path / "other").exists()


def test_what_would_be_done_again_is_counted(
    imagestore_as: As, drop: Drop, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    imagestore = imagestore_as(Role.VIEWER)
    drop("cup.jpg")
    assert imagestore("reprocess", "--dry-run").out.strip() == "0 would be done again."
    monkeypatch.setattr(services.live_model, "by_prefix", lambda: [("", "e" * 64)])
    assert imagestore("reprocess", "--dry-run").out.strip() == "1 would be done again."


def test_routes_are_given_and_taken_away_over_the_api(imagestore_as: As, stores: Stores) -> None:
    stores.models.keep("screws", "1", {"model.onnx": b"model"})
    imagestore = imagestore_as(Role.TRAINER)
    assert "It has no live model yet" in imagestore("route", "add", "factory/*", "--project", "screws").out
    assert "factory/*  screws" in imagestore("route", "list").out
    assert "is no route any more" in imagestore("route", "remove", "factory/*").out
    assert "factory" not in imagestore("route", "list").out


def test_projects_are_begun_renamed_deleted_and_taken_back_over_the_api(imagestore_as: As, stores: Stores) -> None:
    imagestore = imagestore_as(Role.TRAINER)
    done = imagestore("projects", "create", "M3 screws", "--several-labels").out
    assert "The project 'M3 screws' (M3-screws) is there." in done
    assert "imagestore train FOLDER --project M3-screws" in done
    stores.models.keep("M3-screws", "1", {"model.onnx": b"model", "metrics.json": b"{}", "report.html": b"report"})
    assert "factory/*" in imagestore("route", "add", "factory/*", "--project", "m3 screws").out
    shown = imagestore("projects", "show", "M3 screws").out
    assert "several labels a picture" in shown
    assert "Versions: 1." in shown
    assert "Uploads: factory/*." in shown
    assert "called so now" in imagestore("projects", "rename", "m3 screws", "Bolts").out
    assert "M3-screws  Bolts" in imagestore("projects", "list").out
    made = imagestore_as(Role.ADMIN)("keys", "create", "shop", "--project", "bolts")
    assert made.out.startswith("ims_"), made.err
    assert "shop (M3-screws)" in imagestore_as(Role.ADMIN)("keys", "list").out
    refused = imagestore("projects", "delete", "bolts", "--yes")
    assert (refused.code, "classifies factory/*" in refused.err) == (1, True)
    imagestore("route", "remove", "factory/*")
    assert "imagestore projects undelete M3-screws" in imagestore("projects", "delete", "bolts", "--yes").out
    assert "gone after" in imagestore("projects", "list").out
    assert "imagestore projects undelete M3-screws" in imagestore("promote", "1", "--project", "bolts").err
    assert "is there again" in imagestore("projects", "undelete", "Bolts").out
    assert "There is no project 'nails'" in imagestore("models", "show", "1", "--project", "nails").err


@pytest.mark.parametrize(
    "arguments",
    [["sweep"], ["rebuild"], ["verify"], ["status"], ["jobs", "run"], ["doctor"],
     ["projects", "purge"],
    ],
    ids=lambda arguments: arguments[0],
)  # fmt: skip
def test_what_needs_the_stores_says_where_it_works(imagestore_as: As, arguments: list[str]) -> None:
    done = imagestore_as(Role.ADMIN)(*arguments)
    assert done.code == 1
    assert "works on the machine with the stores only" in done.err
    assert PUBLIC in done.err


def test_without_a_key_and_with_a_wrong_one_it_is_said_how_to_give_one(
    imagestore_as: As, monkeypatch: pytest.MonkeyPatch
) -> None:
    none = imagestore_as(None)("ls")
    assert none.code == 1
    assert "needs an account, an API key or an access token" in none.err
    assert "IMAGESTORE_KEY, or with imagestore profile save" in none.err
    monkeypatch.setenv("IMAGESTORE_KEY", "ims_planted" + "x" * 32)
    wrong = imagestore_as(None)("ls")
    assert "This key is not known" in wrong.err
    assert "planted" not in wrong.err + wrong.out


def test_a_role_that_does_not_suffice_is_named_with_the_one_that_does(imagestore_as: As, drop: Drop) -> None:
    drop("cup.jpg")
    refused = imagestore_as(Role.VIEWER)("correct", "cup.jpg", "mug")
    assert refused.code == 1
    assert "This needs the role contributor; yours is viewer." in refused.err
