"""What the steps need. Made once per process, by configure.py."""

import threading
from dataclasses import dataclass

from imagestore.pipeline.models.loaded_models import LoadedModels
from imagestore.store import Stores
from preprocess import Decoder, Limits


@dataclass(frozen=True)
class Context:
    """What the steps need: the stores, the live models, the decoder, the limits and delays.

    Whoever holds an upload's bytes holds `uploads_at_once` too, so that memory bounds how many are held.
    """

    stores: Stores
    models: LoadedModels
    decoder: Decoder
    uploads_at_once: threading.Semaphore
    limits: Limits
    top_classes: int
    retry_delays_s: tuple[float, ...]
    poison_delay_s: float
    sweep_min_age_s: float
    sweep_budget_s: float
    undelete_days: int
