"""From an instance's memory follows how much is held at once, and what does not fit is refused."""

import re
from dataclasses import replace

import pytest

from imagestore.configure import limits_of, memory_of
from imagestore.errors import SettingsError
from imagestore.pipeline.models import memory
from imagestore.pipeline.models.memory import MB, Memory, shared_out
from imagestore.settings import Settings
from preprocess import Limits
from preprocess.formats import FORMATS

SIZES = (2048, 4096)


def of(**environment: str) -> Memory:
    return memory_of(Settings.read(environment))


def worst_bytes(size: int, found: Memory) -> float:
    """Everything that a worker may hold at once, at the limits."""
    assert found.limits.child_bytes is not None
    uploads = found.uploads * memory._COPIES_IN_WORKER * found.limits.max_bytes
    children = found.decoders * (memory._CHILD_BYTES + found.limits.child_bytes)
    return memory._HOST_BYTES + memory._WORKER_SHARE * size * MB + uploads + children


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("limits", [{}, {"MAX_BYTES": "10000000"}, {"MAX_PIXELS": "110000000"}], ids=str)
def test_the_worst_case_fits(size: int, limits: dict[str, str]) -> None:
    assert worst_bytes(size, of(INSTANCE_MEMORY_MB=str(size), **limits)) <= size * MB


def test_one_core_decodes_one_picture_at_once_and_two_cores_two() -> None:
    small, large = (of(INSTANCE_MEMORY_MB=str(size)) for size in SIZES)
    assert (small.decoders, small.uploads) == (1, 2)
    assert (large.decoders, large.uploads) == (2, 4)


@pytest.mark.parametrize("size", SIZES)
def test_the_default_of_max_pixels_fits_and_costly_formats_have_less(size: int) -> None:
    limits = of(INSTANCE_MEMORY_MB=str(size)).limits
    assert limits.pixels_of("PNG") == (100_000_000, "MAX_PIXELS")
    assert limits.pixels_of("WEBP") == (50_000_000, "MAX_PIXELS_BY_FORMAT")
    most, setting = limits.pixels_of("AVIF")
    assert 50_000_000 < most < 100_000_000
    assert setting == "INSTANCE_MEMORY_MB"


def test_larger_pictures_are_decoded_one_at_a_time() -> None:
    found = of(INSTANCE_MEMORY_MB="4096", MAX_PIXELS="250000000")
    assert (found.decoders, found.limits.pixels_of("PNG")[0]) == (1, 250_000_000)
    assert worst_bytes(4096, found) <= 4096 * MB


@pytest.mark.parametrize(
    ("environment", "error"),
    [
        ({"INSTANCE_MEMORY_MB": "512"}, "INSTANCE_MEMORY_MB is '512': an instance needs 2048 at least"),
        ({"MAX_PIXELS": "200000000"}, r"MAX_PIXELS is '200000000': .*2048 MB has room for \d+\. Lower it"),
        ({"MAX_PIXELS_BY_FORMAT": "JPEG2000=99000000"}, r"has 'JPEG2000=99000000': .* has room for \d+\."),
        ({"MAX_BYTES": "900000000"}, "MAX_BYTES is '900000000': an instance of 2048 MB cannot hold such uploads"),
        ({"MAX_PIXELS_BY_FORMAT": "JPG=7"}, "names 'JPG', which is no format"),
    ],
)
def test_what_does_not_fit_is_refused_with_value_limit_and_remedy(environment: dict[str, str], error: str) -> None:
    with pytest.raises(SettingsError, match=error) as caught:
        of(**{"INSTANCE_MEMORY_MB": "2048", **environment})
    assert "\n" not in str(caught.value)


def test_what_a_refusal_offers_is_accepted() -> None:
    with pytest.raises(SettingsError) as caught:
        of(INSTANCE_MEMORY_MB="2048", MAX_PIXELS="200000000")
    (room,) = re.findall(r"has room for (\d+)", str(caught.value))
    assert of(INSTANCE_MEMORY_MB="2048", MAX_PIXELS=room).limits.max_pixels == int(room)


def test_on_a_machine_of_ones_own_nothing_is_counted() -> None:
    assert limits_of(Settings()) == Limits()
    assert of().decoders == 1
    assert of(MAX_PIXELS="900000000").limits.pixels_of("JPEG2000")[0] == 50_000_000


def test_each_format_has_its_share_whatever_the_defaults_are() -> None:
    found = shared_out(2048, replace(Limits(), max_pixels_by_format={}))
    assert set(found.limits.max_pixels_by_memory) == {row.name for row in FORMATS}
    assert found.limits.pixels_of("JPEG2000")[1] == "INSTANCE_MEMORY_MB"
