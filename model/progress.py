"""How long-running work reports its progress."""

from collections.abc import Callable

BeginStage = Callable[[str, int], Callable[[], None]]
"""Begins a stage, given its name and its number of steps. It returns a function to call after each step."""


def unheard(name: str, steps: int) -> Callable[[], None]:
    """Progress that nobody hears of."""
    return lambda: None
