"""imagestore train, evaluate: a model of your own, and how good it is.

Their libraries are loaded only by these commands.
"""

import functools
import sys
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.table import Table

from imagestore.cli import azureml, distant_jobs, instance, servers, stores
from imagestore.cli.intake import NOT_UTF8
from imagestore.cli.output import console, safe
from imagestore.cli.stages import stages
from imagestore.cli.training import NONE_OF_THE_LABELS
from imagestore.configure import limits_of
from imagestore.errors import NotFound, SettingsError
from imagestore.jobs.job import HowToTrain
from imagestore.pipeline.labelling.learnable import FEWEST
from imagestore.settings import account
from imagestore.store import Stores
from imagestore.store.projects import Project
from imagestore.store.training import MINE
from preprocess import Fit

if TYPE_CHECKING:
    from model.training.train import Prepared
    from model.versions import Kept


class Weight(StrEnum):
    """The values of `--balance`, as model/training/imbalance.py has them, which takes long to load."""

    NONE = "none"
    SQUARE_ROOT = "sqrt"
    BALANCED = "balanced"


class Elsewhere(StrEnum):
    """The values of `--on`."""

    AZUREML = "azureml"


_SHOWN = 10
_say = functools.partial(console.print, markup=False, highlight=False)


def train(
    paths: Annotated[
        list[str] | None,
        typer.Argument(help="A folder with a subfolder of pictures for each label; 'import FOLDER' only keeps them."),
    ] = None,
    name: Annotated[str, typer.Option("--project", "--name", help="The project; a folder begins a new one.")] = MINE,
    colour: Annotated[
        bool | None, typer.Option("--colour/--gray", help="A model that sees colour, or gray. [chosen]")
    ] = None,
    fit: Annotated[
        Fit | None, typer.Option(help="What it sees of a picture: its centre, or all of it, padded. [chosen]")
    ] = None,
    level: Annotated[
        bool | None,
        typer.Option("--level/--no-level", help="With brightness and contrast made the same, or not. [chosen]"),
    ] = None,
    middle: Annotated[
        bool | None,
        typer.Option(
            "--middle-layers/--no-middle-layers", help="With the network's middle layers, or without. [chosen]"
        ),
    ] = None,
    backbone: Annotated[
        str | None, typer.Option(help="lite0, lite2, or an ONNX file of your own. [lite0 or lite2]")
    ] = None,
    views: Annotated[
        int | None, typer.Option(min=0, max=20, help="Altered views of each picture to learn from too. [chosen]")
    ] = None,
    right: Annotated[
        float,
        typer.Option(min=0.5, max=0.999, help="The share of its answers that is to be right; the rest is unknown."),
    ] = 0.95,
    balance: Annotated[
        Weight | None, typer.Option(help="How much more pictures of rare labels count. [chosen]")
    ] = None,
    flip: Annotated[bool, typer.Option("--flip", help="Left and right do not matter.")] = False,
    seed: Annotated[int, typer.Option(help="For altered views and folds; the same one gives the same model.")] = 1,
    by_folder: Annotated[
        bool, typer.Option("--by-folder", help="Pictures of one folder below a label's are look-alikes, as of a burst.")
    ] = False,
    same_case: Annotated[
        bool | None,
        typer.Option("--same-case/--different-case", help="Whether labels such as Cat and cat are one. [asked]"),
    ] = None,
    negative: Annotated[
        list[str] | None,
        typer.Option("--negative", help="A folder of pictures that show none of the labels; once for each."),
    ] = None,
    relabel: Annotated[
        bool, typer.Option("--relabel", help="What is kept already gets the label that it has in the folder.")
    ] = False,
    on: Annotated[
        Elsewhere | None, typer.Option("--on", help="Have it done by a cluster of Azure Machine Learning. [here]")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With --on: only print what would be submitted, and what is missing.")
    ] = False,
    write: Annotated[
        Path | None, typer.Option(help="With --on: a folder that gets what is submitted as files, for az ml.")
    ] = None,
) -> None:
    """Learn from labelled pictures: all in the container 'training', a folder added to it, and corrections."""
    given, negatives = paths or [], negative or []

    def how(where: str) -> HowToTrain:
        weight = None if balance is None else str(balance)
        of = _shipped(backbone, where)
        return HowToTrain(colour, fit, level, middle, of, views, right, weight, flip, seed, same_case)

    if on is None and (dry_run or write is not None):
        raise typer.BadParameter("--dry-run and --write go with --on azureml.")
    if on is not None:
        if given[:1] == ["import"]:
            raise typer.BadParameter("'import' keeps pictures from here: give it without --on.")
        labelled = azureml.Labelled(given, negatives)
        options = azureml.arguments_of(how("on a cluster"), by_folder=by_folder, relabel=relabel)
        return azureml.train_there(name, options, labelled, dry_run=dry_run, write=write)
    if (server := servers.given()) is not None:
        if given or by_folder or negatives:
            raise SettingsError(
                f"A folder of this machine cannot be learned from at {server.address}: give the command without one, "
                "for what is labelled and corrected there, or on the machine with the stores."
            )
        client, name = instance.client_of(server), instance.opened().project(name).name
        job = distant_jobs.follow(client, client.train(name, how("at a distant web app")))
        _say(safe(job.say), soft_wrap=True)
        return _say(_next_command(name, job.version or "")) if job.version else None
    from model.training.imbalance import Balance
    from model.training.recipe import Held
    from model.training.train import TrainingOptions
    from model.versions import gather, import_folders, train_version

    only_import = given[:1] == ["import"] and len(given) > 1
    folders, others = [Path(path) for path in given[1 if only_import else 0 :]], [Path(path) for path in negatives]
    opened, limits = stores.opened(), limits_of(stores.settings())
    project = _project(opened, name, creates=bool(folders or others))
    with stages() as begin:
        if only_import:
            return _tell_kept(import_folders(opened, project, folders, begin, negatives=others, relabel=relabel))
        gathered = gather(
            opened,
            project,
            folders,
            limits,
            begin,
            negatives=others,
            are_one=_are_one(same_case),
            by_folder=by_folder,
            relabel=relabel,
        )
        _tell_kept(gathered.kept)
        _tell_prepared(gathered.prepared)
        made = train_version(
            opened,
            gathered,
            project.name,
            lambda version: TrainingOptions(
                project.name,
                version,
                Held(colour, fit, level, middle, backbone, views),
                flip,
                seed,
                right,
                None if balance is None else Balance(balance),
            ),
            limits,
            begin,
        )
    _say(made.report.sentence())
    for line in made.provenance.sentences():
        _say(safe(line), soft_wrap=True)
    return _say(_next_command(project.name, made.version))


