"""What a record keeps of a camera's data, and what it never keeps."""

import pytest
from PIL import Image

from preprocess import ImageSpec, Limits, preprocess
from unit.pictures import encoded, photo

GRAY = ImageSpec(224, 224, 1, 0.875)


def camera_exif() -> Image.Exif:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Canon\0", "EOS R5"
    exif[0x013B] = "Owner Name"
    ifd = exif.get_ifd(0x8769)
    ifd[0x9003] = "2026:04:20 17:26:06"
    ifd[0x829A] = 0.004
    ifd[0xA431] = "SERIAL-123"
    ifd[0x927C] = b"MAKERNOTE-SECRET"
    gps = exif.get_ifd(0x8825)
    gps[1], gps[2] = "N", (52.0, 31.0, 12.0)
    return exif


def test_metadata_is_an_allowlist() -> None:
    data = encoded(photo(), "JPEG", exif=camera_exif(), comment=b"COMMENT-SECRET")
    info, _ = preprocess(data, GRAY, Limits())
    assert info.metadata["Make"] == "Canon"
    assert info.metadata["ExposureTime"] == pytest.approx(0.004)
    assert info.metadata["jfif_version"] == [1, 1]
    assert info.taken_at == "2026-04-20T17:26:06"
    kept = str(info)
    for secret in ("SERIAL", "MAKERNOTE", "Owner", "COMMENT", "GPS", "52.0"):
        assert secret not in kept


def test_location_is_kept_where_a_setting_asks_for_it() -> None:
    data = encoded(photo(), "JPEG", exif=camera_exif())
    info, _ = preprocess(data, GRAY, Limits(keep_location=True))
    assert info.metadata["GPSLatitude"] == [52.0, 31.0, 12.0]


def test_metadata_stops_at_its_limit() -> None:
    data = encoded(photo(), "JPEG", exif=camera_exif())
    info, _ = preprocess(data, GRAY, Limits(max_metadata_bytes=60))
    assert 0 < len(info.metadata) < 5
