"""The pages of webhooks, for administrators: register and remove them, see what was delivered, send it again. They need
no scripts."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from starlette.responses import RedirectResponse

from imagestore.errors import StoreError
from imagestore.record import LONGEST_NAME
from imagestore.store.projects import ProjectState
from imagestore.web.api import webhooks as operations
from imagestore.web.api.common import ServicesDep
from imagestore.web.api.webhooks import DeliveryId, WebhookId
from imagestore.web.guards.access import CallerDep, NoteDep
from imagestore.web.pages.forms import FormDep, attempted, form_page
from imagestore.web.problems import ApiProblem
from imagestore.web.services import Services
from imagestore.webhooks.delivery import ID, KEPT_DAYS, OPEN_DAYS, DeliveryState
from imagestore.webhooks.status import NewWebhook
from imagestore.webhooks.webhook import LONGEST_NAME as LONGEST_TITLE
from imagestore.webhooks.webhook import LONGEST_URL, EventType

router = APIRouter(prefix="/webhooks")
PAGE = 20
DONE = {
    "removed": "The webhook is removed.",
    "off": "Nothing is sent any more.",
    "on": "Events are sent again.",
    "test": "A test is on its way: it is listed below, and what came of it as soon as it was sent.",
    "resent": "It is sent once more as soon as a runner comes to it.",
}
MEANINGS = {
    EventType.CLASSIFIED: "a picture is classified",
    EventType.UNKNOWN: "the model is not sure enough of a picture",
    EventType.REJECTED: "a file is no picture that can be read",
    EventType.FAILED: "a picture could not be classified, and it was given up",
    EventType.CORRECTED: "somebody says what a picture shows, or that the answer is wrong",
    EventType.UPDATED: "a record changes in another way, as when a correction is taken back",
    EventType.DELETED: "a picture is deleted",
    EventType.PROMOTED: "a model becomes live",
}
Done = Annotated[str, Query(max_length=20)]


@router.get("")
def webhooks_page(request: Request, services: ServicesDep, done: Done = "") -> Response:
    """The webhooks there are, and a form for another."""
    return _list(request, services, done=DONE.get(done, ""))


@router.post("", name="addWebhook")
def add(request: Request, services: ServicesDep, caller: CallerDep, note: NoteDep, form: FormDep) -> Response:
    """Register a webhook, and show its secret, this one time."""
    made: list[NewWebhook] = []
    chosen = [event for event in EventType if form.get(event)]
    asked = (form.get("url", "").strip(), chosen, form.get("name", "")[: LONGEST_TITLE + 1])
    where = (form.get("prefix", "")[:LONGEST_NAME], form.get("project") or None)
    problem = attempted(lambda: made.append(_added(services, caller, note, *asked, *where)))
    return _list(request, services, problem, made=made[0] if made else None, form=form if problem else {})


@router.get("/{id}")
def webhook_page(
    request: Request,
    services: ServicesDep,
    id: WebhookId,
    done: Done = "",
    state: DeliveryState | None = None,
    before: Annotated[str | None, Query(pattern=f"^{ID}$")] = None,
) -> Response:
    """One webhook, and what was delivered to it."""
    return _one(request, services, id, done=DONE.get(done, ""), state=state, before=before)


@router.post("/{id}/remove", name="removeWebhook")
def remove(request: Request, services: ServicesDep, note: NoteDep, id: WebhookId, form: FormDep) -> Response:
    """Remove a webhook."""
    problem = attempted(lambda: operations.remove_webhook(services, note, id))
    return _list(request, services, problem) if problem else RedirectResponse("/webhooks?done=removed", 303)


@router.post("/{id}/off", name="turnWebhookOff")
def turn_off(request: Request, services: ServicesDep, id: WebhookId, form: FormDep) -> Response:
    """Send nothing until it is turned on again."""
    problem = attempted(lambda: operations.turn_off(services, id))
    return _list(request, services, problem) if problem else _back(id, "off")


@router.post("/{id}/on", name="turnWebhookOn")
def turn_on(request: Request, services: ServicesDep, id: WebhookId, form: FormDep) -> Response:
    """Send again."""
    problem = attempted(lambda: operations.turn_on(services, id))
    return _list(request, services, problem) if problem else _back(id, "on")


@router.post("/{id}/test", name="testWebhook")
def test(request: Request, services: ServicesDep, id: WebhookId, form: FormDep) -> Response:
    """Have a test sent."""
    problem = attempted(lambda: operations.test_webhook(services, id))
    return _one(request, services, id, problem) if problem else _back(id, "test")


@router.post("/{id}/deliveries/{delivery}/resend", name="resend")
def resend(request: Request, services: ServicesDep, id: WebhookId, delivery: DeliveryId, form: FormDep) -> Response:
    """Have an event sent once more."""
    problem = attempted(lambda: operations.resend(services, id, delivery))
    return _one(request, services, id, problem) if problem else _back(id, "resent")


def _added(
    services: Services,
    caller: CallerDep,
    note: NoteDep,
    url: str,
    events: list[EventType],
    name: str,
    prefix: str,
    project: str | None,
) -> NewWebhook:
    return operations.add_webhook(services, caller, note, url, events, name, prefix, project)


def _list(
    request: Request,
    services: Services,
    problem: ApiProblem | None = None,
    *,
    made: NewWebhook | None = None,
    form: dict[str, str] | None = None,
    done: str = "",
) -> Response:
    return form_page(
        request,
        services,
        "webhooks.html",
        problem,
        webhooks=operations.list_webhooks(services),
        made=made,
        given=form or {},
        meanings=MEANINGS,
        projects=[one for one in services.stores.projects.list() if one.state is ProjectState.OPEN],
        longest_url=LONGEST_URL,
        longest_title=LONGEST_TITLE,
        longest_name=LONGEST_NAME,
        has_runner=_has_runner(services),
        done=done,
    )


def _one(
    request: Request,
    services: Services,
    id: str,
    problem: ApiProblem | None = None,
    *,
    state: DeliveryState | None = None,
    before: str | None = None,
    done: str = "",
) -> Response:
    found = operations.list_deliveries(services, id, state, PAGE, before)
    return form_page(
        request,
        services,
        "webhook.html",
        problem,
        webhook=operations.read_webhook(services, id),
        deliveries=found.items,
        older=found.next,
        is_first=before is None,
        state=state,
        states=list(DeliveryState),
        kept_days=KEPT_DAYS,
        open_days=OPEN_DAYS,
        has_runner=_has_runner(services),
        done=done,
    )


def _has_runner(services: Services) -> bool:
    try:
        return services.jobs.has_runner()
    except StoreError:
        return True  # nobody knows, and the page says elsewhere that the records cannot be read


def _back(id: str, done: str) -> Response:
    return RedirectResponse(f"/webhooks/{id}?done={done}", 303)
