"""What the default model says of everyday photographs, with families and without: `python -m bench.first_impression`.

The photographs are GCompris's (bench/gcompris.py): apt-get install gcompris-qt-data. They serve to choose the two
thresholds of model/default/build.py, and for nothing else. How well thresholds chosen so hold on other pictures
is told by leaving out one kind of them after the other (animals, fishes, monuments, …): they are chosen on the others,
so that as many as possible are answered with RIGHT of the answers right, and counted on those that were left out.
`--other` asks of photographs that had no part in any choice instead (bench/other_photographs.py): apt-get install
lomiri-wallpapers-16.04 lomiri-wallpapers-20.04 mate-backgrounds palapeli-data.
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bench import other_photographs
from bench.gcompris import FOLDER, photographs
from bench.sets import KINDS
from classify import Family, Model, load_model
from classify.families import surest_family
from imagestore.proportion import wilson
from model.default.build import DEFAULT
from preprocess import Limits, preprocess

RIGHT = 0.82
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


@dataclass(frozen=True)
class Seen:
    """A photograph: its name, the model's probabilities for it, and the labels that are right."""

    name: str
    probabilities: np.ndarray
    right: tuple[str, ...]

    @property
    def kind(self) -> str:
        """What it shows: animals, fishes, tools, … Monuments lie in folders by country."""
        folder = self.name.split("/")[0]
        return folder if folder in (*KINDS, other_photographs.WALLPAPERS) else "monuments"


def outcomes(model: Model, seen: list[Seen], sure: float, family_sure: float | None) -> np.ndarray:
    """Whether each photograph is answered with these thresholds, and rightly: bool [n, 2]."""
    said = [(answer(model, one.probabilities, sure, family_sure), one.right) for one in seen]
    return np.array([(label is not None, label is not None and is_right(model, label, right)) for label, right in said])


def left_out(found: dict[tuple[float, float | None], np.ndarray], kinds: np.ndarray) -> np.ndarray:
    """The outcomes bool [n, 2] of photographs of these kinds, each by the thresholds that are best on other kinds."""
    held = np.zeros((len(kinds), 2), bool)
    for kind in np.unique(kinds):
        others = {way: outcome[kinds != kind].sum(axis=0) for way, outcome in found.items()}
        good = [way for way, (answered, right) in others.items() if right >= RIGHT * answered]
        best = max(good or others, key=lambda way: int(others[way][0]))
        held[kinds == kind] = found[best][kinds == kind]
    return held


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m bench.first_impression", description=__doc__)
    parser.add_argument("--model", type=Path, default=DEFAULT, help="another file of the default model")
    parser.add_argument("--photographs", type=Path, default=FOLDER, help="the folder of GCompris's files")
    parser.add_argument("--other", action="store_true", help="photographs that had no part in any choice")
    parser.add_argument("--root", type=Path, default=Path("/"), help="with --other: where the packages' files lie")
    parser.add_argument("--each", action="store_true", help="say of each photograph what was answered")
    arguments = parser.parse_args()
    if not arguments.photographs.is_dir():
        raise SystemExit("GCompris's photographs are needed: on Debian, apt-get install gcompris-qt-data.")
    console, model = Console(), load_model(arguments.model)
    found = other_photographs.photographs(arguments.root) if arguments.other else photographs(arguments.photographs)
    seen = []
    for name, data, right in track(list(found), transient=True):
        _, pixels = preprocess(data, model.spec, Limits())
        seen.append(Seen(name, model.answer(pixels).probabilities, right))
    console.print(f"{model.ref.name} {model.ref.version}, {len(seen)} photographs")
    kinds = np.array([one.kind for one in seen])
    if not arguments.other:
        console.print(_by_thresholds(model, seen, kinds))
    family_sure = model.families[0].threshold if model.families else None
    live = outcomes(model, seen, model.threshold, family_sure)
    for kind in np.unique(kinds):
        console.print(f"{kind}, as it is: {' · '.join(told(live[kinds == kind]))}")
    console.print(f"all, as it is: {' · '.join(told(live))}")
    if arguments.each:
        for one in seen:
            label = answer(model, one.probabilities, model.threshold, family_sure)
            mark = " " if label is None else "+" if is_right(model, label, one.right) else "-"
            top = [f"{model.labels[i]} {one.probabilities[i]:.2f}" for i in np.argsort(-one.probabilities)[:4]]
            console.print(f"{mark} {one.name}: {label}  {json.dumps(top)}", markup=False, highlight=False)


def _by_thresholds(model: Model, seen: list[Seen], kinds: np.ndarray) -> Table:
    """What comes of each pair of thresholds, and of those that are chosen on other kinds of photographs."""
    table = Table("threshold for a class", "for a family", "answered", "right of these", "95 %", box=None)
    ways = [(sure, family_sure) for sure in _CLASS for family_sure in (None, *_FAMILY)]
    found = {way: outcomes(model, seen, *way) for way in ways}
    for (sure, family_sure), outcome in found.items():
        table.add_row(f"{sure:.2f}", "" if family_sure is None else f"{family_sure:.2f}", *told(outcome))
    table.add_row("of other kinds", "of other kinds", *told(left_out(found, kinds)))
    return table


def told(outcome: np.ndarray) -> tuple[str, str, str]:
    """How many are answered, how many of these rightly, and the interval of that."""
    answered, right = (int(count) for count in outcome.sum(axis=0))
    share = wilson(right, answered)
    return f"{answered / len(outcome):.0%}", f"{share.share:.0%}", f"{share.low or 0:.0%} to {share.high or 1:.0%}"


if __name__ == "__main__":
    main()
