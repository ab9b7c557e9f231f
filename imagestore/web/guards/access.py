"""Who may use which route, looked at in one place, before any route runs. The rules are in imagestore/web/rules.py."""

import functools
import re
import time
from dataclasses import dataclass, field
from re import Pattern
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from fastapi import Depends, FastAPI, Request, Response
from fastapi.routing import iter_route_contexts
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import RedirectResponse
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from imagestore.accounts.callers import KEPT_S, Caller, Means
from imagestore.accounts.roles import Role
from imagestore.errors import ImageStoreError, SignInRefused
from imagestore.settings import Auth
from imagestore.web.answering import location
from imagestore.web.clients import address_of
from imagestore.web.custom_vision.errors import in_their_form, is_theirs, key_in
from imagestore.web.guards import cookies
from imagestore.web.problems import ApiProblem, problem_of
from imagestore.web.rules import OF_PROJECTS, TABLE, WITHOUT_FACTOR, Need, Open
from imagestore.web.services import Services

_SAFE = {"GET", "HEAD", "OPTIONS"}
_MOST_FOUND = 4096
"""So many addresses are remembered with their routes: to look through all takes longer than to refuse a request."""
_LONGEST_FOUND = 200
"""Longer addresses are looked through each time: anybody can make up as many as they like."""
_UNKNOWN = ApiProblem(
    403, "no_rule", "Nobody may use this: no rule says who may. The table is in imagestore/web/rules.py."
)
_SIGN_IN = "Sign in first: this needs an account, an API key or an access token (Authorization: Bearer …)."
_FACTOR = "People with your role sign in with a second factor here. Set yours up first, on /account/second-factor."


@dataclass
class AuditNote:
    """What a route adds to the entry of the audit log that its request gets: to what it was done, and what changed.

    Once the entry `is_written`, there is no second one.
    """

    target: str = ""
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    is_written: bool = False


def caller_of(request: Request) -> Caller:
    """Who asks, for routes that need somebody."""
    caller: Caller | None = request.scope["state"]["caller"]
    assert caller is not None, "the route's rule lets nobody in without one"
    return caller


def audit_note(request: Request) -> AuditNote:
    """What the audit log will say of this request."""
    note: AuditNote = request.scope["state"]["audit"]
    return note


def demand_project(caller: Caller, project: str) -> None:
    """Raises ApiProblem 403 if the caller's key is for other projects alone."""
    if not caller.may_use(project):
        raise ApiProblem(403, "bound_key", f"This key is for {', '.join(caller.projects or ())} alone.")


def _of_project(request: Request) -> None:
    """For routes with a project in their address."""
    demand_project(caller_of(request), request.path_params["project"])


OfProject = Depends(_of_project)
CallerDep = Annotated[Caller, Depends(caller_of)]
NoteDep = Annotated[AuditNote, Depends(audit_note)]


@dataclass(frozen=True)
class _Route:
    pattern: Pattern[str]
    methods: frozenset[str] | None
    address: str
    name: str

    def row(self, method: str) -> str:
        return f"{'GET' if self.methods is None else method} {self.address}"


Found = tuple[_Route, dict[str, str]]
"""A route and the parameters in the address."""