def evaluate(
    model: Annotated[str, typer.Argument(help="A version, such as 3, or a model file.")],
    folder: Annotated[Path | None, typer.Argument(help="Labelled pictures; without one, the test part.")] = None,
    name: Annotated[str, typer.Option("--project", "--name", help="Which project the version is of.")] = MINE,
    html: Annotated[Path, typer.Option(help="Where the report goes.")] = Path("report.html"),
    as_json: Annotated[Path | None, typer.Option("--json", help="Where the figures go, as JSON.")] = None,
) -> None:
    """Say how good a model is: a sentence here, a report with plots in a file."""
    from model.versions import evaluate_version, model_bytes

    opened, limits = stores.opened(), limits_of(stores.settings())
    project = opened.projects.open(name)
    data, called = model_bytes(opened, model, project.name)
    with stages() as begin:
        found = evaluate_version(opened, project, data, called, folder, limits, begin)
    html.write_bytes(found.html)
    if as_json is not None:
        as_json.write_bytes(found.report.to_json())
    _say(found.report.sentence())
    if found.learned:
        _say(
            f"{found.learned} of the {found.pictures} pictures were learned from, or look like some that were: figures "
            "for new ones will be lower."
        )
    _say(f"{html} shows more.")
    if model.isdecimal() and not opened.routes.read().is_live(project.name, model):
        _say(_next_command(project.name, model))


def _project(opened: Stores, name: str, *, creates: bool) -> Project:
    """The project with this name or title, which begins with the first folder that is given to it."""
    try:
        opened.projects.find(name)
    except NotFound:
        if not creates:
            raise
        made = opened.projects.create(name, account())
        _say(f"The project '{safe(made.title)}' is new.")
    return opened.projects.open(name)


def _shipped(backbone: str | None, where: str) -> Literal["lite0", "lite2"] | None:
    """The backbone, if it is one that is there without a file of this machine. Raises SettingsError."""
    match backbone:
        case None:
            return None
        case "lite0":
            return "lite0"
        case "lite2":
            return "lite2"
    raise SettingsError(f"--backbone is '{backbone}': {where} it is lite0 or lite2.")


def _are_one(same_case: bool | None) -> Callable[[list[str]], bool | None]:
    """What answers whether labels that differ only by case are one: the option, else a person at the terminal."""

    def answer(labels: list[str]) -> bool | None:
        if same_case is not None or not sys.stdin.isatty():
            return same_case
        return typer.confirm(f"Are {' and '.join(safe(repr(label)) for label in labels)} one label?")

    return answer


def _next_command(name: str, version: str) -> str:
    return f"Next: imagestore promote {version}" + ("" if name == MINE else f" --project {name}")


def _tell_kept(kept: "Kept") -> None:
    if kept.given:
        _say(f"{kept.given} labelled pictures, {kept.added} of them new.")
    if kept.not_utf8:
        _say(f"left out: {kept.not_utf8} files whose {NOT_UTF8}")


def _tell_prepared(prepared: "Prepared") -> None:
    from model.training.grouping import MOST_OF_TWO_LABELS
    from model.training.train import summary

    table = Table("label", "to learn from", "to test with", box=None)
    for label, (learning, testing) in summary(prepared).items():
        table.add_row(safe(label or NONE_OF_THE_LABELS), str(learning), str(testing))
    console.print(table)
    distinct = len(set(prepared.grouping.groups.tolist()))
    if distinct < len(prepared.grouping.groups):
        _say(f"{len(prepared.grouping.groups)} pictures, of which {distinct} differ clearly; the others look like one.")
    if prepared.grouping.by_time is False:
        _say("a camera took most pictures directly after each other, so its clock does not say which are of one burst")
    for label, count in prepared.rare.items():
        _say(f"left out: only {count} corrected to '{safe(label)}', and {FEWEST} different pictures are needed")
    two = prepared.of_two_labels()
    for one, other in two[:_SHOWN]:
        files = f"{safe(one.source.name)} and {safe(other.source.name)}"
        _say(f"alike, with two labels: {files}. Is one of them wrong?", soft_wrap=True)
    if len(two) > _SHOWN:
        more = "at least " if len(two) == MOST_OF_TWO_LABELS else ""
        _say(f"and {more}{len(two) - _SHOWN} more pairs that look alike with two labels")
    if retired := int(prepared.division.is_retired.sum()):
        _say(f"{retired} pictures no longer test, since they look like some that were learned from")
    bad = prepared.examples.bad
    for file, why in list(bad.items())[:_SHOWN]:
        _say(f"left out: {safe(file)}: {safe(why)}", soft_wrap=True)
    if len(bad) > _SHOWN:
        _say(f"and {len(bad) - _SHOWN} more that cannot be read")
