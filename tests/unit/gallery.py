"""One picture of each kind that is read, made here; what Pillow cannot write is written by hand or by pillow-heif."""

import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
import pillow_heif
from PIL import Image

from unit.pictures import encoded, photo

WIDTH, HEIGHT = 96, 72
SOURCE = photo(WIDTH, HEIGHT)
GRAY = SOURCE.convert("L")


def _frames(count: int = 3) -> list[Image.Image]:
    return [photo(WIDTH, HEIGHT, seed=seed) for seed in range(1, count)]


def _heif(**options: object) -> bytes:
    out = io.BytesIO()
    pillow_heif.from_pillow(SOURCE).save(out, **options)
    return out.getvalue()


def _sixteen_bit_gray() -> np.ndarray:
    return np.asarray(GRAY, np.uint16) * 257


def chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(samples: np.ndarray, bits: int, colour_type: int, *, interlaced: bool = False) -> bytes:
    """A PNG of big-endian samples [height, width, channels], written by hand."""
    height, width = samples.shape[:2]

    def rows(part: np.ndarray) -> bytes:
        return b"".join(b"\0" + row.tobytes() for row in part)

    passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
    parts = [samples[top::down, left::right] for top, left, down, right in passes] if interlaced else [samples]
    data = b"".join(rows(part) for part in parts if part.size)
    head = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, int(interlaced))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


def _rgb16(interlaced: bool = False) -> bytes:
    return png((np.asarray(SOURCE).astype(">u2") * 257).astype(">u2"), 16, 2, interlaced=interlaced)


def _lossless() -> dict[str, Callable[[], bytes]]:
    alpha = SOURCE.convert("RGBA")
    return {
        "JPEG lossless": lambda: lossless_jpeg(np.asarray(SOURCE)),
        "PNG": lambda: encoded(SOURCE),
        "PNG alpha": lambda: encoded(alpha),
        "PNG 16 bit": _rgb16,
        "PNG interlaced": lambda: png(np.asarray(SOURCE), 8, 2, interlaced=True),
        "PNG 16 bit interlaced": lambda: _rgb16(interlaced=True),
        "PNG animated": lambda: encoded(SOURCE, save_all=True, append_images=_frames()),
        "WEBP lossless": lambda: encoded(SOURCE, "WEBP", lossless=True),
        "WEBP alpha": lambda: encoded(alpha, "WEBP", lossless=True, exact=True),
        "WEBP animated": lambda: encoded(SOURCE, "WEBP", lossless=True, save_all=True, append_images=_frames()),
        "TIFF": lambda: encoded(SOURCE, "TIFF"),
        "TIFF LZW": lambda: encoded(SOURCE, "TIFF", compression="tiff_lzw"),
        "TIFF Deflate": lambda: encoded(SOURCE, "TIFF", compression="tiff_adobe_deflate"),
        "TIFF PackBits": lambda: encoded(SOURCE, "TIFF", compression="packbits"),
        "TIFF Zstandard": lambda: encoded(SOURCE, "TIFF", compression="zstd"),
        "TIFF big": lambda: encoded(SOURCE, "TIFF", big_tiff=True),
        "TIFF alpha": lambda: encoded(alpha, "TIFF"),
        "TIFF pages": lambda: encoded(SOURCE, "TIFF", save_all=True, append_images=_frames()),
        "BMP": lambda: encoded(SOURCE, "BMP"),
        "BMP 32 bit": lambda: encoded(alpha, "BMP"),
        "JPEG2000": lambda: encoded(SOURCE, "JPEG2000", irreversible=False),
        "JPEG2000 stream": lambda: encoded(SOURCE, "JPEG2000", irreversible=False, no_jp2=True),
        "JPEG2000 alpha": lambda: encoded(alpha, "JPEG2000", irreversible=False),
    }


def _gray() -> dict[str, Callable[[], bytes]]:
    deep = _sixteen_bit_gray()
    return {
        "PNG gray": lambda: encoded(GRAY),
        "PNG gray alpha": lambda: encoded(GRAY.convert("LA")),
        "PNG gray 16 bit": lambda: encoded(Image.fromarray(deep)),
        "PNG palette": lambda: encoded(GRAY.convert("P")),
        "TIFF gray": lambda: encoded(GRAY, "TIFF"),
        "TIFF gray 16 bit": lambda: encoded(Image.fromarray(deep), "TIFF"),
        "TIFF gray 32 bit": lambda: encoded(Image.fromarray(deep.astype(np.int32)), "TIFF"),
        "TIFF float": lambda: encoded(Image.fromarray(np.asarray(GRAY, np.float32) / 255), "TIFF"),
        "TIFF float of bytes": lambda: encoded(Image.fromarray(np.asarray(GRAY, np.float32)), "TIFF"),
        "BMP gray": lambda: encoded(GRAY, "BMP"),
        "GIF": lambda: encoded(GRAY, "GIF"),
        "GIF animated": lambda: encoded(GRAY, "GIF", save_all=True, append_images=[f.convert("L") for f in _frames()]),
        "JPEG2000 gray 16 bit": lambda: encoded(Image.fromarray(deep), "JPEG2000", irreversible=False),
    }


