"""What is kept of how a model was made."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

import model.training.provenance
from imagestore import __version__
from model.training.choose import Choice
from model.training.imbalance import Balance, Balancing
from model.training.provenance import Provenance, code_version
from model.training.recipe import Recipe


def git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


def test_a_checkout_is_told_by_its_commit_and_whether_files_were_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model.training.provenance, "ROOT", tmp_path)
    assert code_version() == __version__, "as when pip has installed it"
    git(tmp_path, "init", "--quiet")
    (tmp_path / "code.py").write_text("one")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "first")
    clean = code_version()
    assert clean.startswith(f"{__version__} (")
    assert "dirty" not in clean
    (tmp_path / "code.py").write_text("two")
    assert code_version() == clean.replace(")", "-dirty)")


def test_it_is_told_in_a_sentence() -> None:
    made = Provenance(
        "2026-11-21", "0.2.0", 120, "f" * 64, 7, True, False, 4, 1.0, 0.9, Choice(Recipe(colour=True, views=4), 0, [])
    )
    assert made.sentence() == "120 pictures (colour, cropped, Lite0, 4 altered views), seed 7"


def test_it_is_read_again_and_the_label_of_each_picture_is_no_part_of_what_is_told() -> None:
    made = Provenance(
        "2026-11-21", "0.2.0", 2, "f" * 64, 7, True, False, 0, 1.0, 0.9, Choice(Recipe(), 0, []),
        balancing=Balancing(Balance.SQUARE_ROOT), learned={"a" * 64: "cat"},
    )  # fmt: skip
    assert Provenance.from_json(made.to_json()) == made
    assert "learned" not in made.told()
    before_middle_layers = made.to_json().replace(b'"middle":false,', b"").replace(b'"middle":null,', b"")
    assert b"middle" not in before_middle_layers
    assert Provenance.from_json(before_middle_layers) == made
    with pytest.raises(ValueError, match="pictures"):
        Provenance.from_json(b'{"at": "2026-11-21", "code": "0.2.0"}')


def test_how_many_look_alikes_are_recognised_is_said_with_a_warning_if_few_are() -> None:
    made = Provenance("2026-11-21", "0.2.0", 2, "f" * 64, 7, True, False, 0, 1.0, 0.9, Choice(Recipe(), 0, []))
    assert made.look_alikes() is None
    well, badly = (replace(made, similarity=0.7, recognised=share) for share in (0.97, 0.55))
    assert well.sentences()[-1].endswith(
        "from a similarity of 0.70 on; of copies that are cropped, shifted or turned a little, 97 % are recognised."
    )
    assert "55 % are recognised. The others may be learned from and tested on" in badly.sentences()[-1]
