"""How fast pictures are classified again when another model becomes live, from what is staged."""

import threading
import time
from collections.abc import Mapping
from pathlib import Path

import onnx

from classify import read_model
from imagestore.configure import models_of
from imagestore.pipeline.models.live import make_live
from imagestore.pipeline.upkeep.reprocess import reprocess
from imagestore.record import utc
from imagestore.settings import Settings
from imagestore.store import PromotionEntry, Stores
from imagestore.store.models import MODEL_FILE

_NAME = "bench"


def pictures_per_s(stores: Stores, environment: Mapping[str, str], model: Path) -> float:
    """Make the same model live under another name, have everything classified by it, and wait for the last record.

    From the beginning of the reprocess to the last record; what it does besides, such as looking whether all is done,
    is not counted.
    """
    entry = _promoted(stores, model)
    token, started, again, last = stores.records.now(), time.perf_counter(), 0, 0.0
    models = models_of(Settings.read(environment), stores)
    models.current("")  # what a command that is started loads before it begins
    started = time.perf_counter()
    working = threading.Thread(target=reprocess, args=(stores, models, lambda _: None))
    working.start()
    while working.is_alive():
        working.join(0.05)
        for records, next_token in stores.records.changes(token):
            token = next_token
            done = [one for one in records if (it := one.record.prediction) and it.model.sha256 == entry.sha256]
            again, last = again + len(done), time.perf_counter() if done else last
    return again / (last - started)


def _promoted(stores: Stores, model: Path) -> PromotionEntry:
    made = onnx.load(str(model))
    version = stores.models.claim(_NAME)
    for entry in made.metadata_props:
        entry.value = {"name": _NAME, "version": version}.get(entry.key, entry.value)
    data = made.SerializeToString()
    stores.models.keep(_NAME, version, {MODEL_FILE: data})
    promoted = PromotionEntry(_NAME, version, read_model(data, MODEL_FILE).ref.sha256, utc(), "bench", "")
    make_live(stores, promoted, stores.routes.read())
    return promoted
