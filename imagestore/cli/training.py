"""imagestore training, migrate: the labelled pictures that are kept."""

import functools
from typing import Annotated

import typer
from rich.table import Table

from imagestore.cli import stores
from imagestore.cli.output import console, safe
from imagestore.cli.stages import stages
from imagestore.errors import NotFound
from imagestore.pipeline.labelling import doubts as open_doubts
from imagestore.pipeline.labelling import labelled
from imagestore.proportion import percent
from imagestore.store.training import MINE, Part, TrainingPictures

app = typer.Typer(invoke_without_command=True, help="Labelled pictures that are kept: count them, or take some away.")
Project = Annotated[str, typer.Option("--project", "--name", help="The project whose pictures they are.")]
NONE_OF_THE_LABELS = "(none of the labels)"
_say = functools.partial(console.print, markup=False, highlight=False)


@app.callback()
def training(context: typer.Context, project: Project = MINE) -> None:
    """Count the pictures of each label, if no other command is given."""
    if context.invoked_subcommand is None:
        list_labels(project)


@app.command("list")
def list_labels(project: Project = MINE) -> None:
    """Count the pictures of each label: to learn from, to test with, neither, and not divided yet."""
    opened = stores.opened()
    table = Table("label", "to learn from", "to test with", "neither", "new", box=None)
    for label, parts in labelled.counts(opened, opened.projects.open(project).pictures_in).items():
        numbers = (str(parts[part]) for part in (Part.LEARN, Part.TEST, Part.RETIRED, None))
        table.add_row(safe(label or NONE_OF_THE_LABELS), *numbers)
    console.print(table)


@app.command()
def remove(
    names: Annotated[list[str] | None, typer.Argument(help="Files as they were imported, such as rose/1.jpg.")] = None,
    label: Annotated[list[str] | None, typer.Option("--label", help="All pictures of a label; once for each.")] = None,
    negative: Annotated[bool, typer.Option("--negative", help="All that show none of the labels.")] = False,
    project: Project = MINE,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete labelled pictures: no model learns from them again, nor is tested with them."""
    if not names and not label and not negative:
        raise typer.BadParameter("name pictures, or a label with --label, or give --negative.")
    what = [*(f"all pictures of the label '{one}'" for one in label or ()), *(f"'{name}'" for name in names or ())]
    what += ["all pictures that show none of the labels"] if negative else []
    opened = stores.opened()
    found = opened.projects.open(project)
    if not yes and not typer.confirm(safe(f"Delete {', '.join(what)} from the training set of '{found.title}'?")):
        raise typer.Exit(1)
    done = labelled.remove(opened, found.pictures_in, label or (), names or (), negatives=negative)
    if not done.deleted and not done.relabelled:
        raise NotFound("There are no such pictures: imagestore training.")
    _say(f"{done.deleted} deleted." + (f" {done.relabelled} keep other labels." if done.relabelled else ""))


@app.command()
def doubts(
    accept: Annotated[
        list[str] | None, typer.Option("--accept", help="A picture that has the other label; once for each.")
    ] = None,
    keep: Annotated[
        list[str] | None, typer.Option("--keep", help="A picture whose label is right; once for each.")
    ] = None,
    undo: Annotated[
        list[str] | None, typer.Option("--undo", help="A picture whose last answer is to be undone; once for each.")
    ] = None,
    project: Project = MINE,
) -> None:
    """Say whether more pictures would help, and show those that look mislabelled; or answer for some of them.

    A picture is named by the first digits in its row.
    """
    opened = stores.opened()
    found = opened.projects.open(project)
    pictures = TrainingPictures(opened.training, found.pictures_in)
    pictures.demand_migrated(opened.projects.gone)
    for digits in undo or ():
        if (sha256 := pictures.beginning_with(digits)) is None:
            raise NotFound(f"There is no picture {digits}, or several begin so: imagestore training doubts.")
        open_doubts.undo(opened, found, sha256)
    state = open_doubts.state(opened, found, pictures.list())
    if state is None:
        raise NotFound(f"No training of '{found.title}' has looked for any: imagestore train --project {found.name}.")
    for digits, does_accept in [*((one, True) for one in accept or ()), *((one, False) for one in keep or ())]:
        meant = [one for one in state.doubts if one.upload is None and one.sha256.startswith(digits)]
        if len(meant) != 1:
            raise NotFound(f"{len(meant)} of the pictures in doubt begin with {digits}: imagestore training doubts.")
        labels = meant[0].perhaps if does_accept else meant[0].labels
        open_doubts.answer(opened, found, meant[0].sha256, labels, meant[0].labels)
    for sentence in state.sentences:
        _say(safe(sentence), soft_wrap=True)
    table = Table("picture", "file", "label", "perhaps", box=None)
    for one in open_doubts.still_open(state.doubts, pictures.list()):
        has, perhaps = (" and ".join(labels) or NONE_OF_THE_LABELS for labels in (one.labels, one.perhaps))
        told = (f"{has} {percent(one.probability)}", f"{perhaps} {percent(one.instead)}")
        table.add_row(one.sha256[:12], safe(one.source), *map(safe, told))
    if table.row_count:
        console.print(table)


def migrate() -> None:
    """Move labelled pictures from the form of an earlier version, LABEL/PICTURE, to today's. Continues where it was
    stopped."""
    from model.training.former_form import migrate as move

    opened = stores.opened()
    with stages() as begin:
        moved = move(opened.training, MINE, begin, opened.projects.gone())
    if not moved.pictures and not moved.gone:
        return _say("Everything is in today's form.")
    gone = f", and {moved.gone} are remembered whose file is gone" if moved.gone else ""
    return _say(f"{moved.pictures} labelled pictures moved{gone}. Which of them test is as it was.")
