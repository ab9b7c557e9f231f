"""imagestore route: which project classifies which uploads."""

from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from imagestore.cli import instance
from imagestore.cli.output import console, print_whole, safe
from imagestore.store.routes import EVERYTHING, ModelList

app = typer.Typer(no_args_is_help=True, help="Which project classifies which uploads.")
Pattern = Annotated[str, typer.Argument(help="How names begin, and a star, such as 'factory/*'; '*' is the rest.")]
_NEXT = "Workers follow within seconds. Next, for what is there already: imagestore reprocess"


@app.callback()
def route() -> None:
    """Which project classifies which uploads."""


@app.command("list")
def list_routes() -> None:
    """List the routes, the longest first: an upload is classified by the first that its name fits."""
    found = instance.opened().models()
    table = Table("Uploads", "Project", "Live", box=None, pad_edge=False)
    for one in found.routes:
        table.add_row(Text(safe(one.pattern)), one.project, _live(found, one.project))
    default = f"{found.live.name} {found.live.version}" if found.live else "the model that came with the app"
    table.add_row(EVERYTHING, found.live.name if found.live else "", default)
    print_whole(table)


@app.command("add")
def add(
    pattern: Pattern,
    project: Annotated[str, typer.Option("--project", "--name", help="The project that classifies them.")],
) -> None:
    """Have a project classify the uploads whose names begin so."""
    opened = instance.opened()
    project = opened.project(project).name
    found = opened.add_route(pattern, project)
    _say(f"{safe(pattern)} is classified by {safe(project)}.")
    if found.live_of(project) is None:
        _say(f"It has no live model yet; until then the next longest route: imagestore promote 1 --project {project}")
    else:
        _say(_NEXT)


@app.command("remove")
def remove(pattern: Pattern) -> None:
    """Take a route away. The next longest one that fits, or the default one, classifies instead."""
    instance.opened().remove_route(pattern)
    _say(f"{safe(pattern)} is no route any more.")
    _say(_NEXT)


def _live(found: ModelList, project: str) -> str:
    live = found.live_of(project)
    return f"{live.name} {live.version}" if live else "none yet: the next longest route stands in"


def _say(text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)
