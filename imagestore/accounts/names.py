"""What to show of who did something: records, models and the audit log name accounts and keys by their ids."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from imagestore.accounts import keys, people
from imagestore.accounts.keys import Keys
from imagestore.accounts.people import People
from imagestore.errors import Unavailable

KEPT_S = 300.0
_MOST = 10_000
GONE = "a former account"


class Names:
    """Looks names up, and keeps them for five minutes."""

    def __init__(self, people: People, keys: Keys, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._people = people
        self._keys = keys
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._known: OrderedDict[str, tuple[str, float]] = OrderedDict()

    def of(self, id: str) -> str:
        """The name of an account or key; of what is neither, as the command line's users are, what is given.

        While Cosmos DB does not answer that is the id too.
        """
        if not id.startswith((f"{people.TYPE}-", f"{keys.TYPE}-")):
            return id
        moment = self._monotonic()
        with self._lock:
            known = self._known.get(id)
        if known is not None and moment - known[1] < KEPT_S:
            return known[0]
        try:
            name = self._look(id)
        except Unavailable:
            return known[0] if known else id
        with self._lock:
            self._known[id] = (name, moment)
            if len(self._known) > _MOST:
                self._known.popitem(last=False)
        return name

    def _look(self, id: str) -> str:
        if id.startswith(f"{keys.TYPE}-"):
            key = self._keys.get(id)
            return GONE if key is None else key.name
        account = self._people.get(id)
        return GONE if account is None else account.name
