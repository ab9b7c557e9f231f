"""What there is because of an account, and goes with it: its sessions, keys, one-time links, second factor, and
the answers to its requests."""

from dataclasses import dataclass

from imagestore.accounts.kept_answers import KeptAnswers
from imagestore.accounts.keys import Keys
from imagestore.accounts.links import Links
from imagestore.accounts.second_factor import SecondFactors
from imagestore.accounts.sessions import Sessions


@dataclass(frozen=True)
class Belongings:
    """All of that, for any account. Every method raises Unavailable."""

    sessions: Sessions
    keys: Keys
    links: Links
    factors: SecondFactors
    answers: KeptAnswers

    def delete(self, account: str) -> None:
        """Delete all that belongs to the account with this id, whether it is there or not. Once more does no harm.

        An account's id follows from its email address, or from who it is elsewhere. So this also goes before an account
        is made: nobody gets what somebody with the same id left behind.
        """
        self.sessions.end_all(account)
        self.keys.revoke_all(account)
        self.links.revoke_for(account)
        self.factors.remove(account)
        self.answers.forget_of(account)
