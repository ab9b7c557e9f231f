"""Where the processor time of one picture goes: `python -m bench.stages` measures both steps of one picture after the
other, in this process, and draws docs/stages.svg.

Each part is what this thread takes in one function, without the parts within it; the decode child's time is its own.
"""

import argparse
import collections
import functools
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from html import escape
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

import onnxruntime

from bench import processes
from imagestore.configure import context_of
from imagestore.local.ports import Ports
from imagestore.local.supervisor import Options, Stack
from imagestore.pipeline import classify_staged as steps_classify
from imagestore.pipeline import preprocess_upload as steps_preprocess
from imagestore.settings import ROOT
from imagestore.store import Blobs, Records
from preprocess import Decoder

PHOTO = ROOT / "samples" / "palace.jpg"
DRAWING = ROOT / "docs" / "stages.svg"
_WARM_UP = 20
_WIDTH, _BAR, _LINE = 760, 46, 20
_COLOURS = (
    "#1f6f8b", "#99a8b2", "#e6a157", "#5c8a4c", "#b65d5d", "#7a6aa8", "#c9b458", "#4aa3a2",
    "#8c6d46", "#d98ca6", "#5b6770",
)  # fmt: skip


class _Clock:
    """Seconds of this thread by part, without what was counted in the parts within."""

    def __init__(self) -> None:
        self.taken: dict[str, float] = collections.defaultdict(float)
        self._within = [0.0]

    def wrapped(self, part: str, call: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(call)
        def timed(*args: Any, **options: Any) -> Any:
            started = time.thread_time()
            self._within.append(0.0)
            try:
                return call(*args, **options)
            finally:
                took = time.thread_time() - started
                self.taken[part] += took - self._within.pop()
                self._within[-1] += took

        return timed


def _parts() -> Iterator[tuple[str, type | ModuleType, str]]:
    """What is measured: the part's name, and where its function stands."""
    import sys

    preprocess, classify = (sys.modules[step.__module__] for step in (steps_preprocess, steps_classify))
    yield "the model", onnxruntime.InferenceSession, "run"
    yield "record read", Records, "read"
    yield "record written", Records, "write"
    yield "upload looked at", Blobs, "stat"
    yield "upload tagged", Blobs, "tag"
    yield "blobs read", Blobs, "get"
    yield "staged picture and result written", Blobs, "overwrite"
    yield "staged picture and result written", Blobs, "put"
    yield "handing over to the decode child", Decoder, "preprocess"
    yield "PNG", preprocess, "write_staged"
    yield "PNG", classify, "open_staged"


@contextmanager
def _measured(clock: _Clock) -> Iterator[None]:
    with ExitStack() as stack:
        for part, place, name in _parts():
            stack.enter_context(patch.object(place, name, clock.wrapped(part, getattr(place, name))))
        yield


def measure(count: int) -> dict[str, float]:
    """Milliseconds of processor time a picture, by part, the dearest first."""
    photo = PHOTO.read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        options = Options(ports=Ports.from_base(24200), folder=Path(folder), with_host=False)
        with Stack(options) as stack:
            stack.start(lambda what: None)
            context = context_of({**os.environ, **stack.environment})
            clock, names = _Clock(), [f"stages/{number}.jpg" for number in range(count + _WARM_UP)]
            for name in names:
                context.stores.uploads.overwrite(name, photo, "image/jpeg")
            with _measured(clock):
                both = clock.wrapped("everything else", lambda name: _both(context, name))
                for name in names[:_WARM_UP]:
                    both(name)
                clock.taken.clear()
                child = context.decoder.pid or 0
                before = processes.taken(child)
                for name in names[_WARM_UP:]:
                    both(name)
                clock.taken["decoding, in the child"] = (processes.taken(child).cpu_ms - before.cpu_ms) / 1e3
            context.decoder.close()
    return {
        part: 1e3 * taken / count for part, taken in sorted(clock.taken.items(), key=lambda one: one[1], reverse=True)
    }


def _both(context: Any, name: str) -> None:
    steps_preprocess(context, name, by_event=True)
    steps_classify(context, name, by_event=True)


def drawing(parts: dict[str, float]) -> str:
    """A bar of all parts, with a line for each below, as SVG."""
    total, x = sum(parts.values()), 0.0
    height = _BAR + 24 + _LINE * len(parts)
    drawn = []
    for number, (part, took) in enumerate(parts.items()):
        colour, width = _COLOURS[number % len(_COLOURS)], _WIDTH * took / total
        said = f"{escape(part)}: {took:.2f} ms"
        y = _BAR + 16 + _LINE * number
        drawn += [
            f'<rect x="{x:.1f}" y="0" width="{width:.1f}" height="{_BAR}" fill="{colour}" stroke="#fff"><title>{said}'
            "</title></rect>",
            f'<rect x="0" y="{y}" width="12" height="12" fill="{colour}"/>',
            f'<text x="20" y="{y + 11}">{said}</text>',
        ]
        x += width
    body = "\n".join(drawn)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif" '
        f'font-size="13" fill="#333" role="img">\n<title>Processor time of one picture: {total:.1f} ms</title>\n'
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>\n{body}\n</svg>\n'
    )


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m bench.stages", description=__doc__)
    parser.add_argument("--count", type=int, default=300, help="pictures")
    parts = measure(parser.parse_args().count)
    for part, took in parts.items():
        print(f"{part:36}{took:6.2f} ms")
    print(f"{'all':36}{sum(parts.values()):6.2f} ms")
    DRAWING.write_text(drawing(parts), "utf-8")


if __name__ == "__main__":
    main()
