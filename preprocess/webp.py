"""Reads the size of a WebP picture from its first bytes, since its decoder allocates memory before it tells the
size."""


def canvas_size(data: bytes) -> tuple[int, int] | None:
    """(width, height) in pixels; None if the header is not understood, and the decoder will say what is wrong.

    Layout: https://developers.google.com/speed/webp/docs/riff_container and RFC 9649.
    """
    kind = data[12:16]
    if kind == b"VP8X" and len(data) >= 30:
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if kind == b"VP8L" and len(data) >= 25:
        bits = int.from_bytes(data[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + ((bits >> 14) & 0x3FFF)
    if kind == b"VP8 " and len(data) >= 30:
        return int.from_bytes(data[26:28], "little") & 0x3FFF, int.from_bytes(data[28:30], "little") & 0x3FFF
    return None
