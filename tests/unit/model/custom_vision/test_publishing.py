"""What an import trained is found by programs under the name that they asked Custom Vision for."""

from imagestore.store import Stores
from imagestore.store.models import Inspection
from model.custom_vision.publishing import how_to_publish, names_of, publish_as_there
from model.custom_vision.service import RemoteIteration
from unit.web.memory import memory_stores


def with_versions(*versions: str) -> Stores:
    stores = memory_stores()
    stores.projects.create("garden", "me")
    for version in versions:
        stores.models.keep("garden", version, {"model.onnx": b"model"})
        found = Inspection("0" * 64, "2026-11-21", "training", is_admitted=True)
        stores.models.keep_inspection("garden", version, found)
    return stores


def test_the_names_there_are_those_of_published_iterations() -> None:
    iterations = [
        RemoteIteration(str(n), "x", "Completed", publish_name=name) for n, name in enumerate(("a", None, "a"))
    ]
    assert names_of(iterations) == ("a",)


def test_a_version_is_published_as_there() -> None:
    stores = with_versions("1")
    for _ in range(2):  # by a runner that follows one that died, too
        assert publish_as_there(stores, "garden", "1", ["live one", "b"]) == [
            "garden 1 is published as 'live one', as there.", "garden 1 is published as 'b', as there.",
        ]  # fmt: skip
    assert stores.projects.open("garden").published == {"live one": "1", "b": "1"}


def test_what_is_published_here_under_the_name_stays_and_the_command_is_told() -> None:
    stores = with_versions("1", "2")
    publish_as_there(stores, "garden", "1", ["live one"])
    (said,) = publish_as_there(stores, "garden", "2", ["live one"])
    assert said == (
        "Not published as 'live one', as there: 1 is published so here. "
        "To do so: imagestore projects publish garden 2 --as 'live one'"
    )
    assert stores.projects.open("garden").published == {"live one": "1"}


def test_a_name_that_cannot_be_one_here_is_said() -> None:
    (said,) = publish_as_there(with_versions("1"), "garden", "1", ["-x"])
    assert "cannot be a name to publish under" in said


def test_where_nothing_is_trained_yet_the_command_is_told() -> None:
    (said,) = how_to_publish("garden", ["live"])
    assert said.endswith("imagestore projects publish garden VERSION --as live")
