"""Stores by connection string and by identity; nothing is asked of a service until it is needed."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from azure import identity
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.cosmos import CosmosClient
from azure.storage.blob import BlobServiceClient

from exhaustive.memory import memory_stores
from imagestore.configure import names_of, open_stores
from imagestore.errors import SettingsError, StoreError
from imagestore.settings import AZURITE, COSMOS_EMULATOR, Settings
from imagestore.store import Connection, Stores, connect, stores_of


def test_a_connection_string_leads_to_the_named_containers() -> None:
    stores = open_stores({"UPLOADS_CONTAINER": "my-photos", "IMAGES_STORAGE": AZURITE, "COSMOS": COSMOS_EMULATOR})
    assert stores.uploads.container == "my-photos"
    assert stores.work.name == "work"
    assert stores.blob_service.account_name == "devstoreaccount1"


def test_an_identity_needs_addresses_alone() -> None:
    environment = {
        "IMAGES_STORAGE__blobServiceUri": "https://account.blob.core.windows.net",
        "IMAGES_STORAGE__queueServiceUri": "https://account.queue.core.windows.net",
        "COSMOS__accountEndpoint": "https://account.documents.azure.com",
    }
    stores = open_stores(environment)
    assert stores.blob_service.url.startswith("https://account.blob.core.windows.net")
    assert stores.poison.name == "webjobs-blobtrigger-poison"


@pytest.mark.parametrize("string", ["nonsense", "BlobEndpoint"])
def test_a_broken_connection_string_is_named_and_not_shown(string: str) -> None:
    stores = open_stores({"IMAGES_STORAGE": string, "COSMOS": COSMOS_EMULATOR})
    with pytest.raises(SettingsError, match="IMAGES_STORAGE is not a valid connection string") as caught:
        stores.blob_service  # noqa: B018
    assert string not in str(caught.value)


def test_containers_that_are_asked_for_twice_share_one_client() -> None:
    stores = stores_of(
        names_of(Settings.read({})), Connection("IMAGES_STORAGE", AZURITE), Connection("COSMOS", "x"), direct={}
    )
    object_store = stores._object_store("models")
    assert object_store is not None
    assert stores._object_store("models") is object_store
    assert stores._object_store("uploads") is not object_store


@pytest.mark.parametrize(
    ("address", "direct", "expected"),
    [
        ("http://localhost:8081", {}, "KeptTransport"),
        ("https://a.documents.azure.com", {"SSL_CERT_FILE": ""}, "KeptTransport"),
        ("https://a.documents.azure.com", {"SSL_CERT_FILE": "a.pem"}, None),
        ("http://localhost:8081", {"SSL_CERT_FILE": "a.pem"}, "KeptTransport"),
        ("http://localhost:8081", {"HTTPS_PROXY": "http://proxy"}, None),
        ("http://localhost:8081", None, None),
    ],
)
def test_cosmos_db_is_asked_over_kept_connections_only_where_its_own_transport_would_do_the_same(
    monkeypatch: pytest.MonkeyPatch, address: str, direct: dict[str, str] | None, expected: str | None
) -> None:
    made: list[dict[str, object]] = []
    monkeypatch.setattr(CosmosClient, "from_connection_string", lambda _, **options: made.append(options))
    connect._cosmos(Connection("COSMOS", f"AccountEndpoint={address}/;AccountKey=a2V5;"), direct)
    transport = made[0].get("transport")
    assert (transport and type(transport).__name__) == expected


def test_a_missing_address_is_named() -> None:
    environment = {"IMAGES_STORAGE__blobServiceUri": "https://a", "COSMOS": COSMOS_EMULATOR}
    with pytest.raises(SettingsError, match="IMAGES_STORAGE__queueServiceUri is not set"):
        open_stores(environment).work  # noqa: B018


def test_clients_are_made_once_however_many_ask_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    stores = open_stores({"IMAGES_STORAGE": AZURITE, "COSMOS": COSMOS_EMULATOR})
    gate, made = threading.Barrier(8), list[int]()
    real = connect._blob_service

    def make(storage: Connection) -> BlobServiceClient:
        made.append(1)
        return real(storage)

    monkeypatch.setattr(connect, "_blob_service", make)

    def ask(_: int) -> object:
        gate.wait()
        return stores.uploads

    with ThreadPoolExecutor(8) as pool:
        assert len({id(found) for found in pool.map(ask, range(8))}) == 1
    assert len(made) == 1


@pytest.mark.parametrize(
    ("given", "kind", "client_id"),
    [
        ({}, "DefaultAzureCredential", None),
        ({"clientId": "c1"}, "DefaultAzureCredential", "c1"),
        ({"credential": "managedidentity"}, "ManagedIdentityCredential", None),
        ({"credential": "managedidentity", "clientId": "c1"}, "ManagedIdentityCredential", "c1"),
    ],
)
def test_our_clients_sign_in_with_the_identity_that_the_host_uses(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], kind: str, client_id: str | None
) -> None:
    used: list[tuple[str, str | None]] = []

    def recorder(name: str) -> Callable[..., object]:
        def make(**options: str) -> object:
            used.append((name, options.get("managed_identity_client_id") or options.get("client_id")))
            return StaticCredential()

        return make

    for name in ("DefaultAzureCredential", "ManagedIdentityCredential"):
        monkeypatch.setattr(identity, name, recorder(name))
    addresses = {
        "blobServiceUri": "https://a.blob.core.windows.net",
        "queueServiceUri": "https://a.queue.core.windows.net",
    }
    environment = {f"IMAGES_STORAGE__{key}": value for key, value in (addresses | given).items()}
    stores = open_stores(environment | {"COSMOS": COSMOS_EMULATOR})
    assert stores.blob_service.account_name == "a"
    assert stores.queue_service.account_name == "a"
    assert used == [(kind, client_id)] * 2


def test_the_first_use_is_told_once_and_not_before() -> None:
    told: list[object] = []
    storage, cosmos = Connection("IMAGES_STORAGE", AZURITE), Connection("COSMOS", COSMOS_EMULATOR)
    stores = stores_of(names_of(Settings()), storage, cosmos, told.append)
    assert told == []
    for _ in range(2):
        assert (stores.uploads.container, stores.work.name) == ("uploads", "work")
    assert told == [stores]


class Service:
    """One container or queue of a service: is it there, and may this identity make it?"""

    def __init__(self, *, is_there: bool, may_make: bool) -> None:
        self.is_there, self._may_make = is_there, may_make
        self.asked: list[str] = []

    def look(self) -> None:
        self.asked.append("look")
        if not self.is_there:
            raise refusal(404, "ContainerNotFound", ResourceNotFoundError)

    def make(self) -> None:
        self.asked.append("make")
        if not self._may_make:
            raise refusal(403, "AuthorizationPermissionMismatch")
        self.is_there = True


def refusal(status: int, code: str, kind: type[HttpResponseError] = HttpResponseError) -> HttpResponseError:
    error = kind(message="no")
    error.status_code = status
    setattr(error, "error_code", code)  # noqa: B010 - the storage SDKs add it
    return error


def test_what_is_there_is_not_made_though_the_identity_might_not() -> None:
    service = Service(is_there=True, may_make=False)
    connect._unless_there("container uploads", service.look, service.make)
    assert service.asked == ["look"]


def test_what_is_missing_is_made() -> None:
    service = Service(is_there=False, may_make=True)
    connect._unless_there("container uploads", service.look, service.make)
    assert service.is_there


def test_what_is_missing_and_may_not_be_made_is_named_with_what_to_deploy() -> None:
    service = Service(is_there=False, may_make=False)
    with pytest.raises(StoreError) as caught:
        connect._unless_there("container images", service.look, service.make)
    assert type(caught.value) is StoreError, "starting it, which is said of Unavailable, would not help"
    assert "The container images is not there, and this identity may not create it." in str(caught.value)
    assert "azd provision" in str(caught.value)


class StaticCredential:
    """A credential that the SDK takes and never asks here."""

    def get_token(self, *scopes: str, **options: object) -> object:
        raise AssertionError("nothing is asked of the service")


def test_stores_have_what_the_fakes_have() -> None:
    """The stand-in has no part that the real one lacks."""
    for name in vars(memory_stores()):
        assert name in Stores.__annotations__ or hasattr(Stores, name)
