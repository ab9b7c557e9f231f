"""What a picture may cost: each limit is checked before the cost, and named."""

import pytest
from PIL import Image

from preprocess import ImageSpec, Limits, PictureError, Reason, preprocess
from unit.gallery import ALL, HEIGHT, WIDTH
from unit.pictures import encoded, photo

SPEC = ImageSpec(224, 224, 1, 0.875)


def reason(data: bytes, limits: Limits | None = None) -> Reason:
    with pytest.raises(PictureError) as caught:
        preprocess(data, SPEC, limits or Limits())
    return caught.value.reason


def test_limits_name_the_value_the_limit_and_the_setting() -> None:
    with pytest.raises(PictureError, match=r"320 × 240 = 0\.0768 MP; the limit is 0\.05 MP \(MAX_PIXELS\)") as caught:
        preprocess(encoded(photo(320, 240)), SPEC, Limits(max_pixels=50_000))
    assert caught.value.reason is Reason.TOO_MANY_PIXELS
    assert reason(encoded(photo(7, 400)), Limits(min_side=8)) is Reason.TOO_SMALL


def test_a_format_that_needs_more_memory_has_a_limit_of_its_own() -> None:
    own = Limits(max_pixels=100_000, max_pixels_by_format={"WEBP": 50_000, "PNG": 200_000})
    image = photo(300, 200)
    with pytest.raises(PictureError) as caught:
        preprocess(encoded(image, "WEBP", lossless=True), SPEC, own)
    assert caught.value.detail == "300 × 200 = 0.06 MP; the limit for WEBP is 0.05 MP (MAX_PIXELS_BY_FORMAT)."
    assert preprocess(encoded(image), SPEC, own)[0].format == "PNG"
    with pytest.raises(PictureError, match=r"the limit is 0\.1 MP \(MAX_PIXELS\)"):
        preprocess(encoded(photo(400, 300)), SPEC, own)


def test_a_bomb_is_rejected_before_it_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(self: Image.Image) -> None:
        raise AssertionError("decoded")

    bomb = encoded(Image.new("1", (20_000, 20_000)))
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", explode)
    assert reason(bomb) is Reason.TOO_MANY_PIXELS


def test_a_bomb_of_any_format_costs_nothing() -> None:
    """One whose header promises too many pixels is rejected by its header."""
    limits = Limits(max_pixels=WIDTH * HEIGHT - 1)
    for kind, make in ALL.items():
        with pytest.raises(PictureError) as caught:
            preprocess(make(), SPEC, limits)
        assert caught.value.reason is Reason.TOO_MANY_PIXELS, kind
