"""What the default model says of everyday photographs, with families and without: `python -m bench.first_impression`.

The photographs are GCompris's (bench/gcompris.py): apt-get install gcompris-qt-data. They serve to choose the two
thresholds of model/default/build.py, and for nothing else.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bench.gcompris import FOLDER, photographs
from classify import Family, Model, load_model
from classify.families import surest_family
from imagestore.proportion import wilson
from model.default.build import DEFAULT
from preprocess import Limits, preprocess

_CLASS = (0.35, 0.4, 0.5, 0.6, 0.7, 0.8)
_FAMILY = (0.4, 0.45, 0.5, 0.55, 0.6, 0.7)


def answer(model: Model, probabilities: np.ndarray, sure: float, family_sure: float | None) -> str | None:
    """The label that the model would give with these thresholds; None for unknown."""
    if probabilities.max() >= sure:
        return model.labels[int(probabilities.argmax())]
    if family_sure is None:
        return None
    families = [Family(family.label, family.classes, family_sure) for family in model.families]
    found = surest_family(families, probabilities)
    return found.label if found else None


def is_right(model: Model, said: str, right: tuple[str, ...]) -> bool:
    """Whether the classes of what it said hold all those of one of the right labels."""
    classes = {label: {number} for number, label in enumerate(model.labels)}
    classes |= {family.label: set(family.classes) for family in model.families}
    return any(classes[said] >= classes[label] for label in right)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m bench.first_impression", description=__doc__)
    parser.add_argument("--model", type=Path, default=DEFAULT, help="another file of the default model")
    parser.add_argument("--photographs", type=Path, default=FOLDER, help="the folder of GCompris's files")
    parser.add_argument("--each", action="store_true", help="say of each photograph what was answered")
    arguments = parser.parse_args()
    if not arguments.photographs.is_dir():
        raise SystemExit("GCompris's photographs are needed: on Debian, apt-get install gcompris-qt-data.")
    console, model = Console(), load_model(arguments.model)
    found = []
    for name, data, right in track(list(photographs(arguments.photographs)), transient=True):
        _, pixels = preprocess(data, model.spec, Limits())
        found.append((name, model.answer(pixels).probabilities, right))
    table = Table("class", "family", "answered", "right of these", "95 % interval")
    for sure in _CLASS:
        for family_sure in (None, *_FAMILY):
            said = [(answer(model, probabilities, sure, family_sure), right) for _, probabilities, right in found]
            answered = [(label, right) for label, right in said if label is not None]
            share = wilson(sum(is_right(model, label, right) for label, right in answered), len(answered))
            table.add_row(
                f"{sure:.2f}", "" if family_sure is None else f"{family_sure:.2f}",
                f"{len(answered) / len(found):.0%}", f"{share.share:.0%}", f"{share.low:.0%} to {share.high:.0%}",
            )  # fmt: skip
    console.print(f"{model.ref.name} {model.ref.version}, {len(found)} photographs")
    console.print(table)
    if arguments.each:
        family_sure = model.families[0].threshold if model.families else None
        for name, probabilities, right in found:
            label = answer(model, probabilities, model.threshold, family_sure)
            mark = " " if label is None else "+" if is_right(model, label, right) else "-"
            top = [f"{model.labels[i]} {probabilities[i]:.2f}" for i in np.argsort(-probabilities)[:4]]
            console.print(f"{mark} {name}: {label}  {json.dumps(top)}", markup=False, highlight=False)


if __name__ == "__main__":
    main()
