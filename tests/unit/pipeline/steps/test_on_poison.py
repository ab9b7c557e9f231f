"""What the Functions host gave up on is taken up again, and nothing else."""

from imagestore.pipeline import tasks
from imagestore.pipeline.steps.on_poison import on_poison
from unit.pipeline.contexts import context


def poisoned(function: str, container: str, blob: str = "a.jpg") -> str:
    return f'{{"FunctionId": "Host.Functions.{function}", "ContainerName": "{container}", "BlobName": "{blob}"}}'


def test_what_the_host_gave_up_is_queued_later_and_others_messages_stay() -> None:
    here = context()
    on_poison(here, poisoned("preprocess", "uploads"))
    on_poison(here, poisoned("classify", "staging", "a.jpg.png"))
    assert here.stores.work.tasks() == [
        (tasks.Task(tasks.PREPROCESS, "a.jpg", by_event=True), 600.0),
        (tasks.Task(tasks.CLASSIFY, "a.jpg", by_event=True), 600.0),
    ]
    others = [poisoned("preprocess", "invoices"), poisoned("thumbnails", "uploads"), "no JSON"]
    for message in others:
        on_poison(here, message)
    assert [message for message, _ in here.stores.poison.sent] == others
