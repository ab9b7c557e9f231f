"""Answers under idempotency keys: claimed once, kept for a day, taken over from the dead."""

from dataclasses import replace

import pytest

from imagestore.accounts.kept_answers import KEPT_S, LEASE_S, Answer, Asked, AtWork, Body, Claim, Done, KeptAnswers
from imagestore.errors import Conflict
from unit.accounts.conftest import Clock
from unit.memory_items import MemoryItems

ASKED = Asked.by(("account-1", ""), "account-1", "POST /x", "key", ("POST", "/x", "a=1", "trainer"))
BODY, ANSWER = Body("0" * 64, 3), Answer(202, {"location": "/x/1"}, '{"id": 1}')


@pytest.fixture
def kept(items: MemoryItems, clock: Clock) -> KeptAnswers:
    return KeptAnswers(items, clock)


def claimed(kept: KeptAnswers, asked: Asked = ASKED) -> Claim:
    found = kept.begin(asked)
    assert isinstance(found, Claim)
    return found


def test_one_claims_and_all_others_are_told_what_came_of_it(kept: KeptAnswers) -> None:
    claim = claimed(kept)
    assert kept.begin(ASKED) == AtWork(ASKED.request)
    claim.keep(BODY, ANSWER)
    assert kept.begin(ASKED) == Done(ASKED.request, BODY, ANSWER)


def test_another_caller_route_or_key_is_another_request() -> None:
    others = [
        Asked.by(("account-2", ""), "account-2", "POST /x", "key", ()),
        Asked.by(("account-1", "key-1"), "account-1", "POST /x", "key", ()),
        Asked.by(("account-1", ""), "account-1", "POST /y", "key", ()),
        Asked.by(("account-1", ""), "account-1", "POST /x", "other", ()),
    ]
    assert len({ASKED.id, *(one.id for one in others)}) == 5
    assert "key" not in ASKED.id.removeprefix("idempotency-")


def test_after_a_day_a_key_is_free(kept: KeptAnswers, clock: Clock) -> None:
    claimed(kept).keep(BODY, ANSWER)
    clock.turn(seconds=KEPT_S - 1)
    assert isinstance(kept.begin(ASKED), Done)
    clock.turn(seconds=1)
    claimed(kept)


def test_what_was_refused_frees_its_key(kept: KeptAnswers, items: MemoryItems) -> None:
    claimed(kept).release()
    assert items.items == {}
    claimed(kept)


def test_the_same_request_follows_one_that_died_and_no_other_does(kept: KeptAnswers, clock: Clock) -> None:
    dead = claimed(kept)
    clock.turn(seconds=LEASE_S - 1)
    assert isinstance(kept.begin(ASKED), AtWork)
    clock.turn(seconds=1)
    other = replace(ASKED, request="request-of-another-kind")
    assert kept.begin(other) == AtWork(ASKED.request)
    next_one = claimed(kept)
    with pytest.raises(Conflict):
        dead.keep(BODY, Answer(200))
    next_one.keep(BODY, ANSWER)
    assert kept.begin(ASKED) == Done(ASKED.request, BODY, ANSWER)


def test_who_is_heard_of_keeps_its_claim(kept: KeptAnswers, clock: Clock) -> None:
    claim = claimed(kept)
    for _ in range(5):
        clock.turn(seconds=LEASE_S - 1)
        claim.renew()
        assert isinstance(kept.begin(ASKED), AtWork)
    claim.keep(BODY, ANSWER)
    with pytest.raises(Conflict):
        claim.renew()


def test_a_claim_that_is_released_while_another_looks_is_claimed_by_that_one(
    kept: KeptAnswers, items: MemoryItems, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim, create = claimed(kept), items.create
    monkeypatch.setattr(items, "read", lambda id: None)

    def released(document: dict[str, object]) -> object:
        try:
            return create(document)
        except Conflict:
            claim.release()
            raise

    monkeypatch.setattr(items, "create", released)
    claimed(kept)


def test_an_accounts_answers_go_with_it(kept: KeptAnswers, items: MemoryItems) -> None:
    claimed(kept).keep(BODY, ANSWER)
    other = Asked.by(("account-2", ""), "account-2", "POST /x", "key", ())
    claimed(kept, other)
    kept.forget_of("account-1")
    assert list(items.items) == [other.id]