class Routes:
    """The app's routes, found as the router finds them: the first that fits. They are read when the first is looked
    for, so that none that is added before is left out."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self._found = functools.lru_cache(_MOST_FOUND)(self._find)

    @functools.cached_property
    def _routes(self) -> list[_Route]:
        routes = []
        for route in iter_route_contexts(self._app.routes):
            address: str = getattr(route, "path", "")
            methods = getattr(route, "methods", None)
            name = getattr(route, "operation_id", None) or getattr(route, "name", None) or ""
            pattern = compile_path(address if methods else f"{address}/{{path:path}}")[0]
            if is_theirs(address):
                pattern = re.compile(pattern.pattern, re.IGNORECASE)
            routes.append(_Route(pattern, frozenset(methods) if methods else None, address, name))
        return routes

    def rows(self) -> list[str]:
        """The row of each route in TABLE."""
        return [route.row(method) for route in self._routes for method in sorted(route.methods or {"GET"})]

    def changing(self) -> list[str]:
        """The names under which the audit log has what the routes change."""
        return [route.name for route in self._routes if (route.methods or set()) - _SAFE]

    def find(self, method: str, path: str) -> Found | None:
        """The route that answers, and the parameters in its address; None where none does."""
        return self._found(method, path) if len(path) <= _LONGEST_FOUND else self._find(method, path)

    def _find(self, method: str, path: str) -> Found | None:
        for route in self._routes:
            if (route.methods is None or method in route.methods) and (found := route.pattern.match(path)):
                return route, found.groupdict()
        return None


class Access:
    """Lets those in who may, keeps who they are in `request.state.caller`, and writes down what they change."""

    def __init__(self, app: ASGIApp, services: Services, page: Any) -> None:
        self._app = app
        self._services = services
        self._options = services.options
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it. What stands before this has found its route (imagestore/web/load)."""
        if scope["type"] == "websocket":  # there are none, and so no rule lets anybody in
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        found: Found | None = scope["state"]["found"]
        if found is not None and is_theirs(found[0].address):
            scope = _in_our_case(scope, found[0].address, found[1])
        request = Request(scope, receive)
        need = Open.SIGNED_IN if found is None else TABLE.get(found[0].row(scope["method"]))
        note = AuditNote(target="" if found is None else "/".join(found[1].values()))
        scope["state"].update(caller=None, audit=note, route=None if found is None else found[0].address)
        try:
            caller = await self._identified(request, need)
            scope["state"]["caller"] = caller
            scope["state"]["hide_location"] = location.hidden_from(caller)
            self._check(caller, need, scope["method"], "" if found is None else found[0].row(scope["method"]))
        except ApiProblem as problem:
            caller = scope["state"]["caller"]
            if problem.status == 403 and caller is not None and found and scope["method"] not in _SAFE:
                await self._write(request, caller, found[0], note, problem.status)
            await self._refusal(request, problem)(scope, receive, send)
            return
        if scope["method"] not in _SAFE and found is not None and caller is not None:
            send = self._audited(request, caller, found[0], note, send)
        if caller is not None and caller.means is not Means.LOCAL:
            send = self._watched(request, need, send)
        try:
            await self._app(scope, receive, send)
        except _Ended:
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except Exception:  # it is answered further out; until then something may have been changed
            if scope["method"] not in _SAFE and found is not None and caller is not None and not note.is_written:
                await self._write(request, caller, found[0], note, 500)
            raise

    async def _identified(self, request: Request, need: Need | None) -> Caller | None:
        """Who asks; None where nobody has signed in. Raises ApiProblem."""
        if self._options.auth is Auth.OFF:
            name = self._services.account
            return Caller(name, name, Role.ADMIN, Means.LOCAL)
        if need is Open.ANYONE:
            return None
        callers = self._services.accounts.callers
        authorization = request.headers.get("authorization")
        try:
            if is_theirs(request.url.path) and (key := key_in(request.headers)) is not None:
                return await run_in_threadpool(callers.of_bearer, key)
            if authorization is not None:  # a cookie beside it counts for nothing
                scheme, _, credential = authorization.partition(" ")
                if scheme.lower() != "bearer":
                    raise SignInRefused("The header Authorization must be 'Bearer' and a key or token.")
                return await run_in_threadpool(callers.of_bearer, credential.strip())
            token = cookies.session_token(request, self._services.public.is_https)
            return None if token is None else await run_in_threadpool(callers.of_session, token)
        except SignInRefused as error:
            invalid = ', error="invalid_token"' if authorization is not None else ""
            headers = {"WWW-Authenticate": f'Bearer realm="imagestore"{invalid}'}
            raise ApiProblem(401, "sign_in", str(error), headers=headers) from None
        except ImageStoreError as error:
            raise problem_of(error) from None

    def _check(self, caller: Caller | None, need: Need | None, method: str, row: str = "") -> None:
        if need is Open.ANYONE:
            return
        if caller is None:
            raise ApiProblem(401, "sign_in", _SIGN_IN, headers={"WWW-Authenticate": 'Bearer realm="imagestore"'})
        if caller.lacks_factor and row not in WITHOUT_FACTOR:
            raise ApiProblem(403, "second_factor_needed", _FACTOR)
        if need is None:
            raise _UNKNOWN
        if isinstance(need, Role) and not caller.role.covers(need):
            detail = f"This needs the role {need}; yours is {caller.role}. An administrator can give you another."
            raise ApiProblem(403, "role_needed", detail, more={"needed": str(need)})
        if caller.projects is not None and row not in OF_PROJECTS and not is_theirs(row.partition(" ")[2]):
            detail = "This key is for some projects alone, and this is not asked of a project. Use another key."
            raise ApiProblem(403, "bound_key", detail)
        if caller.is_stale and method not in _SAFE:
            detail = "Whether you may still change something cannot be looked up just now. Try again in a moment."
            raise ApiProblem(503, "unavailable", detail, headers={"Retry-After": "5"})

    def _refusal(self, request: Request, problem: ApiProblem) -> Response:
        path = request.url.path
        if is_theirs(path):
            return in_their_form(problem)
        is_page = request.headers.get("sec-fetch-dest", "document") in ("document", "iframe")
        is_api = path.startswith("/api/") and path != "/api/docs"
        if is_api or not is_page or "x-fragment" in request.headers:
            return problem.response()
        if problem.code == "second_factor_needed":
            return RedirectResponse("/account/second-factor", 303)
        if problem.status != 401:
            response: Response = self._page(request, problem)
            return response
        query = f"?{request.url.query}" if request.url.query else ""
        wanted = urlencode({"next": path + query}) if request.method == "GET" and path != "/" else ""
        redirect = RedirectResponse(f"/sign-in?{wanted}" if wanted else "/sign-in", 303)
        cookies.clear_session(redirect, self._services.public.is_https)
        return redirect

    def _audited(self, request: Request, caller: Caller, route: _Route, note: AuditNote, send: Send) -> Send:
        """Write the entry once the answer is known, and before it goes out."""

        async def audited(message: Message) -> None:
            if message["type"] == "http.response.start":
                await self._write(request, caller, route, note, message["status"])
            await send(message)

        return audited

    async def _write(self, request: Request, caller: Caller, route: _Route, note: AuditNote, status: int) -> None:
        if caller.means is Means.LOCAL or note.is_written:
            return
        note.is_written = True
        await run_in_threadpool(
            self._services.accounts.audit.write,
            caller.account,
            route.name,
            by=caller.by,
            target=note.target,
            address=address_of(request.scope, self._options.trusted_proxies),
            result="done" if status < 400 else str(status),
            before=note.before,
            after=note.after,
        )

    def _watched(self, request: Request, need: Need | None, send: Send) -> Send:
        """An answer that goes on and on ends when who asked may not have it any more."""
        looked = time.monotonic()
        is_stream = False

        async def watched(message: Message) -> None:
            nonlocal looked, is_stream
            if message["type"] == "http.response.start":
                is_stream = Headers(raw=message["headers"]).get("content-type", "").startswith("text/event-stream")
            elif is_stream and message.get("more_body") and time.monotonic() - looked > KEPT_S:
                looked = time.monotonic()
                try:
                    caller = await self._identified(request, need)
                    self._check(caller, need, "GET")
                    if location.hidden_from(caller) != request.scope["state"]["hide_location"]:
                        raise _Ended  # who asks anew is answered as the new role may be
                except ApiProblem as problem:
                    if problem.status in (401, 403):
                        raise _Ended from None
            await send(message)

        return watched


def _in_our_case(scope: Scope, address: str, values: dict[str, str]) -> Scope:
    """The request at the address as it is written here; Custom Vision's clients write it in any case of the letters."""
    path = address.format(**values)
    return {**scope, "path": path, "raw_path": quote(path).encode()}


class _Ended(Exception):
    """Who is being answered has lost the right to it."""
