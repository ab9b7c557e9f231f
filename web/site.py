"""What the routes need, made once per process."""

import logging
import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from classify import Model
from errors import ModelError, StoreError
from pipeline.context import limits_of
from pipeline.live import Live
from pipeline.rendition import Renderer
from preprocess import Decoder
from settings import Settings, account
from store import Stores, open_stores
from web.follow import Follower
from web.index import Index
from web.jobs import Jobs

log = logging.getLogger("imagestore.web")
_SLOW_S = 60.0


class Hidden:
    """Pictures that are about to be deleted: lists leave them out. Known to this process alone."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def add(self, id: str, seconds: float) -> None:
        """Hide a picture until it is deleted, or longest for so long and a while."""
        self._until[id] = time.monotonic() + seconds + _SLOW_S

    def remove(self, id: str) -> None:
        """Show it again."""
        self._until.pop(id, None)

    @property
    def ids(self) -> tuple[str, ...]:
        """Those that are hidden now."""
        now = time.monotonic()
        self._until = {id: until for id, until in self._until.items() if until > now}
        return tuple(self._until)


class Recent:
    """The names of uploads that this process took in lately, for those that have no record yet."""

    def __init__(self, most: int = 10_000) -> None:
        self._names: OrderedDict[str, str] = OrderedDict()
        self._most = most

    def add(self, id: str, name: str) -> None:
        """Remember one, and forget the oldest."""
        self._names[id] = name
        self._names.move_to_end(id)
        if len(self._names) > self._most:
            self._names.popitem(last=False)

    def get(self, id: str) -> str | None:
        """Its name, if it is remembered."""
        return self._names.get(id)


@dataclass
class Site:
    """Stores, index, follower, renderer and jobs; the settings they were made from."""

    settings: Settings
    stores: Stores
    index: Index
    follower: Follower
    renderer: Renderer
    jobs: Jobs
    hidden: Hidden = field(default_factory=Hidden)
    recent: Recent = field(default_factory=Recent)
    account: str = "local"
    _live: Live | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Site":
        """From environment variables. SettingsError; no service is asked."""
        settings = Settings.read(environ)
        stores = open_stores(settings, environ)
        index = Index(_index_path(settings))
        follower = Follower(open_stores(settings, environ), index, settings.live_seconds)
        renderer = Renderer(stores, Decoder(), limits_of(settings))
        return cls(settings, stores, index, follower, renderer, Jobs(environ), account=account())

    @property
    def model(self) -> Model | None:
        """The live model; None while it cannot be read here."""
        with self._lock:
            try:
                if self._live is None:
                    self._live = Live.load(self.settings.model_path, self.stores, self.settings.model_seconds)
                return self._live.current()
            except (ModelError, StoreError) as error:
                log.warning("%s", error)
                return None

    def close(self) -> None:
        """End what runs."""
        self.jobs.close()
        self.follower.stop()
        self.renderer.decoder.close()
        self.index.close()


def _index_path(settings: Settings) -> Path:
    if settings.web_index:
        return Path(settings.web_index)
    return Path(tempfile.mkdtemp(prefix="imagestore-")) / "index.sqlite"
