"""The docs' table of roles is what Bicep gives, and nobody is given more than a container or a queue of pictures."""

import json
import re

from imagestore.store import roles
from infra.roles_table import PAGE, ROLES, WHO, Grant, grants, table, written
from unit.infra import bicep

ROWS = list(grants(bicep.read(ROLES)))


def test_the_docs_have_the_table_of_today() -> None:
    page = bicep.read(PAGE)
    assert page == written(page, bicep.read(ROLES)), "run: python infra/roles_table.py"


def test_rows_that_differ_in_the_container_alone_are_one() -> None:
    rows = [{"who": "web", "role": "Reader", "on": on, "why": "Sees the page's own"} for on in ("a", "b")]
    text = json.dumps({"container": rows})
    assert table(text).splitlines()[2:] == [f"| {WHO['web']} | Reader | container `a`, `b` | Sees the page's own |"]


def test_blobs_that_a_role_is_held_to_are_named() -> None:
    row = {"who": "web", "role": "Reader", "on": "a", "only": ["b", "c"], "why": "So"}
    (line,) = table(json.dumps({"container": [row]})).splitlines()[2:]
    assert line == f"| {WHO['web']} | Reader, changes of `b`, `c` alone | container `a` | So |"


def test_every_row_is_deployed() -> None:
    text = bicep.text("modules/roles.bicep")
    assert "var grants = loadJsonContent('../../imagestore/store/roles.json')" in text
    for kind in {row.kind for row in ROWS}:
        assert f"map(grants.{kind}, grant" in text
    known = bicep.block(text, "var roleIds = {") + bicep.block(text, "var cosmosRoleIds = {")
    assert {row.role for row in ROWS} == set(re.findall(r"^  '([^']+)': ", known, re.MULTILINE))


def test_the_code_reads_the_same_rows() -> None:
    of_the_code = {(kind, one.who, one.role, one.on, one.only) for kind, rows in roles.grants().items() for one in rows}
    assert of_the_code == {(row.kind, row.who, row.role, row.on, row.only) for row in ROWS}


def test_nobody_is_named_whom_main_does_not_know() -> None:
    principals = bicep.block(bicep.text("main.bicep"), "principals: {")
    assert {row.who for row in ROWS} == set(WHO)
    assert all(f"{who}: " in principals for who in WHO)


def test_tags_are_set_by_owners_of_their_container() -> None:
    owners = {(row.who, row.on) for row in ROWS if row.role == "Storage Blob Data Owner" and row.kind == "container"}
    assert owners == {
        ("function", "uploads"),
        ("web", "uploads"),
        ("operator", "uploads"),
        ("operator", "thumbnails"),
    }


def test_the_web_app_cannot_forge_a_record_or_change_the_audit_log() -> None:
    of_the_web = {(row.kind, row.on): row.role for row in ROWS if row.who == "web" and not row.only}
    assert of_the_web["container", "staging"] == "Storage Blob Data Reader"
    assert of_the_web["cosmos", "audit"] == "Audit Writer"
    audit = bicep.block(bicep.text("modules/roles.bicep"), "resource auditRole 'Microsoft.DocumentDB")
    assert not {"replace", "upsert", "delete"} & {action.rsplit("/", 1)[-1] for action in bicep.texts(audit)}


def test_data_in_cosmos_is_given_by_container_never_by_account() -> None:
    on_the_account = {row.role for row in ROWS if row.kind == "cosmos" and not row.on}
    assert on_the_account == {"Account Metadata"}


def test_an_uploader_reaches_the_uploads_alone() -> None:
    assert [row for row in ROWS if row.who == "uploader"] == [
        Grant(
            "container",
            "uploader",
            "Storage Blob Data Contributor",
            "az storage blob upload --auth-mode login",
            "uploads",
        )
    ]
