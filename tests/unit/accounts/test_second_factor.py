"""One-time codes are good once and for a short time, recovery codes once and whenever they are needed."""

import pyotp
import pytest

from imagestore.accounts.attempts import CODE
from imagestore.accounts.people import Account
from imagestore.accounts.second_factor import BEGUN_S, RECOVERY_CODES, SecondFactors, link_for_app
from imagestore.accounts.service import Accounts
from imagestore.errors import Conflict, NotFound, SignInRefused, TooManyAttempts
from unit.accounts.conftest import ADDRESS, Clock
from unit.memory_items import MemoryItems


@pytest.fixture
def factors(items: MemoryItems, clock: Clock) -> SecondFactors:
    return SecondFactors(items, clock)


def code(secret: str, clock: Clock, by: int = 0) -> str:
    """The code that an app shows, `by` half minutes from now."""
    return pyotp.TOTP(secret).at(clock.moment, counter_offset=by)


def turned_on(factors: SecondFactors, clock: Clock, account: str = "maria") -> tuple[str, list[str]]:
    """The secret and the recovery codes of a factor that is on; its first code was used a minute ago."""
    secret = factors.begin(account)
    codes = factors.confirm(account, code(secret, clock))
    clock.turn(minutes=1)
    return secret, codes


def test_it_counts_once_a_first_code_has_shown_that_the_app_works(factors: SecondFactors, clock: Clock) -> None:
    secret = factors.begin("maria")
    assert factors.find("maria") is None
    assert not factors.use("maria", code(secret, clock))
    with pytest.raises(SignInRefused):
        factors.confirm("maria", "000000")
    codes = factors.confirm("maria", code(secret, clock))
    assert len(set(codes)) == RECOVERY_CODES
    assert factors.find("maria") is not None
    assert factors.accounts() == {"maria"}
    assert not factors.use("maria", code(secret, clock)), "the first code is used up"


def test_what_was_begun_and_not_confirmed_is_forgotten(factors: SecondFactors, clock: Clock) -> None:
    secret = factors.begin("maria")
    again = factors.begin("maria")
    assert again != secret
    clock.turn(seconds=BEGUN_S)
    assert factors.secret_begun("maria") is None
    with pytest.raises(NotFound):
        factors.confirm("maria", code(again, clock))


def test_one_that_is_on_outlasts_every_time_and_is_not_replaced(factors: SecondFactors, clock: Clock) -> None:
    secret, _ = turned_on(factors, clock)
    clock.turn(days=1000)
    with pytest.raises(Conflict):
        factors.begin("maria")
    with pytest.raises(NotFound):
        factors.confirm("maria", code(secret, clock))
    assert factors.use("maria", code(secret, clock))


def test_a_code_is_good_once(factors: SecondFactors, clock: Clock) -> None:
    secret, _ = turned_on(factors, clock)
    assert factors.use("maria", code(secret, clock))
    assert not factors.use("maria", code(secret, clock))
    assert not factors.use("maria", code(secret, clock, -1)), "nor is one before it"
    clock.turn(seconds=30)
    assert factors.use("maria", code(secret, clock))


@pytest.mark.parametrize(("by", "is_good"), [(-3, False), (-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_clock_may_be_half_a_minute_wrong(factors: SecondFactors, clock: Clock, by: int, is_good: bool) -> None:
    secret, _ = turned_on(factors, clock)
    clock.turn(minutes=5)
    assert factors.use("maria", code(secret, clock, by)) is is_good


@pytest.mark.parametrize("given", ["", " ", "000", "x" * 500, "½½½½½½", "१२३४५६", "-" * 6, "\x00" * 6])
def test_other_texts_are_no_codes(factors: SecondFactors, clock: Clock, given: str) -> None:
    turned_on(factors, clock)
    assert not factors.use("maria", given)
    assert not factors.use("nobody", given)


def test_a_code_may_be_typed_with_spaces(factors: SecondFactors, clock: Clock) -> None:
    secret, codes = turned_on(factors, clock)
    shown = code(secret, clock)
    assert factors.use("maria", f" {shown[:3]} {shown[3:]} ")
    assert factors.use("maria", codes[0].lower().replace("-", " "))


def test_each_recovery_code_is_good_once_and_for_its_owner(
    factors: SecondFactors, clock: Clock, items: MemoryItems
) -> None:
    _, codes = turned_on(factors, clock)
    turned_on(factors, clock, "ada")
    assert not factors.use("ada", codes[0])
    for one in codes:
        assert factors.use("maria", one)
        assert not factors.use("maria", one)
    kept = str([item.document for item, _ in items.items.values()])
    for one in codes:
        assert one not in kept
        assert one.replace("-", "") not in kept


def test_of_two_who_use_one_code_at_once_one_succeeds(
    factors: SecondFactors, clock: Clock, items: MemoryItems, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret, _ = turned_on(factors, clock)
    shown, replace, outcomes = code(secret, clock), items.replace, []

    def raced(document: object, etag: str) -> object:
        monkeypatch.setattr(items, "replace", replace)
        outcomes.append(factors.use("maria", shown))  # somebody else is faster
        return replace(document, etag)  # type: ignore[arg-type]

    monkeypatch.setattr(items, "replace", raced)
    outcomes.append(factors.use("maria", shown))
    assert outcomes == [True, False]


def test_codes_cannot_be_guessed_for_long(accounts: Accounts, maria: Account, clock: Clock) -> None:
    secret, _ = turned_on(accounts.factors, clock, maria.id)
    for number in range(CODE.most):
        with pytest.raises(SignInRefused):
            accounts.check_code(maria.id, "000000", f"192.0.2.{number}")
    with pytest.raises(TooManyAttempts):
        accounts.check_code(maria.id, code(secret, clock), ADDRESS)
    clock.turn(hours=2)
    accounts.check_code(maria.id, code(secret, clock), ADDRESS)


def test_it_goes_with_its_account(accounts: Accounts, maria: Account, admin: Account, clock: Clock) -> None:
    turned_on(accounts.factors, clock, maria.id)
    accounts.delete(maria.id)
    assert accounts.factors.find(maria.id) is None


def test_the_link_tells_the_app_whose_it_is() -> None:
    assert link_for_app("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "m@example.org") == (
        "otpauth://totp/Intelligent%20Storage:m%40example.org?secret=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA&issuer=Intelligent%20Storage"
    )
