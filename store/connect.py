"""Makes the clients, once per process, from connections and names."""

import contextlib
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from azure.core.settings import settings as sdk
from azure.cosmos import CosmosClient, DatabaseProxy, PartitionKey
from azure.storage.blob import BlobServiceClient
from azure.storage.blob import ExponentialRetry as BlobRetry
from azure.storage.queue import ExponentialRetry as QueueRetry
from azure.storage.queue import QueueServiceClient, TextBase64DecodePolicy, TextBase64EncodePolicy

from errors import Conflict, Missing, SettingsError
from settings import BLOB_POISON_QUEUE, WORK_QUEUE, Connection, Settings
from store.blobs import FIRST_READ_BYTES, Blobs
from store.failures import translated
from store.models import Models
from store.queues import Queue
from store.records import Records

T = TypeVar("T")
IMAGES = "images"
INDEXING: dict[str, Any] = {
    "indexingMode": "consistent",
    "includedPaths": [{"path": "/*"}],
    "excludedPaths": [{"path": "/image/metadata/*"}, {"path": '/"_etag"/?'}],
    "compositeIndexes": [
        [{"path": "/finished_at", "order": "descending"}, {"path": "/id", "order": "ascending"}],
    ],
}
"""What searches need: `Records.find` orders by two fields."""
_HTTP: dict[str, Any] = {"connection_timeout": 10, "read_timeout": 30}
_BLOCKS = {"max_single_get_size": FIRST_READ_BYTES, "max_single_put_size": 8 * 2**20, "max_block_size": 4 * 2**20}
_RETRY: dict[str, Any] = {"initial_backoff": 0, "increment_base": 1, "random_jitter_range": 1, "retry_total": 2}
"""Short: what stays away longer is tried again from the queue, where waiting costs nothing."""
_COSMOS: dict[str, Any] = {
    "connection_timeout": 10,
    "read_timeout": 30,
    "retry_total": 3,
    "retry_connect": 2,
    "retry_backoff_max": 5,
}


@dataclass(frozen=True)
class Names:
    """The names of containers and of the database; whether results outlive their uploads."""

    uploads: str
    staging: str
    results: str
    thumbnails: str
    models: str
    training: str
    database: str
    keep_results: bool = False


@dataclass(frozen=True)
class Stores:
    """Everything that is kept. Clients are made at first use: the app must load though a service is away."""

    storage: Connection
    cosmos: Connection
    names: Names
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False, compare=False, init=False)
    _made: dict[str, Any] = field(default_factory=dict, repr=False, compare=False, init=False)

    @property
    def uploads(self) -> Blobs:
        """The pictures that were dropped."""
        return self._once("uploads", lambda: self._blobs(self.names.uploads))

    @property
    def staging(self) -> Blobs:
        """The preprocessed pictures."""
        return self._once("staging", lambda: self._blobs(self.names.staging))

    @property
    def results(self) -> Blobs:
        """The results, one JSON blob per upload."""
        return self._once("results", lambda: self._blobs(self.names.results))

    @property
    def thumbnails(self) -> Blobs:
        """Renditions of the pictures, made again whenever they are missing."""
        return self._once("thumbnails", lambda: self._blobs(self.names.thumbnails))

    @property
    def models(self) -> Models:
        """Versions of models, and which one is live."""
        return self._once("models", lambda: Models(self._blobs(self.names.models)))

    @property
    def training(self) -> Blobs:
        """Labelled pictures, and which of them test."""
        return self._once("training", lambda: self._blobs(self.names.training))

    @property
    def work(self) -> Queue:
        """Retries, deletions and what else is to be done later."""
        return self._once("work", lambda: self._queue(WORK_QUEUE))

    @property
    def work_poison(self) -> Queue:
        """Messages of `work` that the Functions host gave up on; nothing reads them but people."""
        return self._once("work_poison", lambda: self._queue(WORK_QUEUE + "-poison"))

    @property
    def poison(self) -> Queue:
        """What the Functions host gave up on."""
        return self._once("poison", lambda: self._queue(BLOB_POISON_QUEUE))

    @property
    def records(self) -> Records:
        """The records."""
        return self._once("records", lambda: Records(self.database.get_container_client(IMAGES)))

    @property
    def database(self) -> DatabaseProxy:
        """The Cosmos DB database."""
        with translated("connecting to Cosmos DB"):
            return self._once("database", lambda: _cosmos(self.cosmos).get_database_client(self.names.database))

    @property
    def blob_service(self) -> BlobServiceClient:
        """The account's blobs."""
        return self._once("blob_service", lambda: _blob_service(self.storage))

    @property
    def queue_service(self) -> QueueServiceClient:
        """The account's queues."""
        return self._once("queue_service", lambda: _queue_service(self.storage))

    def _once(self, name: str, make: Callable[[], T]) -> T:
        """What `make` gives, made by whoever comes first and kept; a failure is not kept."""
        if name not in self._made:
            with self._lock:
                if name not in self._made:
                    self._made[name] = make()
        made: T = self._made[name]
        return made

    def _blobs(self, container: str) -> Blobs:
        return Blobs(self.blob_service.get_container_client(container))

    def _queue(self, name: str) -> Queue:
        policies: dict[str, Any] = {
            "message_encode_policy": TextBase64EncodePolicy(),
            "message_decode_policy": TextBase64DecodePolicy(),
        }
        return Queue(self.queue_service.get_queue_client(name, **policies))


