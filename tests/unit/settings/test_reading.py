"""Settings are read, checked, and written down in one place."""

import pytest

from imagestore.errors import SettingsError
from imagestore.settings import Settings, concerns_us, names, reading
from unit.infra import bicep


@pytest.fixture(autouse=True)
def _nothing_was_said_yet() -> None:
    reading._warn_once.cache_clear()


def test_a_setting_comes_from_the_environment() -> None:
    assert Settings.read({"MAX_PIXELS": "5", "KEEP_LOCATION": "true"}).max_pixels == 5
    assert Settings.read({}) == Settings()


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"MAX_BYTES": "many"}, "MAX_BYTES is 'many'"),
        ({"MAX_BYTES": "0"}, "MAX_BYTES is '0'"),
        ({"UPLOADS_CONTAINER": "My Photos"}, "UPLOADS_CONTAINER is 'My Photos'"),
        ({"RETRY_DELAYS_SECONDS": "10;20"}, "RETRY_DELAYS_SECONDS is '10;20'"),
        ({"RESULTS_CONTAINER": "uploads"}, "must differ"),
    ],
)
def test_a_wrong_setting_is_named_with_its_value(environment: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        Settings.read(environment)


@pytest.mark.parametrize("text", ["JPEG2000", "WEBP=many", "=5", "WEBP=0", "WEBP=-1"])
def test_a_wrong_limit_of_a_format_is_named(text: str) -> None:
    with pytest.raises(SettingsError, match=f"MAX_PIXELS_BY_FORMAT is '{text}'"):
        Settings.read({"MAX_PIXELS_BY_FORMAT": text})


def test_limits_of_formats_are_read() -> None:
    assert Settings.read({"MAX_PIXELS_BY_FORMAT": "TIFF=7, PNG=8"}).pixel_limits == {"TIFF": 7, "PNG": 8}
    assert Settings.read({"MAX_PIXELS_BY_FORMAT": ","}).pixel_limits == {}


@pytest.mark.parametrize(("former", "name"), names.FORMER_NAMES.items())
def test_a_setting_is_understood_by_its_name_of_before_with_a_warning(
    former: str, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert getattr(Settings.read({former: "7"}), name.lower()) in (7, "7")
    assert f"{former} is called {name} now" in caplog.text
    assert getattr(Settings.read({former: "7", name: "8"}), name.lower()) in (8, "8")
    assert concerns_us(former)


def test_the_shipped_model_is_found_where_a_copied_settings_file_names_it_as_before(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert Settings.read({"MODEL": "model/default.onnx"}).model_path == Settings().model_path
    assert Settings().model_path.exists()
    assert "MODEL is 'model/default.onnx', which is model/default/model.onnx now" in caplog.text
    assert Settings.read({"MODEL": "mine.onnx"}).model == "mine.onnx"


@pytest.mark.parametrize(
    ("name", "meant"),
    [("MAX_PIXEL", "MAX_PIXELS"), ("UPLOAD_CONTAINER", "UPLOADS_CONTAINER"), ("max_bytes", "MAX_BYTES"),
     ("IMAGE_STORAGE", "IMAGES_STORAGE"), ("RETRY_DELAY", "RETRY_DELAYS_SECONDS"), ("LIVE_SECOND", "FEED_POLL_SECONDS"),
     ("IMAGES_STORAGE__BlobServiceUri", "IMAGES_STORAGE__blobServiceUri"),
     ("IMAGE_STORAGE__queueServiceUrl", "IMAGES_STORAGE__queueServiceUri"),
     ("COSMOS__accountEndpont", "COSMOS__accountEndpoint")],
)  # fmt: skip
def test_a_name_that_is_nearly_a_settings_is_pointed_out(
    name: str, meant: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert Settings.read({name: "7"}) == Settings()
    assert f"{name} is no setting, and does nothing. Is {meant} meant?" in caplog.text
    assert concerns_us(name)


def test_what_is_wrong_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        Settings.read({"TOP": "7"})
    assert caplog.text.count("TOP is called TOP_CLASSES now") == 1


def test_names_of_others_are_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    others = [
        "PATH",
        "HOME",
        "PYTHONPATH",
        "WEBSITE_SITE_NAME",
        "FUNCTIONS_WORKER_RUNTIME",
        "AzureWebJobsFeatureFlags",
        "AzureWebJobsStorage__accountName",
        "IMAGES_STORAGE__blobServiceUri",
        "IMAGES_STORAGE__tableServiceUri",
        "IMAGES_STORAGE__credential",
        "COSMOS__accountEndpoint",
    ]
    assert Settings.read({**Settings().environment(), **dict.fromkeys(others, "x")}) == Settings()
    assert caplog.text == ""


def test_what_azd_keeps_of_infra_is_taken_for_no_misspelling(caplog: pytest.LogCaptureFixture) -> None:
    """`azd env get-values` gives a shell all of it, and then each command reads its settings there."""
    outputs = bicep.outputs(bicep.text("main.bicep"))
    assert "AZURE_DEADLETTER_CONTAINER" in outputs
    others = outputs - Settings().environment().keys()
    assert Settings.read(dict.fromkeys(others, "x")) == Settings()
    assert caplog.text == ""
