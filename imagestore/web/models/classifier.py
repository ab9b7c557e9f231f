"""Classifies pictures for whoever asks the web app, and keeps nothing of them.

That is done by one child process, which has bounds on time and memory, with models that a job has admitted.
The child is `imagestore/web/models/model_child.py`. It holds the models that were asked for last, as far as they fit.
"""

import contextlib
import hashlib
import os
import subprocess
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from classify import ModelDescription, ModelError, Prediction, Vector
from classify.model import MAX_MODEL_BYTES
from imagestore.decoding import decode
from imagestore.errors import Busy, NotFound
from imagestore.pipeline.models.model_cache import MEMORY_SHARE
from imagestore.pipeline.models.projects import demand_admitted
from imagestore.pipeline.rendition import Renderer
from imagestore.store import Stores
from imagestore.web.models.model_child import CLASSIFY, DROP, LENGTH_BYTES, LOAD, WHY, ChildAnswer
from preprocess import ImageInfo, ImageSpec

LOAD_SECONDS = 90.0
PICTURE_SECONDS = 30.0
MEMORY_BYTES = 3 * 2**29
"""How much memory the child may take besides twice what its models may."""
_MOST_WAITING = 8
_PATIENCE_S = 20.0
_MOST_LINE_BYTES = 2**26


@dataclass(frozen=True)
class Version:
    """A version of a model, and the SHA-256 of its file where that is known beforehand."""

    project: str
    version: str
    sha256: str | None = None


@dataclass(frozen=True)
class Classified:
    """What a model says of a picture, with all labels in `top`, the likeliest first, and what the picture is.
    `knows_negatives` tells that the model learned from pictures that show none of the labels. `vector` is the
    picture's, of a model that gives features."""

    image: ImageInfo
    prediction: Prediction
    knows_negatives: bool = False
    vector: Vector | None = None


@dataclass(frozen=True)
class Explained:
    """What a model says of a picture, with all labels in `top`, and what each place of the picture adds to the logit of
    one label: rows of columns, from the top left (classify/places.py)."""

    prediction: Prediction
    vector: Vector | None
    label: str
    shares: list[list[float]]


@dataclass(frozen=True)
class _Loaded:
    """A model that the child has loaded, and how many bytes of memory it may take."""

    key: bytes
    model: ModelDescription
    size_bytes: int
    knows_negatives: bool


