"""A picture cannot hurt its neighbours: the decode child hangs, dies or lies, and costs that one picture."""

import os
import resource
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from preprocess import Decoder, DecoderFailed, ImageSpec, Limits, PictureError, Reason, preprocess
from unit.pictures import encoded, photo

SPEC = ImageSpec(64, 64, 1, 1.0)
GOOD = encoded(photo())
FAULTS = Path(__file__).resolve().parents[2] / "faults"
HANG, CRASH, NONSENSE, MEMORY = (GOOD + f"TEST:{fault}".encode() for fault in ("HANG", "CRASH", "NONSENSE", "MEMORY"))


@pytest.fixture
def decoder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Decoder]:
    monkeypatch.setenv("PYTHONPATH", str(FAULTS))  # its sitecustomize.py makes marked pictures misbehave
    running = Decoder()
    yield running
    running.close()


def reason(decoder: Decoder, data: bytes, limits: Limits | None = None) -> Reason:
    with pytest.raises(PictureError) as caught:
        decoder.preprocess(data, SPEC, limits or Limits())
    return caught.value.reason


def test_it_gives_what_preprocess_gives(decoder: Decoder) -> None:
    image, pixels = decoder.preprocess(GOOD, SPEC, Limits())
    expected_image, expected = preprocess(GOOD, SPEC, Limits())
    assert image == expected_image
    assert (pixels == expected).all()
    assert pixels.dtype == np.uint8
    assert reason(decoder, b"no picture") is Reason.NOT_AN_IMAGE


def test_one_child_serves_many(decoder: Decoder) -> None:
    decoder.preprocess(GOOD, SPEC, Limits())
    first = decoder.pid
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: decoder.preprocess(GOOD, SPEC, Limits()), range(40)))
    assert decoder.pid == first


def test_several_children_decode_at_once_and_none_starts_in_vain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(FAULTS))
    running = Decoder(children=2)
    try:
        for _ in range(3):
            running.preprocess(GOOD, SPEC, Limits())
        assert len(running.pids) == 1
        with ThreadPoolExecutor(1) as pool:
            hanging = pool.submit(reason, running, HANG, Limits(decode_seconds=8.0))
            while len(running.pids) < 2:  # until the one that hangs has its child, whichever that is
                assert not hanging.done()
                running.preprocess(GOOD, SPEC, Limits())
            assert hanging.result() is Reason.DECODE_TIMEOUT
    finally:
        running.close()
    assert running.pids == ()


def test_a_child_gets_no_more_memory_than_it_was_given(decoder: Decoder) -> None:
    large = encoded(Image.new("RGB", (6000, 6000)))
    decoder.preprocess(large, SPEC, Limits(child_bytes=6000 * 6000 * 8))
    with pytest.raises(DecoderFailed, match="MemoryError"):
        decoder.preprocess(large, SPEC, Limits(child_bytes=6000 * 6000 * 3))
    decoder.preprocess(GOOD, SPEC, Limits(child_bytes=6000 * 6000 * 3))


def test_a_decoder_that_hangs_is_ended(decoder: Decoder) -> None:
    assert reason(decoder, HANG, Limits(decode_seconds=1.0)) is Reason.DECODE_TIMEOUT
    decoder.preprocess(GOOD, SPEC, Limits())


@pytest.mark.parametrize("data", [CRASH, NONSENSE], ids=["dies", "writes nonsense"])
def test_a_decoder_that_dies_or_lies_costs_that_picture(decoder: Decoder, data: bytes) -> None:
    assert reason(decoder, data) is Reason.DECODER_CRASHED
    decoder.preprocess(GOOD, SPEC, Limits())


def test_it_works_beside_thousands_of_open_files() -> None:
    """`select` knows no descriptor above 1,023."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    opened = [os.open(os.devnull, os.O_RDONLY) for _ in range(1100)]
    child = Decoder()
    try:
        assert max(opened) > 1024
        assert child.preprocess(encoded(photo()), SPEC, Limits())[0].format == "PNG"
    finally:
        child.close()
        for descriptor in opened:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_running_out_of_memory_is_a_failure_of_ours(decoder: Decoder) -> None:
    with pytest.raises(DecoderFailed, match="MemoryError"):
        decoder.preprocess(MEMORY, SPEC, Limits())
    decoder.preprocess(GOOD, SPEC, Limits())


def test_a_missing_library_is_a_failure_of_ours(decoder: Decoder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_NO_PILLOW", "1")
    for _ in range(2):
        with pytest.raises(DecoderFailed, match="does not start"):
            decoder.preprocess(GOOD, SPEC, Limits())
    monkeypatch.delenv("TEST_NO_PILLOW")
    decoder.preprocess(GOOD, SPEC, Limits())


def test_a_child_killed_from_outside_costs_nothing(decoder: Decoder) -> None:
    for _ in range(3):
        decoder.preprocess(GOOD, SPEC, Limits())
        assert decoder.pid is not None
        os.kill(decoder.pid, signal.SIGKILL)
    decoder.preprocess(GOOD, SPEC, Limits())


def test_a_hundred_megapixels_fit_in_bounded_memory(decoder: Decoder) -> None:
    """A baseline JPEG is scaled while it is decoded: the child grows by little more than the file."""
    large = encoded(photo(500, 500).resize((10_000, 10_000)), "JPEG", quality=85)
    decoder.preprocess(GOOD, SPEC, Limits())
    before = peak_mb(decoder)
    image, pixels = decoder.preprocess(large, SPEC, Limits())
    assert (image.width, image.height) == (10_000, 10_000)
    _, small = preprocess(encoded(photo(500, 500), "JPEG", quality=95), SPEC, Limits())
    assert np.abs(pixels.astype(int) - small).mean() < 3
    assert peak_mb(decoder) - before < 60 + len(large) / 1e6


def test_a_turned_picture_in_colour_is_held_twice_at_most(decoder: Decoder) -> None:
    """Once as it is decoded and once as it is turned, each 4 bytes a pixel; not as it was stored beside both."""
    side = 5000
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    large = encoded(Image.new("RGB", (side, side), "red"), exif=exif)
    decoder.preprocess(GOOD, SPEC, Limits())
    before = peak_mb(decoder)
    decoder.preprocess(large, ImageSpec(64, 64, 3, 1.0), Limits())
    strips_mb = 48
    assert peak_mb(decoder) - before < 8 * side**2 / 2**20 + strips_mb


def peak_mb(decoder: Decoder) -> float:
    status = Path(f"/proc/{decoder.pid}/status")
    if not status.exists():
        pytest.skip("this system does not tell a process's peak memory")
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def test_a_rendition_is_upright_in_colour_and_small(decoder: Decoder) -> None:
    turned = photo().transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    pixels = decoder.rendition(encoded(turned, exif=exif), 40, Limits())
    expected = photo()
    expected.thumbnail((40, 40))
    assert pixels.shape == (expected.height, expected.width, 3)
    assert np.abs(pixels.astype(int) - np.asarray(expected.convert("RGB"))).mean() < 12
    assert decoder.rendition(GOOD, 10_000, Limits()).shape[:2] == (photo().height, photo().width)
    with pytest.raises(PictureError):
        decoder.rendition(b"no picture", 40, Limits())
