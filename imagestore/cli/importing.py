"""imagestore import: what is elsewhere comes here."""

import functools
import os
from typing import Annotated

import typer
from rich.table import Table

from imagestore.cli import stores
from imagestore.cli.output import console, print_whole, safe
from imagestore.cli.servers import InsecureOption
from imagestore.cli.stages import stages
from imagestore.cli.take_over import take_over
from imagestore.client.custom_vision import CustomVision
from imagestore.errors import SettingsError
from imagestore.settings import account

KEY_VARIABLE = "CUSTOM_VISION_KEY"
app = typer.Typer(no_args_is_help=True, help="Bring over what is elsewhere.")
_say = functools.partial(console.print, markup=False, highlight=False, soft_wrap=True)


@app.callback()
def importing() -> None:
    """Bring over what is elsewhere."""


@app.command("custom-vision")
def custom_vision(
    endpoint: Annotated[str, typer.Option(help="Such as https://westeurope.api.cognitive.microsoft.com.")],
    project: Annotated[str, typer.Option(help="The project there, by its name or id.")],
    key: Annotated[
        str | None, typer.Option(help=f"The training key; {KEY_VARIABLE} in the environment does the same.")
    ] = None,
    insecure_http: InsecureOption = False,
) -> None:
    """Bring a project of Azure AI Custom Vision over: tags, all pictures, and what the service claimed. Continues where
    it was stopped."""
    secret = key or os.environ.get(KEY_VARIABLE)
    if not secret:
        raise SettingsError(f"The training key is missing: give it with --key, or in {KEY_VARIABLE}.")
    opened, source = stores.opened(), CustomVision(endpoint, secret, insecure_http=insecure_http)
    try:
        with stages() as begin:
            done = take_over(opened, source, project, account(), begin)
    finally:
        source.close()
    table = Table("", "there", "here", box=None)
    for row in done.rows:
        table.add_row(safe(row.what), str(row.there), str(row.here))
    print_whole(table)
    _say(f"{done.new} pictures came now." + (f" {done.same} have the content of another." if done.same else ""))
    for claim in opened.custom_vision.read(done.project.name).claims:
        said = f"precision {claim.precision:.3f}, recall {claim.recall:.3f}"
        _say(f"There, '{safe(claim.name)}' was said to have {said}.")
    if not done.agrees:
        _say("The counts do not agree: something changed there meanwhile, or is missing. Give the command again.")
        raise typer.Exit(1)
    _say(f"The counts agree. Next: imagestore train --project {done.project.name}")
