"""Webhooks: where events are posted, what was delivered, and sending it again. A runner sends (imagestore jobs run)."""

from typing import Annotated

from fastapi import APIRouter, Body, Path, Query, Response
from pydantic import StringConstraints

from imagestore.errors import SettingsError
from imagestore.record import LONGEST_NAME
from imagestore.store.models import NAME
from imagestore.web.api.common import ServicesDep
from imagestore.web.guards.access import CallerDep, NoteDep
from imagestore.web.problems import ApiProblem
from imagestore.webhooks.delivery import ID, DeliveryState
from imagestore.webhooks.status import DeliveryList, DeliveryStatus, NewWebhook, WebhookStatus
from imagestore.webhooks.webhook import LONGEST_NAME as LONGEST_TITLE
from imagestore.webhooks.webhook import LONGEST_URL, EventType

router = APIRouter(prefix="/webhooks", tags=["Webhooks"])
WebhookId = Annotated[str, Path(pattern="^webhook-[0-9a-f]{16}$", description="The webhook's id.")]
DeliveryId = Annotated[str, Path(pattern=f"^{ID}$", description="The delivery's id.")]
PAGE = 50


@router.get("", operation_id="webhooks")
def list_webhooks(services: ServicesDep) -> list[WebhookStatus]:
    """The webhooks, in the order in which they were registered."""
    return [WebhookStatus.of(one) for one in services.webhooks.all()]


@router.post("", status_code=201, operation_id="addWebhook")
def add_webhook(
    services: ServicesDep,
    caller: CallerDep,
    note: NoteDep,
    url: Annotated[str, Body(embed=True, max_length=LONGEST_URL, description="Where events are posted: https.")],
    events: Annotated[list[EventType], Body(embed=True, min_length=1, max_length=20, description="Which ones.")],
    name: Annotated[str, Body(embed=True, max_length=LONGEST_TITLE, description="What it is for.")] = "",
    prefix: Annotated[
        str, Body(embed=True, max_length=LONGEST_NAME, description="Only pictures whose names begin so.")
    ] = "",
    project: Annotated[
        Annotated[str, StringConstraints(pattern=NAME)] | None,
        Body(embed=True, description="Only pictures and models of this project."),
    ] = None,
) -> NewWebhook:
    """Register a webhook, which is told of what happens from now on. Its secret is shown once."""
    try:
        webhook, secret = services.webhooks.add(
            url, events, caller.account, name=name.strip(), prefix=prefix, project=project
        )
    except SettingsError as error:
        raise ApiProblem(409, "no_secrets", str(error)) from None
    note.target, note.after = webhook.id, {"host": host_of(webhook.url), "events": len(webhook.events)}
    return NewWebhook(secret, WebhookStatus.of(webhook))


@router.get("/{id}", operation_id="readWebhook")
def read_webhook(services: ServicesDep, id: WebhookId) -> WebhookStatus:
    """One webhook."""
    return WebhookStatus.of(services.webhooks.read(id))


@router.delete("/{id}", status_code=204, operation_id="removeWebhook")
def remove_webhook(services: ServicesDep, note: NoteDep, id: WebhookId) -> Response:
    """Remove a webhook, with all that is known of its deliveries."""
    note.before = {"host": host_of(services.webhooks.remove(id).url)}
    return Response(status_code=204)


@router.put("/{id}/off", operation_id="turnWebhookOff")
def turn_off(services: ServicesDep, id: WebhookId) -> WebhookStatus:
    """Send nothing until it is turned on again. What happens meanwhile is not told."""
    return WebhookStatus.of(services.webhooks.turn_off(id))


@router.delete("/{id}/off", operation_id="turnWebhookOn")
def turn_on(services: ServicesDep, id: WebhookId) -> WebhookStatus:
    """Send again: what still waits, and what happens from now on."""
    return WebhookStatus.of(services.webhooks.turn_on(id))


@router.post("/{id}/test", status_code=202, operation_id="testWebhook")
def test_webhook(services: ServicesDep, id: WebhookId) -> DeliveryStatus:
    """Have an event sent that says nothing but that it is a test."""
    return DeliveryStatus.of(services.webhooks.test(id))


@router.get("/{id}/deliveries", operation_id="deliveries")
def list_deliveries(
    services: ServicesDep,
    id: WebhookId,
    state: Annotated[DeliveryState | None, Query(description="Only those in this state.")] = None,
    limit: Annotated[int, Query(ge=1, le=PAGE, description="At most so many.")] = PAGE,
    before: Annotated[str | None, Query(pattern=f"^{ID}$", description="`next` of the page before.")] = None,
) -> DeliveryList:
    """What was sent to a webhook in the last seven days and what is to be, the newest events first."""
    found = services.webhooks.deliveries(id, limit, before, state)
    return DeliveryList([DeliveryStatus.of(one) for one in found], found[-1].id if len(found) == limit else None)


@router.post("/{id}/deliveries/{delivery}/resend", status_code=202, operation_id="resend")
def resend(services: ServicesDep, id: WebhookId, delivery: DeliveryId) -> DeliveryStatus:
    """Have an event sent once more. Its id is the same, so that a receiver knows it again."""
    return DeliveryStatus.of(services.webhooks.resend(id, delivery))


def host_of(url: str) -> str:
    """The host of an address: what else is in it may be a secret, and is on no record."""
    return url.partition("://")[2].partition("/")[0].partition("?")[0]
