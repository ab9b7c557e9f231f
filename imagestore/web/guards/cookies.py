"""The session's cookie, and the tokens that show that a form came from one of our own pages."""

import hashlib
import hmac
import secrets

from fastapi import Request, Response

_SESSION = "session"
_FORM = "form"
_ELSEWHERE = "elsewhere"
_ELSEWHERE_S = 600


def _name(name: str, is_https: bool) -> str:
    """With the prefix, browsers take the cookie over https only, and from no other host than this one."""
    return f"__Host-{name}" if is_https else name


def session_token(request: Request, is_https: bool) -> str | None:
    """What the session's cookie holds, None where there is none."""
    return request.cookies.get(_name(_SESSION, is_https)) or None


def set_session(response: Response, token: str, is_https: bool) -> None:
    """Give the browser a session. It ends with the browser, or when the server ends it."""
    response.set_cookie(_name(_SESSION, is_https), token, path="/", secure=is_https, httponly=True, samesite="lax")


def clear_session(response: Response, is_https: bool) -> None:
    """Have the browser forget the session."""
    response.delete_cookie(_name(_SESSION, is_https), path="/", secure=is_https, httponly=True, samesite="lax")


def keep_elsewhere(response: Response, value: str, is_https: bool) -> None:
    """Remember for ten minutes what belongs to a sign-in elsewhere, which this browser alone may complete.

    It comes back by a link of another site, and so the cookie cannot be stricter than lax.
    """
    name = _name(_ELSEWHERE, is_https)
    response.set_cookie(name, value, _ELSEWHERE_S, path="/", secure=is_https, httponly=True, samesite="lax")


def elsewhere(request: Request, is_https: bool) -> str:
    """What was remembered of a sign-in elsewhere; empty where there is none."""
    return request.cookies.get(_name(_ELSEWHERE, is_https), "")


def clear_elsewhere(response: Response, is_https: bool) -> None:
    """Forget the sign-in elsewhere: it is complete, or failed."""
    response.delete_cookie(_name(_ELSEWHERE, is_https), path="/", secure=is_https, httponly=True, samesite="lax")


def form_token(request: Request, is_https: bool) -> str:
    """The value of the field `form` of a form for who asks: it follows from a cookie that no other site can read.

    Where there is no cookie yet, `keep_form` sets one in the answer.
    """
    return _token(_secret(request, is_https) or _made(request))


def keep_form(request: Request, response: Response, is_https: bool) -> None:
    """Set the cookie that belongs to the form in this answer, where there was none."""
    if made := getattr(request.state, "form", None):
        response.set_cookie(
            _name(_FORM, is_https), made, path="/", secure=is_https, httponly=True, samesite="strict"
        )  # it is no secret of anybody who has signed in


def is_own_form(request: Request, given: str, is_https: bool) -> bool:
    """Whether a form that was sent has the token that it was given for this browser."""
    secret = _secret(request, is_https)
    return secret is not None and hmac.compare_digest(_token(secret).encode(), given.encode("utf-8", "replace"))


def _secret(request: Request, is_https: bool) -> str | None:
    return session_token(request, is_https) or request.cookies.get(_name(_FORM, is_https)) or None


def _made(request: Request) -> str:
    made: str | None = getattr(request.state, "form", None)
    if made is None:
        made = request.state.form = secrets.token_urlsafe(32)
    return made


def _token(secret: str) -> str:
    return hmac.new(secret.encode("utf-8", "replace"), b"form", hashlib.sha256).hexdigest()
