"""No two uploads share a blob of what is made of them."""

from imagestore.pipeline.names import result_name, upload_name, upload_of_result
from imagestore.record import LONGEST_NAME, record_id

LONG = "x" * (LONGEST_NAME + 1)


def test_a_long_name_and_one_that_is_its_id_have_results_of_their_own() -> None:
    assert result_name(LONG) != result_name(record_id(LONG))


def test_no_other_upload_can_have_the_result_of_a_long_name() -> None:
    """Every other result is the upload's name and .json."""
    assert not result_name(LONG).endswith(".json")
    assert len(result_name(LONG)) <= 1024


def test_a_results_name_tells_its_upload() -> None:
    assert upload_of_result(result_name("garden/a.json")) == "garden/a.json"
    assert upload_of_result(result_name(LONG)) is None
    assert upload_name("a.png.png") == "a.png"
