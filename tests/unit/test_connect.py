"""Stores by connection string and by identity; nothing is asked of a service until it is needed."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from errors import SettingsError
from settings import AZURITE, COSMOS_EMULATOR, Settings
from store import connect, open_stores


def test_a_connection_string_leads_to_the_named_containers() -> None:
    settings = Settings.read({"UPLOADS_CONTAINER": "my-photos"})
    stores = open_stores(settings, {"IMAGES_STORAGE": AZURITE, "COSMOS": COSMOS_EMULATOR})
    assert stores.uploads.container == "my-photos"
    assert stores.work.name == "work"
    assert stores.blob_service.account_name == "devstoreaccount1"


def test_an_identity_needs_addresses_alone() -> None:
    environment = {
        "IMAGES_STORAGE__blobServiceUri": "https://account.blob.core.windows.net",
        "IMAGES_STORAGE__queueServiceUri": "https://account.queue.core.windows.net",
        "COSMOS__accountEndpoint": "https://account.documents.azure.com",
    }
    stores = open_stores(Settings(), environment)
    assert stores.blob_service.url.startswith("https://account.blob.core.windows.net")
    assert stores.poison.name == "webjobs-blobtrigger-poison"


@pytest.mark.parametrize("string", ["nonsense", "BlobEndpoint"])
def test_a_broken_connection_string_is_named_and_not_shown(string: str) -> None:
    stores = open_stores(Settings(), {"IMAGES_STORAGE": string, "COSMOS": COSMOS_EMULATOR})
    with pytest.raises(SettingsError, match="IMAGES_STORAGE is not a valid connection string") as caught:
        stores.blob_service  # noqa: B018
    assert string not in str(caught.value)


def test_a_missing_address_is_named() -> None:
    environment = {"IMAGES_STORAGE__blobServiceUri": "https://a", "COSMOS": COSMOS_EMULATOR}
    with pytest.raises(SettingsError, match="IMAGES_STORAGE__queueServiceUri is not set"):
        open_stores(Settings(), environment).work  # noqa: B018


def test_clients_are_made_once_however_many_ask_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    stores = open_stores(Settings(), {"IMAGES_STORAGE": AZURITE, "COSMOS": COSMOS_EMULATOR})
    gate, made = threading.Barrier(8), []
    real = connect._blob_service
    monkeypatch.setattr(connect, "_blob_service", lambda storage: made.append(1) or real(storage))

    def ask(_: int) -> object:
        gate.wait()
        return stores.uploads

    with ThreadPoolExecutor(8) as pool:
        assert len({id(found) for found in pool.map(ask, range(8))}) == 1
    assert len(made) == 1
