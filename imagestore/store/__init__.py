"""Where things are kept: the only package that imports the Azure SDKs. It raises the StoreErrors of errors.py."""

from imagestore.store.blobs import Blob, Blobs, BlobState, Listed
from imagestore.store.connect import Names, Stores, create, create_records, stores_of
from imagestore.store.connection import Connection
from imagestore.store.items import Item, Items
from imagestore.store.models import Active, Models, PromotionEntry
from imagestore.store.queues import Queue, SentMessage
from imagestore.store.records import Records, StoredRecord, is_same_generation
from imagestore.store.routes import LiveModels, Route, Routes, RouteTable

__all__ = [
    "Active",
    "Blob",
    "BlobState",
    "Blobs",
    "Connection",
    "Item",
    "Items",
    "Listed",
    "LiveModels",
    "Models",
    "Names",
    "PromotionEntry",
    "Queue",
    "Records",
    "Route",
    "RouteTable",
    "Routes",
    "SentMessage",
    "StoredRecord",
    "Stores",
    "create",
    "create_records",
    "is_same_generation",
    "stores_of",
]
