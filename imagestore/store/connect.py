"""Makes the clients, once per process, from connections and names."""

import contextlib
import json
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.core.settings import settings as sdk
from azure.cosmos import CosmosClient, DatabaseProxy, PartitionKey
from azure.storage.blob import BlobServiceClient
from azure.storage.blob import ExponentialRetry as BlobRetry

from imagestore.errors import Conflict, SettingsError, StoreError
from imagestore.store.blobs import FIRST_READ_BYTES, Blobs
from imagestore.store.connection import Connection
from imagestore.store.custom_vision import CustomVisionTable
from imagestore.store.failures import translated
from imagestore.store.items import CosmosItems, Items
from imagestore.store.kept_connections import are_plain
from imagestore.store.models import Models
from imagestore.store.object_store import ObjectStore, object_store_of
from imagestore.store.projects import ProjectTable
from imagestore.store.queues import BLOB_POISON_QUEUE, WORK_POISON_QUEUE, WORK_QUEUE, Queue
from imagestore.store.records import Records
from imagestore.store.routes import RouteTable
from imagestore.store.transport import KeptTransport

if TYPE_CHECKING:
    from azure.storage.queue import QueueServiceClient

T = TypeVar("T")
IMAGES = "images"
ACCOUNTS = "accounts"
AUDIT = "audit"
JOBS = "jobs"
INDEXING: dict[str, Any] = json.loads(Path(__file__).with_name("indexing.json").read_text("utf-8"))
"""The indexing policy of the container of records, read by infra/ from the same file: `Records.find` orders by two
fields."""
_HTTP: dict[str, Any] = {"connection_timeout": 10, "read_timeout": 30}
_BLOCKS = {"max_single_get_size": FIRST_READ_BYTES, "max_single_put_size": 8 * 2**20, "max_block_size": 4 * 2**20}
_RETRY: dict[str, Any] = {"initial_backoff": 0, "increment_base": 1, "random_jitter_range": 1, "retry_total": 2}
"""Few and short retries: after them a step goes back to the queue, where waiting costs nothing."""
_COSMOS: dict[str, Any] = {
    "connection_timeout": 10,
    "read_timeout": 30,
    "retry_total": 3,
    "retry_connect": 2,
    "retry_backoff_max": 5,
}


@dataclass(frozen=True)
class Names:
    """The names of the containers and of the database, how long results and the audit log are kept, and how often a
    worker looks what is live."""

    uploads: str
    staging: str
    results: str
    thumbnails: str
    models: str
    training: str
    dead_letters: str
    database: str
    keep_results: bool = False
    audit_days: int = 365
    model_poll_seconds: float = 2.0


