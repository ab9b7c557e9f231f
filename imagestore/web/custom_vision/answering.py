"""What an iteration says of a picture, in Custom Vision's form, and keeping the picture where that is asked."""

import uuid
from collections.abc import Iterable, Sequence

from classify import Score
from imagestore.errors import Conflict
from imagestore.pipeline.models.projects import pinned_prefix
from imagestore.record import record_id, utc
from imagestore.store.custom_vision import CustomVisionFile, derived
from imagestore.store.projects import Project
from imagestore.web.custom_vision import answers
from imagestore.web.custom_vision.labels import Tags, tags_in
from imagestore.web.custom_vision.routing import id_of
from imagestore.web.models.classifier import Classified, Version
from imagestore.web.services import Services

MOST_BYTES = 4 * 2**20
"""The largest picture that Custom Vision predicted."""


def iteration_id(file: CustomVisionFile, project: Project, version: str) -> str:
    """The UUID by which clients know a version, by what is written of its project."""
    found = (one.id for one in file.iterations if one.version == version)
    return next(found, derived("iteration", project.name, version))


def predict(
    services: Services, project: Project, version: str, data: bytes, *, store: bool = False, sha256: str | None = None
) -> answers.ImagePrediction:
    """What this version says of a picture; `sha256` is its file's, where that is live. With `store`, the picture is
    kept as an upload, which the same version classifies.

    Raises PictureError, Conflict, ModelError, Busy, Unavailable or DecoderFailed.
    """
    found = services.classifier.classify(data, Version(project.name, version, sha256))
    id = _kept(services, project, version, data, found) if store else str(uuid.uuid4())
    file = services.stores.custom_vision.read(project.name)
    tags = tags_in(file, project, has_negatives=found.knows_negatives)
    return answers.ImagePrediction(
        id=id,
        project=id_of(project),
        iteration=iteration_id(file, project, version),
        created=utc(),
        predictions=with_negative(tags, project, found.prediction.top),
    )


def scored(tags: Tags, scores: Iterable[Score]) -> list[answers.Prediction]:
    """Labels with their probabilities, as tags."""
    return [
        answers.Prediction(probability=score.probability, tag_id=tag.id, tag_name=tag.name, tag_type=tag.type)
        for score in scores
        for tag in (tags.named(score.label),)
    ]


def with_negative(tags: Tags, project: Project, top: Sequence[Score]) -> list[answers.Prediction]:
    """The same of all labels, the surest first, with the negative tag if the project has one.

    Where a picture has one label, its probability is what the others lack to 1. Where several may hold, it is what the
    likeliest lacks: so it reaches a half where none of the others does.
    """
    said, negative = scored(tags, top), tags.negative
    shares = [score.probability for score in top]
    taken = max(shares, default=0.0) if project.has_several else sum(shares)
    if negative is not None and negative.name not in {one.tag_name for one in said}:
        said.append(
            answers.Prediction(
                probability=round(max(1 - taken, 0.0), 6),
                tag_id=negative.id,
                tag_name=negative.name,
                tag_type=negative.type,
            )
        )
    return sorted(said, key=lambda one: -one.probability)


def _kept(services: Services, project: Project, version: str, data: bytes, found: Classified) -> str:
    """Upload the picture under the prefix of this version. Returns the id of its record, as a UUID."""
    prefix = pinned_prefix(services.stores, project, version, found.prediction.model.sha256, services.account)
    name = f"{prefix}{uuid.uuid4()}.{found.image.format.lower()}"
    writer = services.stores.uploads.writer(name)
    writer.add(data)
    try:
        writer.commit(f"image/{found.image.format.lower()}", only_new=True)
    except Conflict:  # another with this random name
        return _kept(services, project, version, data, found)
    id = record_id(name)
    services.recent.add(id, name)
    return str(uuid.UUID(id))
