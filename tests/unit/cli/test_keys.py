"""The command line makes keys, over stores in memory."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from typer.testing import CliRunner

from imagestore.accounts.keys import Keys
from imagestore.accounts.roles import Role
from imagestore.accounts.signing import SigningKeys, Tokens
from imagestore.cli import stores
from imagestore.cli.keys import app
from imagestore.store import Stores
from unit.memory_items import MemoryItems


def test_the_key_is_printed_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = cast(Stores, SimpleNamespace(accounts=MemoryItems(), audit=MemoryItems()))
    monkeypatch.setattr(stores, "opened", lambda: opened)
    done = CliRunner().invoke(app, ["create", "importer", "--role", "trainer", "--days", "7"])
    assert done.exit_code == 0
    (secret,) = done.stdout.splitlines()
    key = Keys(opened.accounts).find(secret)
    assert key is not None
    assert (key.name, key.role, key.account) == ("importer", Role.TRAINER, None)
    (entry,) = opened.audit.find("entry")
    assert entry.document["target"] == key.id
    assert secret not in str(entry)


def test_a_new_signing_secret_keeps_what_the_old_one_signed_good(tmp_path: Path) -> None:
    first = CliRunner().invoke(app, ["signing-secret"]).stdout
    (tmp_path / "before").write_text(first)
    second = CliRunner().invoke(app, ["signing-secret", "--before", str(tmp_path / "before")]).stdout
    assert len(json.loads(second)["keys"]) == 2
    token = Tokens(SigningKeys(lambda: first), "https://x").make("key-1", "account-1", Role.VIEWER)
    assert Tokens(SigningKeys(lambda: second), "https://x").check(token).key == "key-1"
