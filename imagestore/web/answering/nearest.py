"""The pictures that a model learned from and that look most like one."""

import numpy as np

from classify import ModelRef, Vector
from imagestore.errors import NotFound
from imagestore.record import Record
from imagestore.store.training import TrainingPictures
from imagestore.web.answering.why import version_of
from imagestore.web.answers import LearnedAlike, Nearest
from imagestore.web.models.classifier import Version
from imagestore.web.services import Services

SHOWN = 5
_MOST_LOOKED_AT = 40
"""So many of the nearest are looked for in the training pictures: some may have been taken away since."""


def nearest_to_record(services: Services, record: Record) -> Nearest:
    """The learned pictures most like an uploaded one, of the model that classified it, or why none can be told.

    Raises NotFound if no model has classified it; Unavailable.
    """
    if record.prediction is None:
        raise NotFound("No model has answered for this picture, so there is nothing to compare it with.")
    model = record.prediction.model
    return _nearest(
        services, version_of(services, record.project, model), model, services.likeness.vector_of(record.id)
    )


def nearest_to_file(services: Services, data: bytes, version: Version | None) -> Nearest:
    """The same of a picture that nobody keeps, and of this version; None is the model that came with the app.

    Raises what `Classifier.classify` raises.
    """
    classified = services.classifier.classify(data, version)
    model = classified.prediction.model
    return _nearest(
        services, version or Version(model.name, model.version, model.sha256), model, classified.vector, is_kept=False
    )


def _nearest(
    services: Services, version: Version, model: ModelRef, vector: Vector | None, *, is_kept: bool = True
) -> Nearest:
    def problem(text: str) -> Nearest:
        return Nearest(version.project, model, [], 0, text)

    learned = services.learned_files.get(services.stores, version, model.sha256)
    if learned is None:
        return problem(
            f"What {model.name} {model.version} learned from is not kept: it came with the app or from elsewhere, or "
            "was trained by an earlier version."
        )
    if vector is None or learned.backbone != vector.backbone or not learned.pictures:
        again = " Classify it again (Try again)." if is_kept else ""
        return problem(f"Nothing is known of this picture that can be compared with what was learned.{again}")
    rows = np.stack([np.frombuffer(one.codes, np.int8) for one in learned.pictures]).astype(np.float32)
    asked = vector.numbers.astype(np.float32)
    cosines = rows @ asked / np.maximum(np.linalg.norm(rows, axis=1) * np.linalg.norm(asked), 1e-9)
    items: list[LearnedAlike] = []
    pictures = TrainingPictures(services.stores.training, services.stores.projects.open(version.project).pictures_in)
    for row in np.argsort(-cosines, kind="stable")[:_MOST_LOOKED_AT]:
        one = learned.pictures[row]
        if not pictures.has(one.sha256):
            continue
        items.append(LearnedAlike(one.sha256, list(one.labels), round(float(min(cosines[row], 1.0)), 4)))
        if len(items) == SHOWN:
            break
    gone = None if items else f"None of the {len(learned.pictures):,} pictures that it learned from is there any more."
    return Nearest(version.project, model, items, len(learned.pictures), gone)
