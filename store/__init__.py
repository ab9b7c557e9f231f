"""Where things are kept: the only room of the core that knows Azure. Its errors are Missing, Conflict and Away."""

from store.blobs import Blob, Blobs, Listed, Present
from store.connect import Names, Stores, create, drop_records, open_stores
from store.models import Active, Entry, Insist, Models
from store.queues import Queue, Receipt
from store.records import Known, Records

__all__ = [
    "Active",
    "Blob",
    "Blobs",
    "Entry",
    "Insist",
    "Known",
    "Listed",
    "Models",
    "Names",
    "Present",
    "Queue",
    "Receipt",
    "Records",
    "Stores",
    "create",
    "drop_records",
    "open_stores",
]
