"""What the client does with webhooks, for administrators."""

from collections.abc import Iterable

from imagestore.client.http import Http
from imagestore.client.projects import part
from imagestore.webhooks.status import DeliveryList, DeliveryStatus, NewWebhook, WebhookStatus


class WebhookMethods:
    """A part of the client."""

    _http: Http

    def webhooks(self) -> list[WebhookStatus]:
        """The webhooks, in the order in which they were registered."""
        return self._http.get(list[WebhookStatus], "/webhooks")

    def add_webhook(
        self, url: str, events: Iterable[str], *, name: str = "", prefix: str = "", project: str | None = None
    ) -> NewWebhook:
        """Register a webhook, which is told of what happens from now on. Its secret is in the answer, and nowhere else
        again."""
        body = {"url": url, "events": list(events), "name": name, "prefix": prefix, "project": project}
        return self._http.read(NewWebhook, self._http.send("POST", "/webhooks", body=body))

    def read_webhook(self, id: str) -> WebhookStatus:
        """One webhook."""
        return self._http.get(WebhookStatus, f"/webhooks/{part(id)}")

    def remove_webhook(self, id: str) -> None:
        """Remove a webhook, with all that is known of its deliveries."""
        self._http.send("DELETE", f"/webhooks/{part(id)}")

    def turn_webhook_off(self, id: str) -> WebhookStatus:
        """Send nothing until it is turned on again."""
        return self._http.read(WebhookStatus, self._http.send("PUT", f"/webhooks/{part(id)}/off"))

    def turn_webhook_on(self, id: str) -> WebhookStatus:
        """Send again: what still waits, and what happens from now on."""
        return self._http.read(WebhookStatus, self._http.send("DELETE", f"/webhooks/{part(id)}/off"))

    def test_webhook(self, id: str) -> DeliveryStatus:
        """Have an event sent that says nothing but that it is a test."""
        return self._http.read(DeliveryStatus, self._http.send("POST", f"/webhooks/{part(id)}/test"))

    def deliveries(self, id: str, limit: int = 50, state: str | None = None) -> list[DeliveryStatus]:
        """What was sent to a webhook and what is to be, the newest events first, at most 50."""
        return self._http.get(DeliveryList, f"/webhooks/{part(id)}/deliveries", {"limit": limit, "state": state}).items

    def resend(self, id: str, delivery: str) -> DeliveryStatus:
        """Have an event sent once more, with the same id."""
        path = f"/webhooks/{part(id)}/deliveries/{part(delivery)}/resend"
        return self._http.read(DeliveryStatus, self._http.send("POST", path))
