"""What happens to a picture, in plain Python: each step is a function of a Context and an upload's name."""

from imagestore.pipeline.context import Context
from imagestore.pipeline.steps.classify_staged import classify_staged
from imagestore.pipeline.steps.dead_letters import read_dead_letters
from imagestore.pipeline.steps.on_poison import on_poison
from imagestore.pipeline.steps.on_work import on_work
from imagestore.pipeline.steps.preprocess_upload import preprocess_upload
from imagestore.pipeline.steps.retry_later import retry_later
from imagestore.pipeline.upkeep.sweep import scheduled_sweep
from imagestore.record import stored_name

__all__ = [
    "Context",
    "classify_staged",
    "on_poison",
    "on_work",
    "preprocess_upload",
    "read_dead_letters",
    "retry_later",
    "scheduled_sweep",
    "stored_name",
]
