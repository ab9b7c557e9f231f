"""imagestore train, evaluate: a model of your own, and how good it is. The libraries for it are loaded only then."""

import functools
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from cli import stores
from cli.output import console, safe
from cli.stages import stages
from errors import Missing, ModelError
from pipeline.context import limits_of
from store import Stores
from store.models import METRICS_FILE, MODEL_FILE, NAME, REPORT_FILE

if TYPE_CHECKING:
    from model.train import Prepared

_SHOWN = 10


def train(
    paths: Annotated[
        list[str] | None,
        typer.Argument(help="A folder with a subfolder of pictures for each label; 'import FOLDER' only keeps them."),
    ] = None,
    name: Annotated[str, typer.Option(help="What the model is called.")] = "mine",
    colour: Annotated[bool, typer.Option("--colour", help="A model that sees colour, instead of gray.")] = False,
    flip: Annotated[bool, typer.Option("--flip", help="Left and right do not matter.")] = False,
    seed: Annotated[int, typer.Option(help="For altered views and folds; the same one gives the same model.")] = 1,
) -> None:
    """Learn from labelled pictures: all in the container 'training', a folder added to it, and corrections."""
    from model import training_set
    from model.examples import BadTrainingData, in_folder
    from model.judge import judge
    from model.report import Report
    from model.train import Wish, prepare
    from model.train import train as learn

    if not re.fullmatch(NAME, name):
        raise typer.BadParameter(f"--name '{name}': letters from A to Z, digits, - and _ only, 64 at most.")
    only_import = (paths or [])[:1] == ["import"] and len(paths or []) > 1
    folders = [Path(path) for path in (paths or [])[1 if only_import else 0 :]]
    opened, limits = stores.opened(), limits_of(stores.settings())
    new = [source for folder in folders for source in in_folder(folder)]
    if twice := [name for name, count in Counter(source.name for source in new).items() if count > 1]:
        raise BadTrainingData(f"'{twice[0]}' is in more than one of these folders; each name can be there once.")
    with stages() as begin:
        if not only_import:
            split, etag = training_set.split_of(opened)
            prepared = prepare(training_set.all_with(opened, new), split, limits, begin)
            new = [source for source in new if source.name not in prepared.examples.bad]
        if new:
            added = training_set.keep(opened, new, begin("Keeping", len(new)))
            console.print(f"{len(new)} labelled pictures, {added} of them new.", highlight=False)
        if only_import:
            return
        training_set.keep_split(opened, prepared.split, etag)
        _tell(prepared)
        version = opened.models.claim(name)
        wish = Wish(name, version, colour, flip, seed)
        trained = learn(prepared, wish, limits, begin)
        called, tests = f"{name} {version}", prepared.part(test=True)
        verdict = judge(trained.data, called, tests, limits, begin("Judging", len(tests)))
        report = Report.of(verdict, len(trained.data), training=trained.training)
        files = {MODEL_FILE: trained.data, METRICS_FILE: report.to_json(), REPORT_FILE: report.to_html(limits)}
        opened.models.keep(name, version, files)
    console.print(report.sentence(), markup=False, highlight=False)
    colours = trained.training.colours
    said = colours.sentence() if colours else "The pictures are gray, so colour has nothing to add."
    console.print(said, markup=False, highlight=False)
    console.print(_next_command(name, version), markup=False, highlight=False)


def evaluate(
    model: Annotated[str, typer.Argument(help="A version, such as 3, or a model file.")],
    folder: Annotated[Path | None, typer.Argument(help="Labelled pictures; without one, the test part.")] = None,
    name: Annotated[str, typer.Option(help="Which model the version is of.")] = "mine",
    html: Annotated[Path, typer.Option(help="Where the report goes.")] = Path("report.html"),
    as_json: Annotated[Path | None, typer.Option("--json", help="Where the figures go, as JSON.")] = None,
) -> None:
    """Say how good a model is: a sentence here, a report with plots in a file."""
    from model import training_set
    from model.examples import in_folder, read
    from model.inspect import inspect
    from model.judge import judge
    from model.report import Report

    opened, limits = stores.opened(), limits_of(stores.settings())
    data, called = _model_bytes(opened, model, name)
    inspect(data, called)
    with stages() as begin:
        if folder is None:
            tests, unreadable, learned = training_set.test_examples(opened, limits, begin), 0, 0
        else:
            sources = in_folder(folder)
            found = read(sources, limits, begin("Reading", len(sources)))
            split, _ = training_set.split_of(opened)
            tests, unreadable = found.good, len(found.bad)
            learned = sum(example.sha256 in split.train for example in tests)
        if not tests:
            raise Missing("There are no labelled pictures to judge it by: imagestore train import FOLDER.")
        verdict = judge(data, called, tests, limits, begin("Judging", len(tests)))
        report = Report.of(verdict, len(data), unreadable)
        html.write_bytes(report.to_html(limits))
    if as_json is not None:
        as_json.write_bytes(report.to_json())
    say = functools.partial(console.print, markup=False, highlight=False)
    say(report.sentence())
    if learned:
        say(f"{learned} of the {len(tests)} pictures were learned from: figures for new ones will be lower.")
    say(f"{html} shows more.")
    live = opened.models.active()
    if model.isdecimal() and (live is None or (live[0].live.name, live[0].live.version) != (name, model)):
        say(_next_command(name, model))


def _model_bytes(opened: Stores, model: str, name: str) -> tuple[bytes, str]:
    if model.isdecimal():
        return opened.models.read(name, model), f"{name} {model}"
    try:
        return Path(model).read_bytes(), model
    except OSError as error:
        raise ModelError(f"'{model}' cannot be read: {error.strerror}.") from None


def _next_command(name: str, version: str) -> str:
    return f"Next: imagestore promote {version}" + ("" if name == "mine" else f" --name {name}")


def _tell(prepared: "Prepared") -> None:
    from model.examples import FEWEST
    from model.train import summary

    table = Table("label", "to learn from", "to test with", box=None)
    for label, (learning, testing) in summary(prepared).items():
        table.add_row(safe(label), str(learning), str(testing))
    console.print(table)
    for label, count in prepared.rare.items():
        said = f"left out: only {count} corrected to '{safe(label)}', and {FEWEST} different pictures are needed"
        console.print(said, markup=False, highlight=False)
    bad = prepared.examples.bad
    for file, why in list(bad.items())[:_SHOWN]:
        console.print(f"left out: {safe(file)}: {safe(why)}", markup=False, highlight=False, soft_wrap=True)
    if len(bad) > _SHOWN:
        console.print(f"and {len(bad) - _SHOWN} more that cannot be read")
