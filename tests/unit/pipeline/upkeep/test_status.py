"""How things stand, as the command line and the dashboard show it."""

from imagestore.pipeline.upkeep.status import status
from imagestore.record import Status
from unit.pipeline.test_queue_roles import stores_with


def test_an_upload_without_a_result_is_on_its_way() -> None:
    stores = stores_with(1, 0, 0)
    stores.uploads.overwrite("new.jpg", b"picture", "image/jpeg")
    stores.records.count = lambda status: 4 if status is Status.FAILED else 0
    found = status(stores)
    assert (found.on_their_way, found.statuses[Status.FAILED]) == (1, 4)
    assert next((queue.role.name, queue.length) for queue in found.queues) == ("work", 1)
