"""What the default model says of everyday photographs, with families and without: `python -m bench.first_impression`.

Photographs of GCompris (bench/gcompris.py) and of wallpapers (bench/other_photographs.py) serve to choose the families
and the three thresholds of model/default/build.py; GCompris's drawings and paintings tell how often these let an answer
through where none is wanted. How well thresholds chosen so hold on other pictures is told by leaving out one kind of
photographs after the other (animals, fishes, monuments, …): they are chosen on the others, so that as many as possible
are answered with RIGHT of the answers right, and counted on those that were left out. `--unseen` asks of pictures that
had no part in any choice instead (bench/unseen_photographs.py). The packages that these modules name are needed:
apt-get install gcompris-qt-data, and so on; or `dpkg-deb -x` each below one folder, and `--root` that folder.
"""

import argparse
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bench import gcompris, other_photographs, unseen_photographs
from bench.sets import KINDS
from classify import Family, Model, load_model
from classify.families import surest_family
from imagestore.proportion import wilson
from model.default.build import BROAD, DEFAULT
from preprocess import Limits, preprocess

RIGHT = 0.9
_GCOMPRIS = Path("usr/share/gcompris-qt/rcc")


@dataclass(frozen=True)
class Thresholds:
    """For a class, a family, and one of the broad families; without families, None."""

    sure: float
    family: float | None
    broad: float | None


_WAYS = (
    *(Thresholds(sure, None, None) for sure in (0.35, 0.5, 0.7, 0.9)),
    *(
        Thresholds(sure, family, broad)
        for sure in (0.7, 0.8, 0.9)
        for family in (0.5, 0.6, 0.7, 0.8)
        for broad in (0.4, 0.5, 0.6)
    ),
)


def answer(model: Model, probabilities: np.ndarray, with_: Thresholds) -> str | None:
    """The label that the model would give with these thresholds; None for unknown."""
    if probabilities.max() >= with_.sure:
        return model.labels[int(probabilities.argmax())]
    if with_.family is None or with_.broad is None:
        return None
    families = [
        Family(family.label, family.classes, with_.broad if family.label in BROAD else with_.family)
        for family in model.families
    ]
    found = surest_family(families, probabilities)
    return found.label if found else None


def as_it_is(model: Model, probabilities: np.ndarray) -> str | None:
    """The label that the model gives; None for unknown."""
    if probabilities.max() >= model.threshold:
        return model.labels[int(probabilities.argmax())]
    found = surest_family(model.families, probabilities)
    return found.label if found else None


def is_right(model: Model, said: str, right: tuple[str, ...]) -> bool:
    """Whether the classes of what it said hold all those of one of the right labels."""
    classes = {label: {number} for number, label in enumerate(model.labels)}
    classes |= {family.label: set(family.classes) for family in model.families}
    return any(classes[said] >= classes[label] for label in right if label in classes)


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


def outcomes(model: Model, seen: list[Seen], said: list[str | None]) -> np.ndarray:
    """Whether each photograph is answered, and rightly: bool [n, 2]."""
    answered = [label is not None for label in said]
    right = [label is not None and is_right(model, label, one.right) for label, one in zip(said, seen, strict=True)]
    return np.column_stack((answered, right))


def left_out(found: dict[Thresholds, np.ndarray], kinds: np.ndarray) -> np.ndarray:
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
    parser.add_argument("--unseen", action="store_true", help="pictures that had no part in any choice")
    parser.add_argument("--root", type=Path, default=Path("/"), help="where the packages' files lie")
    parser.add_argument("--each", action="store_true", help="say of each picture what was answered")
    arguments = parser.parse_args()
    root: Path = arguments.root
    if not (root / _GCOMPRIS).is_dir():
        raise SystemExit("GCompris's photographs are needed: on Debian, apt-get install gcompris-qt-data.")
    console, model = Console(), load_model(arguments.model)
    if arguments.unseen:
        seen = _asked(model, unseen_photographs.photographs(root))
        strange = _asked(model, unseen_photographs.no_photographs(root))
    else:
        seen = _asked(model, [*gcompris.photographs(root / _GCOMPRIS), *other_photographs.photographs(root)])
        strange = _asked(model, gcompris.no_photographs(root / _GCOMPRIS))
    console.print(f"{model.ref.name} {model.ref.version}, {len(seen)} photographs, {len(strange)} other pictures")
    kinds = np.array([one.kind for one in seen])
    if not arguments.unseen:
        console.print(_by_thresholds(model, seen, strange, kinds))
    said = [as_it_is(model, one.probabilities) for one in seen]
    live = outcomes(model, seen, said)
    for kind in [] if arguments.unseen else np.unique(kinds):
        console.print(f"{kind}, as it is: {_in_full(live[kinds == kind])}")
    shown = np.array([bool(one.right) for one in seen])
    console.print(f"of what it has a name for, as it is: {_in_full(live[shown])}")
    console.print(f"all, as it is: {_in_full(live)}")
    said_of_strange = [as_it_is(model, one.probabilities) for one in strange]
    answered = wilson(sum(label is not None for label in said_of_strange), len(strange))
    console.print(f"other pictures answered: {answered.share:.0%}, {answered.low or 0:.0%} to {answered.high or 1:.0%}")
    if arguments.each:
        for one, label in zip([*seen, *strange], [*said, *said_of_strange], strict=True):
            mark = " " if label is None else "+" if is_right(model, label, one.right) else "-"
            top = [f"{model.labels[i]} {one.probabilities[i]:.2f}" for i in np.argsort(-one.probabilities)[:4]]
            console.print(f"{mark} {one.name}: {label}  {json.dumps(top)}", markup=False, highlight=False)


def _asked(model: Model, pictures: Iterable[tuple[str, bytes, tuple[str, ...]]]) -> list[Seen]:
    seen = []
    for name, data, right in track(list(pictures), transient=True):
        _, pixels = preprocess(data, model.spec, Limits())
        seen.append(Seen(name, model.answer(pixels).probabilities, right))
    return seen


def _by_thresholds(model: Model, seen: list[Seen], strange: list[Seen], kinds: np.ndarray) -> Table:
    """What comes of each set of thresholds, and of those that are chosen on other kinds of photographs."""
    heads = ("for a class", "a family", "a broad one", "answered", "right of these", "95 %", "other pictures answered")
    table, found = Table(*heads, box=None), {}
    for way in _WAYS:
        found[way] = outcomes(model, seen, [answer(model, one.probabilities, way) for one in seen])
        let_through = sum(answer(model, one.probabilities, way) is not None for one in strange) / len(strange)
        thresholds = ("" if one is None else f"{one:.2f}" for one in (way.sure, way.family, way.broad))
        table.add_row(*thresholds, *told(found[way]), f"{let_through:.0%}")
    table.add_row("of other kinds", "", "", *told(left_out(found, kinds)))
    return table


def _in_full(outcome: np.ndarray) -> str:
    answered = wilson(int(outcome[:, 0].sum()), len(outcome))
    share, right, interval = told(outcome)
    return (
        f"{answered.of} photographs, {share} answered ({answered.low or 0:.0%} to {answered.high or 1:.0%}), of these "
        f"{right} right ({interval})"
    )


def told(outcome: np.ndarray) -> tuple[str, str, str]:
    """How many are answered, how many of these rightly, and the interval of that."""
    answered, right = (int(count) for count in outcome.sum(axis=0))
    share = wilson(right, answered)
    return f"{answered / len(outcome):.0%}", f"{share.share:.0%}", f"{share.low or 0:.0%} to {share.high or 1:.0%}"


if __name__ == "__main__":
    main()
