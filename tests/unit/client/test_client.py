"""What a program does with the client, against the web app itself."""

import io
from pathlib import Path

import pytest

from imagestore.accounts.roles import Role
from imagestore.client import (
    Client,
    KeyRefused,
    NotReached,
    NotThere,
    Pending,
    Record,
    RequestRefused,
    RoleNeeded,
    Status,
    record_id,
)
from imagestore.store import Stores
from unit.pictures import encoded, photo
from unit.web.conftest import Drop
from unit.web.records import rejected
from unit.web.signed_in import Person

from .conftest import ClientOf

PICTURE = encoded(photo())


def test_a_picture_is_uploaded_from_a_path_from_bytes_and_from_an_open_file(
    client_of: ClientOf, tmp_path: Path
) -> None:
    client, path = client_of(Role.CONTRIBUTOR), tmp_path / "cup.jpg"
    path.write_bytes(PICTURE)
    from_path = client.upload(path)
    assert isinstance(from_path, Pending)
    assert (from_path.id, from_path.name) == (record_id("cup.jpg"), "cup.jpg")
    assert client.upload(PICTURE, "cup.jpg") == from_path, "the same file under the same name changes nothing"
    assert client.upload(io.BytesIO(PICTURE), "deep/er cup?.jpg").name == "deep/er cup?.jpg"
    assert client.original(from_path.id) == PICTURE


def test_another_file_under_a_name_is_refused_unless_it_is_said_what_to_do(client_of: ClientOf) -> None:
    client = client_of(Role.CONTRIBUTOR)
    client.upload(PICTURE, "cup.jpg")
    with pytest.raises(RequestRefused, match=r"There is another upload named 'cup\.jpg'") as refused:
        client.upload(b"other", "cup.jpg")
    assert (refused.value.status, refused.value.code) == (409, "name_taken")
    assert client.upload(b"other", "cup.jpg", if_exists="rename").name == "cup (2).jpg"
    assert client.upload(b"other", "cup.jpg", if_exists="overwrite").name == "cup.jpg"


def test_a_file_without_a_name_is_asked_for_one(client_of: ClientOf) -> None:
    with pytest.raises(ValueError, match="say what the picture is called"):
        client_of(Role.CONTRIBUTOR).upload(PICTURE)


