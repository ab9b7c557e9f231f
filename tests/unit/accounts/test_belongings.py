"""What belongs to an account goes with it, and what is another's stays."""

import pyotp
import pytest

from imagestore.accounts.kept_answers import Answer, Asked, Body, Claim, Done
from imagestore.accounts.links import Purpose
from imagestore.accounts.people import Account
from imagestore.accounts.roles import Role
from imagestore.accounts.service import Accounts
from imagestore.errors import LinkRefused
from unit.accounts.conftest import ADDRESS


def test_all_of_one_account_goes_and_nothing_of_another(accounts: Accounts, maria: Account, admin: Account) -> None:
    links: dict[tuple[str, Purpose], str] = {}
    asked: dict[str, Asked] = {}
    for one in (maria, admin):
        accounts.sign_in(one, ADDRESS, "")
        accounts.keys.create("camera", Role.VIEWER, one.id)
        links[one.id, Purpose.RESET] = accounts.links.allow_reset(one.id, "ada")[0]
        links[one.id, Purpose.CODE] = accounts.links.allow_code(one.id)
        accounts.factors.confirm(one.id, pyotp.TOTP(accounts.factors.begin(one.id)).at(accounts.people._clock()))
        asked[one.id] = Asked.by((one.id, ""), one.id, "POST /x", "key", ("POST", "/x"))
        claim = accounts.kept_answers.begin(asked[one.id])
        assert isinstance(claim, Claim)
        claim.keep(Body(), Answer(202))
    accounts.belongings.delete(maria.id)
    accounts.belongings.delete(maria.id)
    for one, are_there in ((maria, False), (admin, True)):
        assert bool(accounts.sessions.of(one.id)) is are_there
        assert bool(accounts.keys.list(one.id)) is are_there
        assert (accounts.factors.find(one.id) is not None) is are_there
        assert isinstance(accounts.kept_answers.begin(asked[one.id]), Done) is are_there
    for purpose in (Purpose.RESET, Purpose.CODE):
        assert accounts.links.look(purpose, links[admin.id, purpose])
        with pytest.raises(LinkRefused):
            accounts.links.look(purpose, links[maria.id, purpose])
