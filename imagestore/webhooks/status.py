"""A webhook and a delivery as the API, its client and the command line show them: without the secret."""

from dataclasses import dataclass

from imagestore.webhooks.delivery import Attempt, Delivery, DeliveryState
from imagestore.webhooks.webhook import EventType, Webhook


@dataclass(frozen=True)
class WebhookStatus:
    """A webhook: where events go, and which ones. `off` says why nothing is sent; null: it is on. It is told of what
    happens since `since`. `by` is the account that registered it. Times are UTC."""

    id: str
    url: str
    events: list[EventType]
    name: str
    prefix: str
    project: str | None
    by: str
    created_at: str
    since: str
    off: str | None

    @classmethod
    def of(cls, one: Webhook) -> "WebhookStatus":
        """This webhook."""
        told = (one.name, one.prefix, one.project, one.by, one.created_at, one.since, one.off)
        return cls(one.id, one.url, list(one.events), *told)


@dataclass(frozen=True)
class NewWebhook:
    """A webhook that was registered. `secret` signs what is sent, and is shown this one time."""

    secret: str
    webhook: WebhookStatus


@dataclass(frozen=True)
class DeliveryStatus:
    """An event for a webhook, and what came of it. `event` is its id, `at` when it happened, `subject` the picture's id
    or the model. `next_at` is when it is tried next, null if it is not. `last` is the last try. Times are UTC."""

    id: str
    event: str
    type: str
    subject: str
    at: str
    state: DeliveryState
    attempts: int
    next_at: str | None
    last: Attempt | None

    @classmethod
    def of(cls, one: Delivery) -> "DeliveryStatus":
        """This delivery."""
        event = {name: str(one.event.get(name, "")) for name in ("id", "type", "subject", "time")}
        next_at = one.at if one.state is DeliveryState.WAITING else None
        told = (one.state, one.attempts, next_at, one.last)
        return cls(one.id, event["id"], event["type"], event["subject"], event["time"], *told)


@dataclass(frozen=True)
class DeliveryList:
    """One page of deliveries, the newest events first, and the `before` of the next page (null on the last)."""

    items: list[DeliveryStatus]
    next: str | None
