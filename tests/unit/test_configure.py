"""What the rooms are handed is made of the settings and connections."""

import pytest

from imagestore.configure import connection, context_of, limits_of, open_stores
from imagestore.errors import SettingsError
from imagestore.settings import AZURITE, COSMOS_EMULATOR, Settings
from preprocess import Limits

ENVIRONMENT = {"IMAGES_STORAGE": AZURITE, "COSMOS": COSMOS_EMULATOR}


def test_limits_of_formats_are_those_of_the_library_unless_they_are_set() -> None:
    assert limits_of(Settings()) == Limits()
    with pytest.raises(SettingsError, match=r"names 'JPG', which is no format\. They are: AVIF, BMP,"):
        limits_of(Settings.read({"MAX_PIXELS_BY_FORMAT": "JPG=7"}))


def test_stores_have_the_names_that_are_set() -> None:
    stores = open_stores({**ENVIRONMENT, "DEADLETTER_CONTAINER": "lost-events", "KEEP_RESULTS": "true"})
    assert (stores.names.dead_letters, stores.names.uploads) == ("lost-events", "uploads")
    assert stores.names.keep_results


def test_the_context_follows_the_settings() -> None:
    context = context_of({**ENVIRONMENT, "RETRY_DELAYS_SECONDS": "1,2", "MAX_BYTES": "5"})
    assert context.retry_delays_s == (1.0, 2.0)
    assert context.limits.max_bytes == 5


def test_the_function_app_alone_goes_to_its_blobs_by_obstore() -> None:
    opened = {who: open_stores(ENVIRONMENT, who) for who in ("function", "web", "jobs", None)}
    assert [who for who, stores in opened.items() if stores.direct is not None] == ["function"]


def test_a_connection_is_a_string_or_addresses() -> None:
    assert connection("COSMOS", {"COSMOS": "x"}).string == "x"
    string = connection("COSMOS", {"COSMOS": "AccountEndpoint=http://c/;AccountKey=k=="})
    assert string.address("accountEndpoint") == "http://c/"
    identity = connection("COSMOS", {"COSMOS__accountEndpoint": "https://c"})
    assert identity.address("accountEndpoint") == "https://c"
    with pytest.raises(SettingsError, match="COSMOS is not set"):
        connection("COSMOS", {})