class Classifier:
    """Classifies pictures one at a time. Safe to use from many threads."""

    def __init__(
        self, stores: Stores, renderer: Renderer, default: Path, most_bytes: int, seconds: float = PICTURE_SECONDS
    ) -> None:
        """`default` is the file of the model that came with the app; loaded models take at most `most_bytes`."""
        self._stores = stores
        self._renderer = renderer
        self._default = default
        self._most_bytes = most_bytes
        self._seconds = seconds
        self._turn = threading.Lock()
        self._waiting = threading.BoundedSemaphore(_MOST_WAITING)
        self._hashes: dict[tuple[str, str], bytes] = {}
        self._loaded: OrderedDict[bytes, _Loaded] = OrderedDict()
        self._child: subprocess.Popen[bytes] | None = None

    def classify(self, data: bytes, version: Version | None) -> Classified:
        """What this version says of the picture in the file `data`; None is the model that came with the app.

        Raises PictureError if it is no picture that can be read, NotFound if there is no such version, Conflict if no
        job has admitted it, ModelError if it cannot answer, Busy, Unavailable or DecoderFailed.
        """
        if not self._waiting.acquire(blocking=False):
            raise _busy()
        try:
            with self._alone():
                spec = self._ready(version).model.spec
            image, pixels = self._renderer.pixels(data, spec)
            with self._alone():
                loaded = self._ready(version)
                answer = self._answered(CLASSIFY, loaded.key, pixels)
                assert answer.prediction is not None
                return Classified(image, answer.prediction, loaded.knows_negatives, answer.vector)
        finally:
            self._waiting.release()

    def explain(
        self,
        version: Version | None,
        label: str | None,
        seen: Callable[[ImageSpec], tuple[ImageInfo, np.ndarray]],
    ) -> tuple[ImageInfo, ImageSpec, Explained]:
        """Where in a picture this version's `label` comes from, or with None the one that it answers. `seen` brings the
        picture into the form that the model takes.

        Raises what `classify` raises; NotFound if the model has no such label or the version's file is another by now,
        ModelError if its file does not say where a label comes from.
        """
        if not self._waiting.acquire(blocking=False):
            raise _busy()
        try:
            with self._alone():
                model = self._ready(version).model
            if version is not None and version.sha256 not in (None, model.ref.sha256):
                raise NotFound(f"The model {version.project} {version.version} has another file by now.")
            if label is not None and label not in model.answers:
                raise NotFound(f"The model {model.ref.name} {model.ref.version} has no label '{label}'.")
            image, pixels = seen(model.spec)
            with self._alone():
                answer = self._answered(WHY, self._ready(version).key, pixels, (label or "").encode())
            assert answer.prediction is not None
            if answer.places is None:
                raise ModelError("The model gave no places.")
            said = label or answer.prediction.label
            return image, model.spec, Explained(answer.prediction, answer.vector, said, answer.places)
        finally:
            self._waiting.release()

    def describe(self, version: Version) -> ModelDescription:
        """What this version's model says of itself.

        Raises NotFound if there is no such version, Conflict if no job has admitted it, ModelError if it cannot be
        used, Busy or Unavailable.
        """
        with self._alone():
            return self._ready(version).model

    @property
    def shipped(self) -> Path:
        """The file of the model that came with the app."""
        return self._default

    def close(self) -> None:
        """End the child."""
        with self._turn:
            self._end()

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        if not self._turn.acquire(timeout=_PATIENCE_S):
            raise _busy()
        try:
            yield
        finally:
            self._turn.release()

    def _ready(self, version: Version | None) -> _Loaded:
        """The version's model, which the child has loaded."""
        known = self._hashes.get((version.project, version.version) if version else ("", ""))
        if self._child is not None and self._child.poll() is not None:
            self._end()
        if known is not None and known in self._loaded:
            self._loaded.move_to_end(known)
            return self._loaded[known]
        data = self._admitted(version)
        key = hashlib.sha256(data).digest()
        self._make_room(len(data) * MEMORY_SHARE)
        answer = self._ask(LOAD, key, data, LOAD_SECONDS)
        if answer.model is None:
            raise ModelError("The model was not loaded.")
        self._hashes[(version.project, version.version) if version else ("", "")] = key
        negatives = self._knows_negatives(version, answer.model)
        self._loaded[key] = _Loaded(key, answer.model, len(data) * MEMORY_SHARE, negatives)
        return self._loaded[key]

    def _knows_negatives(self, version: Version | None, model: ModelDescription) -> bool:
        """Whether it learned from pictures of none of the labels; where several may hold, its report alone says so."""
        if model.has_rest or version is None or not model.has_several:
            return model.has_rest
        figures = self._stores.models.figures(version.project, version.version)
        return bool(figures and figures["metrics"].get("without"))

    def _admitted(self, version: Version | None) -> bytes:
        if version is None:
            return self._default.read_bytes()
        if version.sha256 is not None and self._default.is_file():
            shipped = self._default.read_bytes()
            if hashlib.sha256(shipped).hexdigest() == version.sha256:
                return shipped
        data = self._stores.models.read(version.project, version.version, max_bytes=MAX_MODEL_BYTES)
        sha256 = hashlib.sha256(data).hexdigest()
        if version.sha256 != sha256:  # a promotion has looked at a live one
            demand_admitted(self._stores, version.project, version.version, sha256)
        return data

    def _make_room(self, size: int) -> None:
        while self._loaded and size + sum(one.size_bytes for one in self._loaded.values()) > self._most_bytes:
            gone, _ = self._loaded.popitem(last=False)
            self._ask(DROP, gone, b"", self._seconds)

    def _answered(self, what: bytes, key: bytes, pixels: np.ndarray, label: bytes = b"") -> ChildAnswer:
        """What the child says of a picture; it has a prediction."""
        answer = self._ask(what, key, np.ascontiguousarray(pixels, np.uint8).tobytes() + label, self._seconds)
        if answer.prediction is None:
            raise ModelError("The model gave no answer.")
        return answer

    def _ask(self, what: bytes, key: bytes, data: bytes, seconds: float) -> ChildAnswer:
        child = self._child = self._child or self._started()
        assert child.stdin is not None
        assert child.stdout is not None
        is_late = threading.Event()

        def end() -> None:
            is_late.set()
            child.kill()

        timer = threading.Timer(seconds, end)
        timer.daemon = True
        timer.start()
        try:
            child.stdin.write(what + key + len(data).to_bytes(LENGTH_BYTES, "big") + data)
            child.stdin.flush()
            answer = decode(child.stdout.readline(_MOST_LINE_BYTES), ChildAnswer)
        except (OSError, msgspec.MsgspecError):
            self._end()
            why = f"it takes longer than {seconds:g} s" if is_late.is_set() else "the process that ran it ended"
            raise ModelError(f"The model cannot be used: {why}.") from None
        finally:
            timer.cancel()
        if answer.problem is not None:
            raise ModelError(answer.problem)
        return answer

    def _started(self) -> subprocess.Popen[bytes]:
        memory = MEMORY_BYTES + 2 * self._most_bytes
        command = [sys.executable, "-m", "imagestore.web.models.model_child", str(memory), str(self._seconds)]
        places = os.pathsep.join(dict.fromkeys(os.path.abspath(place) for place in sys.path))
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONPATH": places}
        return subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def _end(self) -> None:
        child, self._child = self._child, None
        self._loaded.clear()
        if child is None:
            return
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            with contextlib.suppress(OSError):
                assert pipe is not None
                pipe.close()


def _busy() -> Busy:
    return Busy("Too many pictures are being classified just now. Ask again in a moment.")
