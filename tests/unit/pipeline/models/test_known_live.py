"""What a worker knows of what is live is never older than it says, whatever happens at the same time."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from imagestore.errors import StoreError, Unavailable
from imagestore.pipeline.models.known_live import KnownLive
from imagestore.store import Active, LiveModels, PromotionEntry, Routes

EVERY_S = 2.0


@dataclass
class Storage:
    """What is live, and a clock that only a test moves. `during` is called while a question is on its way back."""

    version: str = "1"
    now: float = 100.0
    asked: int = 0
    error: Exception | None = None
    during: Callable[[], object] = field(default=lambda: None)

    def read(self) -> LiveModels:
        self.asked += 1
        if self.error is not None:
            raise self.error
        found = LiveModels(Active(PromotionEntry("mine", self.version, "", "", "")), Routes())
        self.during()
        return found

    def promote_and_return(self, version: str) -> None:
        """Make another one live, and wait as long as whoever does so."""
        self.version = version
        self.now += EVERY_S


@pytest.fixture
def storage() -> Storage:
    return Storage()


@pytest.fixture
def known(storage: Storage) -> KnownLive:
    return KnownLive(storage.read, EVERY_S, lambda: storage.now)


def version(live: LiveModels) -> str:
    assert live.default is not None
    return live.default.live.version


def test_storage_is_asked_no_more_often_than_it_must(storage: Storage, known: KnownLive) -> None:
    for _ in range(5):
        known.get()
        known.confirmed()
    storage.now += EVERY_S
    known.get()
    known.confirmed()
    assert storage.asked == 1
    storage.now += 0.1
    known.confirmed()
    known.get()
    assert storage.asked == 2


def test_it_is_confirmed_only_by_an_answer_that_was_asked_for_recently(storage: Storage, known: KnownLive) -> None:
    known.get()
    storage.now += 0.1
    storage.promote_and_return("2")
    assert version(known.confirmed()) == "2"


def test_an_answer_counts_from_when_it_was_asked_for(storage: Storage, known: KnownLive) -> None:
    """It is on its way while another model is made live, and comes when whoever did that has waited."""
    storage.during = lambda: storage.promote_and_return("2")
    assert version(known.confirmed()) == "1"
    storage.during = lambda: None
    storage.now += 0.1
    assert version(known.confirmed()) == "2"


def test_who_must_know_waits_for_the_answer_that_another_thread_asked_for(storage: Storage, known: KnownLive) -> None:
    known.get()
    storage.now += EVERY_S + 0.1
    storage.version = "2"
    is_asking, may_go = threading.Event(), threading.Event()

    def slow() -> None:
        is_asking.set()
        may_go.wait(60)

    storage.during = slow
    with ThreadPoolExecutor() as pool:
        first = pool.submit(known.confirmed)
        assert is_asking.wait(60)
        second = pool.submit(known.confirmed)
        assert version(known.get()) == "1", "who need not know does not wait"
        assert not second.done()
        may_go.set()
        assert {version(one.result()) for one in (first, second)} == {"2"}
    assert storage.asked == 2


def test_an_answer_that_another_thread_asked_for_too_early_does_not_do(storage: Storage, known: KnownLive) -> None:
    known.get()
    storage.now += EVERY_S + 0.1
    is_asking, may_go = threading.Event(), threading.Event()

    def slow() -> None:
        if storage.asked == 2:
            is_asking.set()
            may_go.wait(60)

    storage.during = slow
    with ThreadPoolExecutor() as pool:
        early = pool.submit(known.get)
        assert is_asking.wait(60)
        storage.now += 0.1
        storage.promote_and_return("2")
        late = pool.submit(known.confirmed)
        may_go.set()
        assert version(early.result()) == "1"
        assert version(late.result()) == "2"


def test_where_storage_is_away_nothing_is_confirmed(storage: Storage, known: KnownLive) -> None:
    known.get()
    storage.now += EVERY_S + 0.1
    storage.error = Unavailable("storage does not answer")
    for _ in range(2):
        with pytest.raises(Unavailable, match="storage does not answer"):
            known.confirmed()
    assert version(known.get()) == "1", "what may be begun with"
    asked = storage.asked
    known.get()
    assert storage.asked == asked, "storage that does not answer is not asked at each picture"
    storage.now += 0.1
    storage.error, storage.version = None, "2"
    assert version(known.confirmed()) == "2"


def test_threads_that_wait_for_the_same_answer_share_its_failure(storage: Storage, known: KnownLive) -> None:
    """Storage may take long to fail, and one thread after the other would wait as long."""
    known.get()
    storage.now += EVERY_S + 0.1
    is_asking, may_go = threading.Event(), threading.Event()

    def fail() -> None:
        is_asking.set()
        may_go.wait(60)
        raise Unavailable("storage does not answer")

    storage.during = fail
    with ThreadPoolExecutor() as pool:
        waiting = [pool.submit(known.confirmed) for _ in range(4)]
        assert is_asking.wait(60)
        may_go.set()
        assert all(isinstance(one.exception(), Unavailable) for one in waiting)
    assert storage.asked == 2


def test_a_file_that_cannot_be_read_changes_nothing(storage: Storage, known: KnownLive) -> None:
    storage.error = StoreError("routes.json in models cannot be read")
    with pytest.raises(StoreError):
        known.confirmed()
    storage.error = None
    known.get()
    storage.now += EVERY_S + 0.1
    storage.error = StoreError("routes.json in models cannot be read")
    assert version(known.confirmed()) == "1"
