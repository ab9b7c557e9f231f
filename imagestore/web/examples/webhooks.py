"""Examples of the operations of webhooks: of each its query, its curl options, and what it answers."""

from dataclasses import replace
from typing import Any

from imagestore.webhooks.delivery import Attempt, DeliveryState
from imagestore.webhooks.status import DeliveryList, DeliveryStatus, NewWebhook, WebhookStatus
from imagestore.webhooks.webhook import EventType

_AT = "2026-11-21T09:00:00.112Z"
_ID = "webhook-5c0e5c0e5c0e5c0e"
_EVENT = "3f2a" * 8
_DELIVERY = f"delivery-20261121090000112-5c0e5c0e5c0e5c0e-{_EVENT}"
_ACCOUNT = "account-8934e564515e9ed9a4f6ec252eb8d5bd"
_EVENTS = [EventType.CLASSIFIED, EventType.DELETED]
_WEBHOOK = WebhookStatus(
    _ID, "https://example.org/pictures", _EVENTS, "The shop", "garden/", None, _ACCOUNT, _AT, _AT, None
)
_DELIVERED = DeliveryStatus(
    _DELIVERY, _EVENT, str(EventType.CLASSIFIED), "b3d9" * 8, _AT, DeliveryState.DELIVERED, 2, None,
    Attempt("2026-11-21T09:00:05.312Z", 204, "", 41),
)  # fmt: skip
_WAITS = replace(_DELIVERED, state=DeliveryState.WAITING, attempts=0, next_at=_AT, last=None)
_ASKED = '{"url": "https://example.org/pictures", "events": ["imagestore.picture.classified"], "prefix": "garden/"}'
ANSWERS: dict[str, tuple[str, str, Any]] = {
    "webhooks": ("", "", [_WEBHOOK]),
    "addWebhook": ("", f"--json '{_ASKED}'", NewWebhook("whsec_x7KdQ2…", _WEBHOOK)),
    "readWebhook": ("", "", _WEBHOOK),
    "removeWebhook": ("", "", None),
    "turnWebhookOff": ("", "", replace(_WEBHOOK, off="Somebody turned it off.")),
    "turnWebhookOn": ("", "", _WEBHOOK),
    "testWebhook": ("", "", replace(_WAITS, type="imagestore.webhook.test", subject=_ID)),
    "deliveries": ("?state=given_up&limit=10", "", DeliveryList([_DELIVERED], None)),
    "resend": ("", "", _WAITS),
}
"""By operation id."""
SPECIAL: dict[str, dict[str, Any]] = {id: {"id": _ID, "before": _DELIVERY} for id in ANSWERS}
VALUES: dict[str, Any] = {"delivery": _DELIVERY, "state": "given_up"}
"""Example values of their parameters."""
