"""Makes the decode child misbehave for pictures that carry a mark. Only tests put this folder on the path."""

import os
import signal
import sys
from types import ModuleType
from typing import Any, cast

if "preprocess.child" in sys.orig_argv and "TEST_NO_PILLOW" in os.environ:
    sys.modules["PIL"] = cast(ModuleType, None)
elif "preprocess.child" in sys.orig_argv:
    from PIL import Image

    _open = Image.open

    def _misbehave(stream: Any, *args: Any, **options: Any) -> Image.Image:
        data = stream.getvalue()
        if data.endswith(b"TEST:HANG"):
            while True:
                pass
        if data.endswith(b"TEST:CRASH"):
            os.kill(os.getpid(), signal.SIGSEGV)
        if data.endswith(b"TEST:NONSENSE"):
            for descriptor in range(3, 20):
                try:
                    os.write(descriptor, b"nonsense" * 10)
                except OSError:
                    continue
        if data.endswith(b"TEST:MEMORY"):
            bytearray(10**13)
        return _open(stream, *args, **options)

    setattr(Image, "open", _misbehave)  # noqa: B010 - its type is Pillow's own business
