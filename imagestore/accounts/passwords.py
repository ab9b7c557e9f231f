"""Passwords: which are taken, how they are kept (Argon2id), and how many are checked at once."""

import functools
import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from zxcvbn import zxcvbn

from imagestore.errors import NotAccepted, Overloaded

SHORTEST = 10
LONGEST = 256
AT_ONCE = 2
"""Each check takes 64 MB of memory and a core for some 50 ms: more at once would starve the rest of the process."""
_PATIENCE_S = 5.0
_LEAST_SCORE = 2
"""Of zxcvbn's 0 to 4; from 2 on it takes a program more than a million guesses."""
_JUDGED = 72
"""So many characters zxcvbn looks at; it takes long for more."""


def check_strength(password: str, *known: str) -> None:
    """Refuse a password that is short, or easily guessed by who knows these texts of its owner. Raises NotAccepted."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise NotAccepted(f"A password has {SHORTEST} to {LONGEST} characters; this one has {len(password)}.")
    judged = zxcvbn(password[:_JUDGED], user_inputs=[part for text in known for part in (text, *text.split("@"))])
    if judged["score"] < _LEAST_SCORE:
        why = judged["feedback"]["warning"].rstrip(".") or "It follows a pattern that programs try first"
        raise NotAccepted(
            f"This password is too easily guessed. {why}. Three or four words that do not go together do."
        )


class Passwords:
    """Hashes passwords and compares them with hashes, a few at a time."""

    def __init__(
        self, hasher: PasswordHasher | None = None, at_once: int = AT_ONCE, patience_s: float = _PATIENCE_S
    ) -> None:
        self._hasher = hasher or PasswordHasher()
        self._free = threading.BoundedSemaphore(at_once)
        self._patience_s = patience_s

    @functools.cached_property
    def _nobodys(self) -> str:
        """Compared with where there is no account, so that it takes as long as where there is one."""
        return self._hasher.hash("nobody's")

    def hash(self, password: str) -> str:
        """The hash to keep. Raises Overloaded."""
        with _Turn(self._free, self._patience_s):
            return self._hasher.hash(password)

    def is_right(self, password: str, hashed: str | None) -> bool:
        """Whether the password is the one that was hashed. None never is, and takes as long. Raises Overloaded."""
        with _Turn(self._free, self._patience_s):
            try:
                return self._hasher.verify(hashed or self._nobodys, password[: LONGEST + 1]) and hashed is not None
            except (VerifyMismatchError, InvalidHashError):
                return False

    def is_outdated(self, hashed: str) -> bool:
        """Whether the password should be hashed anew, with the parameters of now."""
        return self._hasher.check_needs_rehash(hashed)


class _Turn:
    def __init__(self, free: threading.BoundedSemaphore, patience_s: float) -> None:
        self._free = free
        self._patience_s = patience_s

    def __enter__(self) -> None:
        if not self._free.acquire(timeout=self._patience_s):
            raise Overloaded("Too many people are signing in just now. Try again in a moment.")

    def __exit__(self, *_: object) -> None:
        self._free.release()