def open_stores(settings: Settings, environ: Mapping[str, str]) -> Stores:
    """The stores that the settings and connections name; nothing is asked of them yet. SettingsError."""
    sdk.tracing_enabled = False
    logging.getLogger("azure").setLevel(logging.WARNING)  # the SDK would log each address, and names with it
    names = Names(
        uploads=settings.uploads_container,
        staging=settings.staging_container,
        results=settings.results_container,
        thumbnails=settings.thumbnails_container,
        models=settings.models_container,
        training=settings.training_container,
        database=settings.cosmos_database,
        keep_results=settings.keep_results,
    )
    return Stores(Connection.read("IMAGES_STORAGE", environ), Connection.read("COSMOS", environ), names)


def create(stores: Stores) -> None:
    """Make the containers, queues and the database where they are missing (Azure: infra does it). Away."""
    names = stores.names
    for container in (
        names.uploads, names.staging, names.results, names.thumbnails, names.models, names.training
    ):  # fmt: skip
        _unless_there(lambda name=container: stores.blob_service.create_container(name))
    for queue in (WORK_QUEUE, WORK_QUEUE + "-poison", BLOB_POISON_QUEUE):
        _unless_there(lambda name=queue: stores.queue_service.create_queue(name))
    with translated("creating the database"):
        database = _cosmos(stores.cosmos).create_database_if_not_exists(stores.names.database)
        database.create_container_if_not_exists(IMAGES, PartitionKey("/id"), INDEXING, default_ttl=-1)


def drop_records(stores: Stores) -> None:
    """Delete the database with all records; `create` makes it anew. Away."""
    with contextlib.suppress(Missing), translated("dropping the database"):
        _cosmos(stores.cosmos).delete_database(stores.names.database)


def _unless_there(make: Any) -> None:
    try:
        with translated("creating a container or queue"):
            make()
    except Conflict:
        return


def _blob_service(connection: Connection) -> BlobServiceClient:
    options: dict[str, Any] = {"retry_policy": BlobRetry(**_RETRY), **_BLOCKS, **_HTTP}
    with _checked(connection):
        if connection.string:
            return BlobServiceClient.from_connection_string(connection.string, **options)
        return BlobServiceClient(connection.address("blobServiceUri"), _identity(), **options)


def _queue_service(connection: Connection) -> QueueServiceClient:
    options: dict[str, Any] = {"retry_policy": QueueRetry(**_RETRY), **_HTTP}
    with _checked(connection):
        if connection.string:
            return QueueServiceClient.from_connection_string(connection.string, **options)
        return QueueServiceClient(connection.address("queueServiceUri"), _identity(), **options)


def _cosmos(connection: Connection) -> CosmosClient:
    with _checked(connection):
        if connection.string:
            return CosmosClient.from_connection_string(connection.string, **_COSMOS)
        return CosmosClient(connection.address("accountEndpoint"), _identity(), **_COSMOS)


def _identity() -> Any:
    from azure.identity import DefaultAzureCredential  # 0.2 s of cold start that a connection string does not need

    return DefaultAzureCredential()


class _checked:
    """Says which connection string is broken; never shows it, since it holds a key."""

    def __init__(self, connection: Connection) -> None:
        self._name = connection.name

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, ValueError | KeyError | AttributeError):
            raise SettingsError(f"{self._name} is not a valid connection string. See docs/settings.md.") from None
