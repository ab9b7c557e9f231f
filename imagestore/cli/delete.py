"""imagestore delete"""

from typing import Annotated

import typer

from imagestore.cli import instance
from imagestore.cli.output import console, safe
from imagestore.errors import NotFound


def delete(
    names: Annotated[list[str], typer.Argument(help="The pictures' names.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before deleting.")] = False,
) -> None:
    """Delete pictures. Their staged pictures and results follow within seconds."""
    opened = instance.opened()
    for name in names:
        try:
            opened.demand(name)
        except NotFound as error:
            raise NotFound(f"{error} Nothing was deleted; imagestore ls lists those there are.") from None
    what = f"'{safe(names[0])}'" if len(names) == 1 else f"{len(names)} pictures"
    if not yes and not typer.confirm(f"Delete {what} from {opened.where}?"):
        console.print("Nothing was deleted.")
        raise typer.Exit(1)
    for name in names:
        opened.delete(name)
    console.print(f"{what} deleted.", markup=False, highlight=False)
