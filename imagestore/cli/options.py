"""Options that commands share: `--data` of every command, which chooses the local stack, and those of a version."""

import functools
import inspect
import os
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

DATA_VARIABLE = "IMAGESTORE_DATA"
Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        help=f"The data folder of the local stack that is meant; {DATA_VARIABLE} does the same.",
        show_default=False,
    ),
]
Name = Annotated[str, typer.Option("--project", "--name", help="Which project the version is of.")]
VersionArgument = Annotated[str, typer.Argument(help="A version, such as 3.")]
_given: ContextVar[Path | None] = ContextVar("data", default=None)


@dataclass(frozen=True)
class ChosenFolder:
    """A data folder that the user named, by the option or by the environment variable."""

    path: Path
    is_by_option: bool


def chosen_folder() -> ChosenFolder | None:
    """The data folder that the user named for this command; None if none was named."""
    if (given := _given.get()) is not None:
        return ChosenFolder(given.absolute(), is_by_option=True)
    if named := os.environ.get(DATA_VARIABLE):
        return ChosenFolder(Path(named).absolute(), is_by_option=False)
    return None


def choose(data: Path | None) -> None:
    """Remember the folder of `--data` for the running command."""
    if data is not None:
        _given.set(data)


def with_data(command: Callable[..., Any]) -> Callable[..., Any]:
    """The command with the option `--data` added to its own."""

    @functools.wraps(command)
    def wrapped(*args: Any, data: Path | None = None, **options: Any) -> Any:
        before = _given.set(data if data is not None else _given.get())
        try:
            return command(*args, **options)
        finally:
            _given.reset(before)

    signature = inspect.signature(command)
    option = inspect.Parameter("data", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Data)
    wrapped.__signature__ = signature.replace(parameters=[*signature.parameters.values(), option])  # type: ignore[attr-defined]
    wrapped.__annotations__ = {**command.__annotations__, "data": Data}
    return wrapped
