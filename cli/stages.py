"""Progress bars for long work that goes through stages."""

import contextlib
from collections.abc import Callable, Iterator

from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from cli.output import errors

Begin = Callable[[str, int], Callable[[], None]]


class Rate(ProgressColumn):
    """Steps a second."""

    def render(self, task: Task) -> Text:
        """Of this task."""
        return Text(f"{task.speed:,.0f}/s" if task.speed else "")


@contextlib.contextmanager
def stages() -> Iterator[Begin]:
    """Gives what begins a stage: its name and number of steps; that gives what counts a step."""
    columns = (TextColumn("{task.description:18}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=errors) as progress:

        def begin(name: str, steps: int) -> Callable[[], None]:
            task = progress.add_task(name, total=steps)
            return lambda: progress.advance(task)

        yield begin
