"""Progress bars for long work that goes through stages."""

import contextlib
from collections.abc import Callable, Iterator

from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from imagestore.cli.output import errors

Begin = Callable[[str, int], Callable[[], None]]


class Rate(ProgressColumn):
    """A column with the steps per second."""

    def render(self, task: Task) -> Text:
        """The steps per second of this task."""
        return Text(f"{task.speed:,.0f}/s" if task.speed else "")


@contextlib.contextmanager
def stages(*, with_rate: bool = False) -> Iterator[Begin]:
    """Show a progress bar for each stage, and how many steps are done per second if so wished.

    Yields a function that begins a stage, given its name and number of steps (0: not known), and returns a function
    that counts a step.
    """
    columns = [TextColumn("{task.description:18}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()]
    with Progress(*columns, *([Rate()] if with_rate else []), console=errors) as progress:

        def begin(name: str, steps: int) -> Callable[[], None]:
            task = progress.add_task(name, total=steps or None)
            return lambda: progress.advance(task)

        yield begin