def test_pictures_come_page_after_page(client_of: ClientOf, drop: Drop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imagestore.client.client.PAGE", 2)
    names = {drop(f"{number}.jpg").name for number in range(5)}
    drop("bad.jpg", made=rejected("bad.jpg", "corrupt"))
    client = client_of(Role.VIEWER)
    assert {record.name for record in client.pictures(status=Status.CLASSIFIED)} == names
    assert [record.name for record in client.pictures(sort="name", limit=3)] == ["0.jpg", "1.jpg", "2.jpg"]
    assert [record.name for record in client.pictures(reason="corrupt")] == ["bad.jpg"]
    assert [record.name for record in client.pictures(text="3.j")] == ["3.jpg"]
    assert list(client.pictures(corrected=True)) == []


def test_a_picture_is_looked_at_corrected_retried_and_deleted(
    client_of: ClientOf, drop: Drop, people: dict[Role, Person]
) -> None:
    record, client = drop("cup.jpg"), client_of(Role.CONTRIBUTOR)
    assert client.picture(record.id) == record
    corrected = client.correct(record.id, "a cup / mug")
    assert corrected.label == "a cup / mug"
    assert corrected.correction is not None
    assert corrected.correction.account == people[Role.CONTRIBUTOR].account.id
    assert client.uncorrect(record.id).correction is None
    assert client.retry(record.id).id == record.id
    assert client.delete(record.id).undo is None
    with pytest.raises(NotThere):
        client.picture(record.id)


def test_a_deletion_is_undone(client_of: ClientOf, drop: Drop) -> None:
    record, client = drop("cup.jpg"), client_of(Role.CONTRIBUTOR)
    deletion = client.delete(record.id, undoable=True)
    assert deletion.until is not None
    assert client.undelete(deletion).id == record.id


def test_the_final_record_is_waited_for(client_of: ClientOf, drop: Drop) -> None:
    client = client_of(Role.CONTRIBUTOR)
    pending = client.upload(PICTURE, "cup.jpg")
    assert isinstance(pending, Pending)
    with pytest.raises(NotReached, match=r"'cup\.jpg' has no record after 0\.01 s"):
        client.final(pending, timeout_s=0.01)
    assert isinstance(client.picture(pending.id, pending.name), Pending)
    record = drop("cup.jpg", PICTURE)
    assert client.final(pending) == record
    assert isinstance(client.upload(PICTURE, "cup.jpg", wait_s=5), Record | Pending)


def test_models_are_listed_and_a_version_that_is_not_there_is_not_promoted(client_of: ClientOf) -> None:
    client = client_of(Role.TRAINER)
    assert client.models().versions == []
    assert client.job() is None
    with pytest.raises(NotThere, match="There is no version 7 of the model 'mine'"):
        client.promote("mine", "7")


def test_a_versions_files_are_fetched_and_what_it_has_not_classified_is_counted(
    client_of: ClientOf, stores: Stores, drop: Drop
) -> None:
    stores.models.keep("mine", "1", {"model.onnx": b"a model"})
    assert client_of(Role.TRAINER).model_file("mine", "1", "model.onnx") == b"a model"
    with pytest.raises(RequestRefused):
        client_of(Role.TRAINER).model_file("mine", "1", "../../active.json")
    with pytest.raises(RoleNeeded):
        client_of(Role.CONTRIBUTOR).model_file("mine", "1", "model.onnx")
    drop("cup.jpg")
    assert client_of(Role.VIEWER).outdated() == 0


def test_who_one_is(client_of: ClientOf) -> None:
    me = client_of(Role.TRAINER).me()
    assert (me.role, me.means) == (Role.TRAINER, "key")


def test_a_role_that_does_not_suffice_is_told_which_one_does(client_of: ClientOf, drop: Drop) -> None:
    record = drop("cup.jpg")
    with pytest.raises(RoleNeeded, match="This needs the role contributor; yours is viewer") as refused:
        client_of(Role.VIEWER).delete(record.id)
    assert refused.value.needed == "contributor"


def test_without_a_key_or_with_a_wrong_one_nothing_is_told(client_of: ClientOf, http: object) -> None:
    with pytest.raises(KeyRefused, match="needs an account, an API key or an access token"):
        list(client_of(None).pictures())
    with pytest.raises(KeyRefused, match="This key is not known"):
        Client(client_of(None).server, "ims_" + "x" * 43, http=http).me()  # type: ignore[arg-type]


def test_an_administrator_invites_and_says_who_may_do_what(client_of: ClientOf, people: dict[Role, Person]) -> None:
    client, viewer = client_of(Role.ADMIN), people[Role.VIEWER].account.id
    link = client.invite("new@example.org", Role.TRAINER)
    assert "/invitation?token=" in link.url
    assert [(one.email, one.role) for one in client.invitations()] == [("new@example.org", Role.TRAINER)]
    assert client.set_role(viewer, Role.TRAINER).role is Role.TRAINER
    assert client.disable(viewer).is_disabled
    assert not client.enable(viewer).is_disabled
    client.sign_out(viewer)
    assert "/reset?token=" in client.allow_reset(viewer).url
    client.delete_account(viewer)
    assert viewer not in {one.id for one in client.accounts()}


def test_keys_are_listed_exchanged_and_revoked_and_made_by_administrators(
    client_of: ClientOf, people: dict[Role, Person]
) -> None:
    client, key = client_of(Role.TRAINER), people[Role.TRAINER].key
    assert [one.id for one in client.api_keys()] == [key.id]
    with pytest.raises(RequestRefused, match="makes no keys, but for an administrator's") as refused:
        client.create_key("importer", Role.VIEWER)
    assert refused.value.code == "session_needed"
    made = client_of(Role.ADMIN).create_key("importer", Role.VIEWER)
    assert made.key.made_with == people[Role.ADMIN].key.id
    client_of(Role.ADMIN).revoke_key(made.key.id)
    assert {one.id for one in client_of(Role.ADMIN).api_keys(all=True)} == {one.key.id for one in people.values()}
    client.revoke_key(key.id)
    with pytest.raises(KeyRefused):
        client.me()


def test_nothing_in_an_id_leads_elsewhere(client_of: ClientOf) -> None:
    for id in ("../account", "..", "%2e%2e/keys", "?all=true", "a#b", ""):
        with pytest.raises(RequestRefused) as refused:
            client_of(Role.CONTRIBUTOR).original(id)
        assert refused.value.status in (404, 422)


def test_many_pictures_are_changed_and_put_back(client_of: ClientOf, drop: Drop, stores: Stores) -> None:
    ids, client, steps = [drop(f"{number}.jpg").id for number in range(60)], client_of(Role.CONTRIBUTOR), list[int]()
    change = client.change("label", ids, "lynx", progress=lambda one: steps.append(one.changed))
    assert (change.state, change.changed, steps) == ("applied", 60, [50, 60])
    assert {one.label for one in client.pictures()} == {"lynx"}
    assert [one.id for one in client.changes()] == [change.id]
    client.correct(ids[0], "owl")
    assert client.undo_change(change.id).restored == 59
    assert [one.name for one in client.read_change(change.id).left] == ["0.jpg"]
    assert client.finish_change(change.id).state == "undone"


def test_many_pictures_are_uploaded_and_corrected_at_once(
    client_of: ClientOf, drop: Drop, stores: Stores, tmp_path: Path
) -> None:
    client = client_of(Role.CONTRIBUTOR)
    (tmp_path / "cat.jpg").write_bytes(PICTURE)
    uploaded = client.upload_many([tmp_path / "cat.jpg", ("dog.jpg", b"dog"), ("../x", b"x")], "pets/")
    assert [(one.name, str(one.status)) for one in uploaded.items] == [
        ("pets/cat.jpg", "taken"), ("pets/dog.jpg", "taken"), ("pets/../x", "refused"),
    ]  # fmt: skip
    assert stores.uploads.get("pets/cat.jpg").data == PICTURE
    records = [drop(f"{number}.jpg") for number in range(60)]
    steps: list[str] = []
    made = client.correct_many(
        [(one.name, "lynx") for one in records] + [("no.jpg", ["a"])], progress=lambda one: steps.append(one.state)
    )
    assert made.change is not None
    assert (made.change.changed, made.change.left_alone, steps) == (60, 1, ["applying", "applied"])
    assert [str(row.status) for row in made.rows] == ["done"] * 60 + ["left_alone"]
    assert client.undo_change(made.change.id).restored == 60
    by_id = client.correct_many([(records[0].id, "owl"), ("nonsense", "owl")], by_id=True)
    assert [str(row.status) for row in by_id.rows] == ["done", "refused"]
    assert client.correct_many([("a.jpg", "unknown")]).change is None
