"""Pictures that look like one: an uploaded one, or one that nobody keeps."""

from classify import Vector
from imagestore.errors import NotFound
from imagestore.web.answering.location import shown
from imagestore.web.answers import Alike, Similar
from imagestore.web.index.queries import Filter
from imagestore.web.models.classifier import Version
from imagestore.web.problems import ApiProblem
from imagestore.web.services import Services


def similar_to_picture(services: Services, id: str, filter: Filter, limit: int, hide_location: bool) -> Similar:
    """At most `limit` pictures that pass the filter, those most like this one first.

    Raises NotFound if there is no such picture, ApiProblem 409 if it has no vector.
    """
    vector = services.likeness.vector_of(id)
    if vector is None:
        if services.index.get(id) is None:
            raise NotFound("There is no such picture, or it has no record yet.")
        raise ApiProblem(
            409,
            "no_vector",
            "This picture cannot be compared: no model has kept what it found in it. It was not classified, or by an "
            "earlier version, or by a model whose file gives no features. Classify it again (Try again).",
        )
    return _similar(services, vector, filter, limit, hide_location, without=id)


def similar_to_file(
    services: Services, data: bytes, version: Version | None, filter: Filter, limit: int, hide_location: bool
) -> Similar:
    """The same of the picture in the file `data`, as this version's network sees it.

    Raises ApiProblem 409 if the model gives no features, and what `Classifier.classify` raises.
    """
    classified = services.classifier.classify(data, version)
    if classified.vector is None:
        model = classified.prediction.model
        detail = f"The model {model.name} {model.version} gives no features, so it cannot compare pictures."
        raise ApiProblem(409, "no_vector", detail)
    return _similar(services, classified.vector, filter, limit, hide_location)


def _similar(
    services: Services, vector: Vector, filter: Filter, limit: int, hide_location: bool, without: str | None = None
) -> Similar:
    found = services.likeness.find(vector, filter, limit, without)
    items = [Alike(shown(one.record, hide_location), one.similarity) for one in found.items]
    return Similar(items, found.compared - (without is not None), found.left_out, found.others)


def not_compared(found: Similar) -> str:
    """Which pictures were not compared, in a sentence; empty if all were."""
    said = []
    if found.others:
        said.append(
            f"{found.others:,} {'was' if found.others == 1 else 'were'} not compared: another network has classified "
            "them, or none that gives features. Classify them again to compare them all."
        )
    if found.left_out:
        said.append(f"Only the newest {found.compared:,} were compared; {found.left_out:,} older ones are too many.")
    return " ".join(said)
