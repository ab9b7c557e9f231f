"""Refuses what a crowd only wants to read as soon as the heads of its requests have come, before the app sees them.

What is answered is the same as `Admission` would have it further in. The way there costs more processor time than all
that the server does for a connection, and in a crowd that time is taken from those who are answered.
"""

from dataclasses import dataclass
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Scope

from imagestore.settings import Auth
from imagestore.web.clients import PublicAddress, address_of
from imagestore.web.guards.access import Routes
from imagestore.web.guards.security import OwnHeaders, is_in_plain_text, refused
from imagestore.web.load.gate import Gate
from imagestore.web.load.kinds import Kind, kind_of
from imagestore.web.load.rates import Rates
from imagestore.web.load.refusals import Form, Refusals, form_of, overloaded, response_of
from imagestore.web.problems import ApiProblem

_MOST_KEPT = 1000
_LONGEST_PATH = 1000


@dataclass(frozen=True)
class ReadyAnswer:
    """An answer as it is sent, but for the headers that the server adds."""

    head: bytes
    body: bytes


class Door:
    """Stands before everything else. It answers no more than a GET that the gate would refuse at once; the app says the
    rest."""

    def __init__(
        self,
        routes: Routes,
        gate: Gate,
        rates: Rates,
        refusals: Refusals,
        own_headers: OwnHeaders,
        public: PublicAddress,
        auth: Auth,
        trusted_proxies: int = 0,
    ) -> None:
        self._routes = routes
        self._gate = gate
        self._rates = rates
        self._refusals = refusals
        self._own_headers = own_headers
        self._public = public
        self._auth = auth
        self._trusted_proxies = trusted_proxies
        self._kept: dict[tuple[str, Form, bool], ReadyAnswer] = {}

    @property
    def is_shut(self) -> bool:
        """Whether a read would be refused now, and so a search, which is dearer and waits at the same gate."""
        return self._gate.refuses(Kind.READ)

    def refusal(self, scope: Scope) -> ReadyAnswer | None:
        """What to answer a GET without a body while it `is_shut`; None if the app shall say."""
        path, headers = scope["path"], Headers(scope=scope)
        if len(path) > _LONGEST_PATH or "origin" in headers:
            return None  # what other sites' pages may be told is not known here
        if refused("GET", path, headers, self._public, self._auth) or is_in_plain_text(path, headers, self._public):
            return None
        found = self._routes.find("GET", path)
        kind = kind_of(None if found is None else found[0].row("GET"), scope["query_string"])
        if kind in (Kind.FREE, Kind.CLASSIFY):  # which stands at another gate
            return None
        problem = self._too_many(scope)
        if problem is not None:
            self._refusals.count(Kind.READ, "address")
        else:
            problem = overloaded(kind)
            self._refusals.count(kind, "load")
            self._gate.refused(kind)
        return self._ready(problem, form_of(scope), path)

    def _too_many(self, scope: Scope) -> ApiProblem | None:
        if self._auth is not Auth.REQUIRED:
            return None
        return self._rates.of_address(address_of(scope, self._trusted_proxies))

    def _ready(self, problem: ApiProblem, form: Form, path: str) -> ReadyAnswer:
        key = (problem.detail, form, OwnHeaders.is_api(path))
        ready = self._kept.get(key)
        if ready is None:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            ready = self._kept[key] = _as_sent(response_of(problem, form), self._own_headers, path)
        return ready


def _as_sent(response: Response, own: OwnHeaders, path: str) -> ReadyAnswer:
    status = HTTPStatus(response.status_code)
    lines = [f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode()]
    lines += [b"%b: %b\r\n" % header for header in own.completed(path, response.raw_headers)]
    return ReadyAnswer(b"".join(lines), bytes(response.body))