def _lossy() -> dict[str, Callable[[], bytes]]:
    return {
        "JPEG": lambda: encoded(SOURCE, "JPEG", quality=97),
        "JPEG progressive": lambda: encoded(SOURCE, "JPEG", quality=97, progressive=True),
        "JPEG gray": lambda: encoded(GRAY, "JPEG", quality=97),
        "JPEG CMYK": lambda: encoded(SOURCE.convert("CMYK"), "JPEG", quality=97),
        "JPEG multi-picture": lambda: encoded(SOURCE, "MPO", quality=97, save_all=True, append_images=_frames()),
        "WEBP": lambda: encoded(SOURCE, "WEBP", quality=97),
        "AVIF": lambda: encoded(SOURCE, "AVIF", quality=97),
        "AVIF sequence": lambda: encoded(SOURCE, "AVIF", quality=97, save_all=True, append_images=_frames()),
        "HEIF": lambda: _heif(quality=97),
        "TIFF JPEG": lambda: encoded(SOURCE, "TIFF", compression="jpeg", quality=97),
        "TIFF CMYK": lambda: encoded(SOURCE.convert("CMYK"), "TIFF"),
        "JPEG2000 lossy": lambda: encoded(SOURCE, "JPEG2000", irreversible=True, quality_layers=[3]),
        "BMP RLE": lambda: rle_bmp(),
    }


def rle_bmp() -> bytes:
    """The gray picture as a run-length encoded BMP, written by hand."""
    body = b"".join(
        b"".join(bytes((1, value)) for value in row) + b"\0\0" for row in np.asarray(GRAY)[::-1].tolist()
    ) + b"\0\1"  # fmt: skip
    palette = b"".join(bytes((v, v, v, 0)) for v in range(256))
    offset = 14 + 40 + len(palette)
    info = struct.pack("<IiiHHIIiiII", 40, WIDTH, HEIGHT, 1, 8, 1, len(body), 0, 0, 256, 0)
    return b"BM" + struct.pack("<IHHI", offset + len(body), 0, 0, offset) + info + palette + body


def lossless_jpeg(samples: np.ndarray) -> bytes:
    """A lossless JPEG (SOF3) of uint8 [height, width, 3], written by hand: ITU-T T.81, annex H, predictor 1."""
    height, width, channels = samples.shape
    values = samples.astype(int)
    predicted = np.empty_like(values)
    predicted[:, 1:] = values[:, :-1]
    predicted[1:, 0] = values[:-1, 0]
    predicted[0, 0] = 128
    bits = []
    for difference in (values - predicted).ravel().tolist():
        category = abs(difference).bit_length()
        bits.append(f"{category:04b}")  # nine codes of four bits each
        if category:
            bits.append(f"{difference if difference > 0 else difference + (1 << category) - 1:0{category}b}")
    stream = "".join(bits)
    stream += "1" * (-len(stream) % 8)
    body = int(stream, 2).to_bytes(len(stream) // 8, "big").replace(b"\xff", b"\xff\0")

    def segment(marker: int, data: bytes) -> bytes:
        return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data

    components = range(1, channels + 1)
    frame = struct.pack(">BHHB", 8, height, width, channels) + b"".join(bytes((c, 0x11, 0)) for c in components)
    codes = bytes((0, 0, 0, 0, 9, *[0] * 12, *range(9)))
    scan = bytes((channels,)) + b"".join(bytes((c, 0)) for c in components) + bytes((1, 0, 0))
    return b"\xff\xd8" + segment(0xC3, frame) + segment(0xC4, codes) + segment(0xDA, scan) + body + b"\xff\xd9"


LOSSLESS, GRAYS, LOSSY = _lossless(), _gray(), _lossy()
ALL = {**LOSSLESS, **GRAYS, **LOSSY}
ANIMATED = {"PNG animated", "WEBP animated", "TIFF pages", "GIF animated", "JPEG multi-picture", "AVIF sequence"}
