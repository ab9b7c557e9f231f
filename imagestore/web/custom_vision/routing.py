"""How Custom Vision's clients ask: with a key in a header of its own, and bodies in JSON."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any, TypeVar
from urllib.parse import parse_qsl, urlencode

import msgspec
from fastapi import APIRouter, Depends, Path, Request
from fastapi.routing import APIRoute
from msgspec.inspect import ListType, LiteralType, StructType, Type, UnionType, type_info
from pydantic import BeforeValidator
from starlette.responses import Response

from imagestore.decoding import convert, decode
from imagestore.errors import NotFound
from imagestore.store import Stores
from imagestore.store.custom_vision import derived
from imagestore.store.projects import Project, ProjectState
from imagestore.web.api.common import ServicesDep
from imagestore.web.custom_vision.errors import refused
from imagestore.web.guards.access import CallerDep, demand_project
from imagestore.web.problems import ApiProblem
from imagestore.web.services import Services

PREDICTION_VERSIONS = ("v3.0", "v3.1")
TRAINING_VERSIONS = ("v3.0", "v3.1", "v3.2", "v3.3", "v3.4-preview")
MOST_JSON_BYTES = 4_000_000
Asked = TypeVar("Asked")


class AnyCaseRoute(APIRoute):
    """A route whose query parameters are known in any case of their letters, as Custom Vision took them."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """What answers, with the parameters named as the route knows them."""
        answered, dependant = super().get_route_handler(), self.dependant
        asked = [*dependant.query_params, *(one for part in dependant.dependencies for one in part.query_params)]
        names = {one.alias.lower(): one.alias for one in asked}

        async def renamed(request: Request) -> Response:
            pairs = parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
            query = urlencode([(names.get(name.lower(), name), value) for name, value in pairs])
            request.scope["query_string"] = query.encode()
            return await answered(request)

        return renamed


def any_case(*values: str) -> BeforeValidator:
    """Has a parameter take one of these values in any case of the letters."""

    def folded(given: Any) -> Any:
        return next((one for one in values if isinstance(given, str) and given.lower() == one.lower()), given)

    return BeforeValidator(folded)


def router(kind: str, versions: tuple[str, ...], header: str) -> APIRouter:
    """A router for the addresses below `/customvision/<version>/<kind>`, which a key in this header opens."""

    def demand(request: Request, api: Annotated[str, Path()]) -> None:
        if api.lower() not in versions:
            said = f"There is no version '{api[:20]}' of {kind} here; there are {', '.join(versions)}."
            raise refused("NotFound", said, 404)
        if header not in request.headers:
            raise ApiProblem(401, "ForbiddenUser", f"The header {header} is missing: it takes a key of this web app.")

    return APIRouter(
        prefix=f"/customvision/{{api}}/{kind}",
        dependencies=[Depends(demand)],
        include_in_schema=False,
        route_class=AnyCaseRoute,
    )


def signed_router() -> APIRouter:
    """A router for contents, which whoever has their signed addresses reads without a key."""

    def demand(request: Request, services: ServicesDep, until: str = "", key: str = "", signature: str = "") -> None:
        if not services.accounts.tokens.addresses.is_good(request.url.path, until, key, signature):
            raise refused("Forbidden", "This address has expired. Ask again for what gave it.", 403)

    return APIRouter(
        prefix="/customvision/{api}/training",
        dependencies=[Depends(demand)],
        include_in_schema=False,
    )


def signed(request: Request, services: Services, route: str, **values: str) -> str:
    """The whole address of a content of this project, which is good for a while. Raises Unavailable."""
    given = {name: request.path_params[name] for name in ("api", "project_id")}
    path = request.app.url_path_for(route, **given, **values)
    base = services.public.url or str(request.base_url).rstrip("/")
    return f"{base}{path}?{services.accounts.tokens.addresses.sign(path)}"


def prediction_router() -> APIRouter:
    """For programs that predict."""
    return router("prediction", PREDICTION_VERSIONS, "Prediction-Key")


def training_router() -> APIRouter:
    """For programs that train."""
    return router("training", TRAINING_VERSIONS, "Training-Key")


def id_of(project: Project) -> str:
    """The UUID by which clients know a project."""
    return project.id or derived("project", project.name)


def project_of(stores: Stores, id: str) -> Project:
    """The project with this UUID. Raises ApiProblem 404 or Unavailable."""
    written = stores.projects.read().known().values()
    for found in (
        lambda: written,
        stores.projects.list,
    ):  # the latter lists all models, for projects never written down
        for project in found():
            if id_of(project) == id.lower() and project.state is ProjectState.OPEN:
                return project
    raise refused("NotFoundProject", f"There is no project {id[:40]}.", 404)


def _asked_project(services: ServicesDep, caller: CallerDep, project_id: Annotated[str, Path()]) -> Project:
    project = project_of(services.stores, project_id)
    demand_project(caller, project.name)
    return project


ProjectDep = Annotated[Project, Depends(_asked_project)]


async def body_of(
    request: Request, kind: type[Asked], max_bytes: int = MOST_JSON_BYTES, when_empty: Asked | None = None
) -> Asked:
    """The JSON in a request's body, its names in any case of the letters, as Custom Vision took them; an empty one may
    stand for something else. Raises ApiProblem 400."""
    data = bytearray()
    async for piece in request.stream():
        data += piece
        if len(data) > max_bytes:
            said = f"The request has more than {max_bytes:,} bytes, which is the limit."
            raise refused("BadRequestExceededBatchSize", said)
    if when_empty is not None and bytes(data).strip() in (b"", b"null"):
        return when_empty
    try:
        return convert(_named(decode(bytes(data)), type_info(kind)), kind)
    except msgspec.MsgspecError as error:
        raise refused("BadRequestInvalid", f"The request's body cannot be read: {error}") from None


def _named(found: Any, kind: Type) -> Any:
    """What was decoded, with the names of fields and the words of enumerations as this type has them."""
    if isinstance(kind, UnionType):
        kind = next((one for one in kind.types if isinstance(one, StructType | ListType | LiteralType)), kind)
    if isinstance(kind, ListType) and isinstance(found, list):
        return [_named(one, kind.item_type) for one in found]
    if isinstance(kind, LiteralType) and isinstance(found, str):
        return next((one for one in kind.values if str(one).lower() == found.lower()), found)
    if isinstance(kind, StructType) and isinstance(found, dict):
        fields = {field.encode_name.lower(): field for field in kind.fields}
        known = {name: fields[name.lower()] for name in found if name.lower() in fields}
        return {field.encode_name: _named(found[name], field.type) for name, field in known.items()}
    return found


def answer(found: Any, status: int = 200) -> Response:
    """An answer as JSON, with names as Custom Vision writes them."""
    return Response(msgspec.json.encode(found), status, media_type="application/json")


def ids(text: str | None) -> list[str]:
    """The UUIDs of a query parameter, separated by commas."""
    return [one.strip().lower() for one in (text or "").split(",") if one.strip()]


def found_or(code: str, look: Callable[[], Asked], said: str) -> Asked:
    """What `look` finds. Raises ApiProblem 404 with this code where it is not there."""
    try:
        return look()
    except NotFound:
        raise refused(code, said, 404) from None
