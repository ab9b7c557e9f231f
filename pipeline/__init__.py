"""What happens to a picture, in plain Python: each step is a function of a Context and a name."""

from pipeline.attempt import attempt
from pipeline.context import Context
from pipeline.on_poison import on_poison
from pipeline.on_work import on_work
from pipeline.sweep import sweep

__all__ = ["Context", "attempt", "on_poison", "on_work", "sweep"]
