"""Seeded damage to a picture file: to bytes, to chunks, to the container."""

import random
import zlib
from collections.abc import Callable

_PNG = b"\x89PNG\r\n\x1a\n"
_INTERESTING = (0, 1, 0x7F, 0x80, 0xFF)
_HEAD_KEPT = 12
"""Most damage spares the signature, so that the file reaches its decoder."""


def mutate(data: bytes, random: random.Random) -> bytes:
    """The file with one to four kinds of damage."""
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        data = random.choice(_DAMAGES)(data, random) or data
    return with_true_checksums(data) if data.startswith(_PNG) and random.random() < 0.7 else data


def with_true_checksums(png: bytes) -> bytes:
    """A PNG whose chunks' checksums fit again, so that damage reaches what lies behind them."""
    out, at = bytearray(png[: len(_PNG)]), len(_PNG)
    while at + 12 <= len(png):
        length = int.from_bytes(png[at : at + 4], "big")
        body = png[at + 4 : at + 8 + length]
        out += png[at : at + 4] + body + zlib.crc32(body).to_bytes(4, "big")
        at += 12 + length
    return bytes(out + png[at:])


def _at(data: bytes, random: random.Random) -> int:
    start = 0 if random.random() < 0.05 else min(_HEAD_KEPT, len(data) - 1)
    in_header = random.random() < 0.5
    return random.randrange(start, max(start + 1, min(len(data), 200) if in_header else len(data)))


def _flip_bits(data: bytes, random: random.Random) -> bytes:
    out = bytearray(data)
    for _ in range(random.choice((1, 2, 8, 64))):
        out[_at(data, random)] ^= 1 << random.randrange(8)
    return bytes(out)


def _set_bytes(data: bytes, random: random.Random) -> bytes:
    out = bytearray(data)
    for _ in range(random.choice((1, 4, 16))):
        out[_at(data, random)] = random.choice(_INTERESTING)
    return bytes(out)


def _set_number(data: bytes, random: random.Random) -> bytes:
    size, value = random.choice((2, 4)), random.choice((0, 1, 2**15, 2**16 - 1, 2**31 - 1, 2**32 - 1, 40_000))
    number = (value % (1 << (8 * size))).to_bytes(size, random.choice(("big", "little")))
    at = _at(data, random)
    return data[:at] + number + data[at + size :]


def _truncate(data: bytes, random: random.Random) -> bytes:
    return data[: max(_HEAD_KEPT + 4, _at(data, random))]


def _cut(data: bytes, random: random.Random) -> bytes:
    at = _at(data, random)
    return data[:at] + data[at + random.choice((1, 2, 4, 16, 256)) :]


def _repeat(data: bytes, random: random.Random) -> bytes:
    at, length = _at(data, random), random.choice((1, 4, 16, 256, 4096))
    return data[:at] + data[at : at + length] * random.choice((2, 3, 10)) + data[at + length :]


def _swap(data: bytes, random: random.Random) -> bytes:
    first, second, length = _at(data, random), _at(data, random), random.choice((4, 16, 64))
    first, second = sorted((first, second))
    if second < first + length:
        return data
    between = data[first + length : second]
    return (
        data[:first] + data[second : second + length] + between + data[first : first + length] + data[second + length :]
    )


def _append(data: bytes, random: random.Random) -> bytes:
    return data + random.randbytes(random.choice((1, 100, 10_000)))


_DAMAGES: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    _flip_bits, _set_bytes, _set_number, _truncate, _cut, _repeat, _swap, _append,
)  # fmt: skip
