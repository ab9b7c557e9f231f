"""Refuses a crowd's reads as soon as their heads have come, before anything is made of the requests.

What is said, and to whom, is as `Admission` would have it; what stands between costs more than twice as much as the
connection itself, and in a crowd that is taken from those who are answered.
"""

from dataclasses import dataclass
from http import HTTPStatus

from starlette.responses import Response
from starlette.types import Scope

from imagestore.settings import Auth
from imagestore.web.clients import address_of
from imagestore.web.guards.access import Routes
from imagestore.web.guards.security import OwnHeaders
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
    """Stands before everything else, and lets in whatever is not a read that the gate would refuse at once."""

    def __init__(
        self,
        routes: Routes,
        gate: Gate,
        rates: Rates,
        refusals: Refusals,
        own_headers: OwnHeaders,
        auth: Auth,
        trusted_proxies: int = 0,
    ) -> None:
        self._routes = routes
        self._gate = gate
        self._rates = rates
        self._refusals = refusals
        self._own_headers = own_headers
        self._auth = auth
        self._trusted_proxies = trusted_proxies
        self._kept: dict[tuple[str, Form, bool], ReadyAnswer] = {}

    @property
    def is_shut(self) -> bool:
        """Whether reads, and so all that is dearer, would be refused now."""
        return self._gate.refuses(Kind.READ)

    def refusal(self, scope: Scope) -> ReadyAnswer | None:
        """What to answer a GET without a body while it `is_shut`; None if the app shall say."""
        path: str = scope["path"]
        if len(path) > _LONGEST_PATH or any(name == b"origin" for name, _ in scope["headers"]):
            return None  # what other sites' pages may be told is not known here
        found = self._routes.find("GET", path)
        kind = kind_of(None if found is None else found[0].row("GET"), scope["query_string"])
        if kind is Kind.FREE:
            return None
        problem, how = self._too_many(scope), "address"
        if problem is None:
            problem, how = overloaded(kind), "load"
            self._gate.refused(Kind.READ)
        self._refusals.count(kind, how)
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
