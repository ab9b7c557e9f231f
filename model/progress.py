"""How long work tells how far it is."""

from collections.abc import Callable

Progress = Callable[[str, int], Callable[[], None]]
"""Begins a stage: its name and how many steps it has; gives what counts a step."""