@dataclass(frozen=True)
class Stores:
    """All containers, queues and records. Clients are made at first use, so that the app loads even if a service does
    not answer.

    `first_use` is called once, when the first of them is made. `before_publishing` is called before each change to the
    container of models, which what it raises prevents. With `direct`, the environment, blobs are read and written by
    store/object_store.py, and Cosmos DB is asked over store/transport.py.
    """

    storage: Connection
    cosmos: Connection
    names: Names
    first_use: "Callable[[Stores], object] | None" = field(default=None, repr=False, compare=False)
    before_publishing: Callable[[], object] | None = field(default=None, repr=False, compare=False)
    direct: Mapping[str, str] | None = field(default=None, repr=False, compare=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False, compare=False, init=False)
    _made: dict[str, Any] = field(default_factory=dict, repr=False, compare=False, init=False)

    @property
    def uploads(self) -> Blobs:
        """The uploaded pictures."""
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
        """Small renditions of the uploads, made again when missing."""
        return self._once("thumbnails", lambda: self._blobs(self.names.thumbnails))

    @property
    def models(self) -> Models:
        """The versions of models."""
        return self._once("models", lambda: Models(self._blobs(self.names.models)))

    @property
    def model_files(self) -> Blobs:
        """All that is kept beside the versions of models, as blobs."""
        return self._once("model_files", lambda: self._blobs(self.names.models))

    @property
    def routes(self) -> RouteTable:
        """Which project classifies which uploads, and which models are live."""
        every_s = self.names.model_poll_seconds
        return self._once("routes", lambda: RouteTable(self._blobs(self.names.models), self.models, every_s))

    @property
    def projects(self) -> ProjectTable:
        """The projects."""
        return self._once("projects", lambda: ProjectTable(self._blobs(self.names.models), self.models))

    @property
    def custom_vision(self) -> CustomVisionTable:
        """What Custom Vision's clients ask of the projects."""
        return self._once("custom_vision", lambda: CustomVisionTable(self._blobs(self.names.models)))

    @property
    def training(self) -> Blobs:
        """Labelled pictures to train with, and which of them are for testing."""
        return self._once("training", lambda: self._blobs(self.names.training))

    @property
    def dead_letters(self) -> Blobs:
        """The events that Event Grid could not deliver."""
        return self._once("dead_letters", lambda: self._blobs(self.names.dead_letters))

    def containers(self) -> "list[Blobs]":
        """All containers of blobs."""
        names = self.names
        return [
            self._blobs(name)
            for name in (
                names.uploads, names.staging, names.results, names.thumbnails, names.models, names.training,
                names.dead_letters,
            )
        ]  # fmt: skip

    @property
    def work(self) -> Queue:
        """The queue of tasks: retries, deletions, and whatever else is to be done later."""
        return self._once("work", lambda: self._queue(WORK_QUEUE))

    @property
    def work_poison(self) -> Queue:
        """The queue of tasks that were given up. No function reads it."""
        return self._once("work_poison", lambda: self._queue(WORK_POISON_QUEUE))

    @property
    def poison(self) -> Queue:
        """The Functions host's own queue of blob events that it gave up."""
        return self._once("poison", lambda: self._queue(BLOB_POISON_QUEUE))

    @property
    def records(self) -> Records:
        """The records in Cosmos DB."""
        return self._once("records", lambda: Records(self.database.get_container_client(IMAGES)))

    @property
    def record_items(self) -> Items:
        """The same as documents, to be read. Only `records` writes them."""
        return self._once("record_items", lambda: self._items(IMAGES))

    @property
    def accounts(self) -> Items:
        """Accounts, sessions, keys and links in Cosmos DB."""
        return self._once("accounts", lambda: self._items(ACCOUNTS))

    @property
    def audit(self) -> Items:
        """The audit log in Cosmos DB. In Azure the web app's identity may add to it and read it, and nothing else."""
        return self._once("audit", lambda: self._items(AUDIT))

    @property
    def jobs(self) -> Items:
        """Long work, and which runners do it, in Cosmos DB."""
        return self._once("jobs", lambda: self._items(JOBS))

    @property
    def database(self) -> DatabaseProxy:
        """The Cosmos DB database."""
        with translated("connecting to Cosmos DB"):
            return self.cosmos_service.get_database_client(self.names.database)

    @property
    def cosmos_service(self) -> CosmosClient:
        """The client of the Cosmos DB account; the first to ask for it connects, and gets the SDK's own errors."""
        return self._once("cosmos_service", lambda: _cosmos(self.cosmos, self.direct))

    @property
    def blob_service(self) -> BlobServiceClient:
        """The client of the account's Blob service."""
        return self._once("blob_service", lambda: _blob_service(self.storage))

    @property
    def queue_service(self) -> "QueueServiceClient":
        """The client of the account's Queue service."""
        return self._once("queue_service", lambda: _queue_service(self.storage))

    def _once(self, name: str, make: Callable[[], T]) -> T:
        """The client of this name, made by `make` at the first call. If that raises, the next call tries again."""
        if name not in self._made:
            with self._lock:
                if name not in self._made:
                    made_now = make()
                    is_first = not self._made  # what `make` has made on its way was the first, if anything was
                    self._made[name] = made_now
                    if is_first and self.first_use is not None:
                        self.first_use(self)
        made: T = self._made[name]
        return made

    def _blobs(self, container: str) -> Blobs:
        before_change = self.before_publishing if container == self.names.models else None
        return Blobs(self.blob_service.get_container_client(container), before_change, self._object_store(container))

    def _object_store(self, container: str) -> ObjectStore | None:
        environ = self.direct
        if environ is None:
            return None
        return self._once(f"object store {container}", lambda: object_store_of(self.blob_service, container, environ))

    def _items(self, container: str) -> Items:
        return CosmosItems(lambda: self.database.get_container_client(container))

    def _queue(self, name: str) -> Queue:
        from azure.storage.queue import TextBase64DecodePolicy, TextBase64EncodePolicy

        policies: dict[str, Any] = {
            "message_encode_policy": TextBase64EncodePolicy(),
            "message_decode_policy": TextBase64DecodePolicy(),
        }
        return Queue(self.queue_service.get_queue_client(name, **policies))


def stores_of(
    names: Names,
    storage: Connection,
    cosmos: Connection,
    first_use: Callable[[Stores], object] | None = None,
    direct: Mapping[str, str] | None = None,
) -> Stores:
    """The stores of these names in these services. No service is called yet. `first_use` and `direct`: see Stores."""
    sdk.tracing_enabled = False
    logging.getLogger("azure").setLevel(logging.WARNING)  # the SDK would log each address, and names with it
    return Stores(storage, cosmos, names, first_use, direct=direct)


def blobs_of(storage: Connection, container: str) -> Blobs:
    """The blobs of a container in any account. No service is called yet. Raises SettingsError."""
    return Blobs(_blob_service(storage).get_container_client(container))


