"""Progress bars for long work that goes through stages."""

import contextlib
from collections.abc import Callable, Iterator

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from cli.output import errors

Begin = Callable[[str, int], Callable[[], None]]


@contextlib.contextmanager
def stages() -> Iterator[Begin]:
    """Gives what begins a stage: its name and number of steps; that gives what counts a step."""
    columns = (TextColumn("{task.description:18}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=errors) as progress:

        def begin(name: str, steps: int) -> Callable[[], None]:
            task = progress.add_task(name, total=steps)
            return lambda: progress.advance(task)

        yield begin
