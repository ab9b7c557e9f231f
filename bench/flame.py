"""A flame graph of a worker under load: `python -m bench.flame` writes docs/flame.svg.

py-spy looks at a worker a hundred times a second while pictures go through the local stack; the wider a function is
drawn, the more often it was at work. Waiting is not counted. The drawing has a title on each part, and no scripts.
"""

import argparse
import contextlib
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

from bench import processes
from bench.__main__ import PHOTO, throughput
from imagestore.configure import open_stores
from imagestore.local.ports import Ports
from imagestore.local.supervisor import Options, Stack
from imagestore.settings import ROOT

DRAWING = ROOT / "docs" / "flame.svg"
_ROOT = "serve"
"""Above it there is only what starts a worker's threads."""
_WIDTH, _ROW, _LETTER = 1200.0, 17, 6.2
_LEAST = 0.004
"""The share of all below which a part is left out."""
_FRAME = re.compile(r"(?P<function>.+) \((?P<file>.+?)(:\d+)?\)")
_COLOURS = {
    "imagestore": "#e6a157",
    "preprocess": "#e6a157",
    "classify": "#e6a157",
    "core/": "#7ba7c7",  # of the namespace package azure, py-spy names what is within
    "cosmos/": "#7ba7c7",
    "storage/": "#7ba7c7",
    "http": "#9ec49b",
}


@dataclass
class Frame:
    """A function, how often it was at work, and what it called, by name."""

    name: str
    count: int = 0
    inner: "dict[str, Frame]" = field(default_factory=dict)

    def add(self, stack: list[str], count: int) -> None:
        """Count what was seen: a stack of functions below this one."""
        self.count += count
        if stack:
            self.inner.setdefault(stack[0], Frame(stack[0])).add(stack[1:], count)

    def depth(self, least: float) -> int:
        """How many rows it takes without what was seen more rarely than `least` times."""
        return 1 + max((one.depth(least) for one in self.inner.values() if one.count >= least), default=0)


def tree(lines: Iterable[str]) -> Frame:
    """The stacks that py-spy writes, in its raw form, from the function app's call on; a function that calls itself is
    drawn once."""
    root = Frame("a worker")
    for line in lines:
        text, _, count = line.rpartition(" ")
        names = [_shown(frame) for frame in text.split(";")]
        start = next((at for at, name in enumerate(names) if name.endswith(_ROOT)), None)
        if start is not None:
            stack = names[start + 1 :]
            root.add([name for at, name in enumerate(stack) if at == 0 or name != stack[at - 1]], int(count))
    return root


def _shown(frame: str) -> str:
    found = _FRAME.fullmatch(frame)
    if found is None:
        return frame
    return f"{Path(found['file']).with_suffix('').as_posix()}: {found['function'].rpartition('<locals>.')[2]}"


def drawing(root: Frame) -> str:
    """The flame graph as SVG, what was called first on top."""
    least = root.count * _LEAST
    height = _ROW * root.depth(least)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH:.0f} {height}" font-family="monospace" '
        'font-size="10" role="img">\n<title>Where a worker is at work</title>\n'
        + "\n".join(_drawn(root, 0.0, 0, root.count, least))
        + "\n</svg>\n"
    )


def _drawn(frame: Frame, x: float, row: int, total: int, least: float) -> Iterator[str]:
    width, y = _WIDTH * frame.count / total, row * _ROW
    said = f"{frame.name} {100 * frame.count / total:.1f} %"
    room = int(width / _LETTER)
    short = frame.name.rpartition(": ")[2]
    text = f'<text x="{x + 2:.1f}" y="{y + 12}">{escape(short[:room])}</text>' if room > 3 else ""
    colour = next((shade for part, shade in _COLOURS.items() if frame.name.startswith(part)), "#d9d9d9")
    yield (
        f'<g><title>{escape(said)}</title><rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{_ROW - 1}" '
        f'fill="{colour}"/>{text}</g>'
    )
    for one in sorted(frame.inner.values(), key=lambda one: one.name):
        if one.count >= least:
            yield from _drawn(one, x, row + 1, total, least)
        x += _WIDTH * one.count / total


def measure(count: int) -> Frame:
    """Put pictures through a stack with one worker, and look at it."""
    photo = PHOTO.read_bytes()
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as ending:
        options = Options(ports=Ports.from_base(24400), folder=Path(folder), workers=1)
        stack = ending.enter_context(Stack(options))
        stack.start(lambda what: None)
        stores = open_stores(stack.environment)
        throughput(stores, photo, 50)
        (worker,) = processes.children(stack.processes["host"].pid or 0)
        seen, tool = Path(folder) / "seen", Path(sys.executable).with_name("py-spy")
        command = [str(tool), "record", "--pid", str(worker), "--rate", "100", "--format", "raw", "--nonblocking"]
        looking = subprocess.Popen(
            [*command, "--output", str(seen)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )  # until it is told to end
        throughput(stores, photo, count)
        looking.send_signal(signal.SIGINT)
        looking.wait()
        return tree(seen.read_text("utf-8").splitlines())


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m bench.flame", description=__doc__)
    parser.add_argument("--count", type=int, default=400, help="pictures")
    root = measure(parser.parse_args().count)
    DRAWING.write_text(drawing(root), "utf-8")
    print(f"{DRAWING}: {root.count} looks")


if __name__ == "__main__":
    main()