def create(stores: Stores) -> None:
    """Create the containers, queues and the database that are missing, as on a local stack.

    In Azure the deployment creates them: the roles for data that the app has there do not suffice. Raises Unavailable,
    or StoreError if something is missing and this identity may not create it.
    """
    names = stores.names
    for container in (
        names.uploads, names.staging, names.results, names.thumbnails, names.models, names.training, names.dead_letters
    ):  # fmt: skip
        blobs = stores.blob_service.get_container_client(container)
        _unless_there(f"container {container}", blobs.get_container_properties, blobs.create_container)
    for queue in (WORK_QUEUE, WORK_POISON_QUEUE, BLOB_POISON_QUEUE):
        messages = stores.queue_service.get_queue_client(queue)
        _unless_there(f"queue {queue}", messages.get_queue_properties, messages.create_queue)
    create_records(stores)
    _create_items(stores, ACCOUNTS, ttl_s=-1)
    _create_items(stores, AUDIT, ttl_s=names.audit_days * 86_400)
    _create_items(stores, JOBS, ttl_s=-1)


def create_records(stores: Stores) -> None:
    """Create the container of records if it is missing. Raises as `create` does."""
    _create_items(stores, IMAGES, ttl_s=-1, indexing=INDEXING)


def _create_items(stores: Stores, name: str, *, ttl_s: int, indexing: dict[str, Any] | None = None) -> None:
    database = stores.names.database

    def look() -> object:
        return stores.cosmos_service.get_database_client(database).get_container_client(name).read()

    def make() -> object:
        made = stores.cosmos_service.create_database_if_not_exists(database)
        return made.create_container_if_not_exists(name, PartitionKey("/id"), indexing, default_ttl=ttl_s)

    _unless_there(f"container {name} of the Cosmos DB database {database}", look, make)


def _unless_there(what: str, look: Callable[[], object], make: Callable[[], object]) -> None:
    """Create what is missing. What exists is only looked at, since an identity may look at more than it may create."""
    with translated(f"looking at the {what}"):
        try:
            look()
            return
        except ResourceNotFoundError:
            pass
    with contextlib.suppress(Conflict), translated(f"making the {what}"):
        _make(what, make)


def _make(what: str, make: Callable[[], object]) -> None:
    try:
        make()
    except HttpResponseError as error:
        if error.status_code not in (401, 403):
            raise
        raise StoreError(
            f"The {what} is not there, and this identity may not create it. Deploy infra/ (azd provision): it creates "
            "everything. See docs/azure.md."
        ) from None


def _blob_service(connection: Connection) -> BlobServiceClient:
    options: dict[str, Any] = {"retry_policy": BlobRetry(**_RETRY), **_BLOCKS, **_HTTP}
    with _checked(connection):
        if connection.string:
            return BlobServiceClient.from_connection_string(connection.string, **options)
        return BlobServiceClient(connection.address("blobServiceUri"), identity(connection), **options)


def _queue_service(connection: Connection) -> "QueueServiceClient":
    from azure.storage.queue import ExponentialRetry as QueueRetry  # what no ordinary picture needs
    from azure.storage.queue import QueueServiceClient

    options: dict[str, Any] = {"retry_policy": QueueRetry(**_RETRY), **_HTTP}
    with _checked(connection):
        if connection.string:
            return QueueServiceClient.from_connection_string(connection.string, **options)
        return QueueServiceClient(connection.address("queueServiceUri"), identity(connection), **options)


def _cosmos(connection: Connection, direct: Mapping[str, str] | None = None) -> CosmosClient:
    options = dict(_COSMOS)
    has_tls = not connection.address("accountEndpoint").startswith("http://")
    if direct is not None and are_plain(direct, has_tls=has_tls):
        options["transport"] = KeptTransport()
    with _checked(connection):
        if connection.string:
            return CosmosClient.from_connection_string(connection.string, **options)
        return CosmosClient(connection.address("accountEndpoint"), identity(connection), **options)


def identity(connection: Connection) -> Any:
    """The identity to sign in with. Its settings are those of the Functions host: `<name>__clientId` is that of a
    user-assigned identity, `<name>__credential=managedidentity` tries no other kind."""
    from azure.identity import DefaultAzureCredential, ManagedIdentityCredential  # 0.2 s that a string does not need

    client_id = connection.addresses.get("clientId")
    if connection.addresses.get("credential", "").lower() == "managedidentity":
        return ManagedIdentityCredential(client_id=client_id) if client_id else ManagedIdentityCredential()
    return DefaultAzureCredential(managed_identity_client_id=client_id) if client_id else DefaultAzureCredential()


class _checked:
    """A `with` block that makes a client.

    Says which connection string is broken without showing it, since it holds a key.
    """

    def __init__(self, connection: Connection) -> None:
        self._name = connection.name

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, ValueError | KeyError | AttributeError):
            raise SettingsError(f"{self._name} is not a valid connection string. See docs/settings.md.") from None
