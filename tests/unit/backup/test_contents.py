import hashlib

import pytest

from imagestore.backup.contents import Contents
from imagestore.backup.format import INLINE_BYTES, content_file
from imagestore.errors import BackupError
from unit.backup.estate import MemoryVault


def test_a_content_is_kept_once_and_a_small_one_in_its_line() -> None:
    vault = MemoryVault()
    contents = Contents(vault)
    large, small = b"x" * (INLINE_BYTES + 1), b"y" * INLINE_BYTES
    kept = contents.keep([large[:10], large[10:]])
    assert kept.sha256 == hashlib.sha256(large).hexdigest()
    assert kept.md5 == hashlib.md5(large).hexdigest()
    assert contents.keep([large]) == kept
    assert contents.new_bytes == len(large)
    in_line = contents.keep([small])
    assert in_line.inline == small
    assert set(vault.files) == {content_file(kept.sha256)}
    for content, data in ((kept, large), (in_line, small)):
        assert Contents(vault).has(content)
        with Contents(vault).open(content) as file:
            assert file.read() == data


def test_a_content_that_is_damaged_or_gone_is_not_given_out() -> None:
    vault = MemoryVault()
    kept = Contents(vault).keep([b"x" * 5000])
    vault.files[content_file(kept.sha256 or "")] = b"y" * 5000
    with pytest.raises(BackupError, match="is damaged"):
        Contents(vault).open(kept)
    vault.files.clear()
    assert not Contents(vault).has(kept)
    with pytest.raises(BackupError, match="is not in memory"):
        Contents(vault).open(kept)
