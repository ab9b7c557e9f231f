"""One try to deliver an event: a signed POST, through the guard that lets nothing go to a private network."""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

import msgspec

from imagestore import fetch
from imagestore.errors import NotFetched
from imagestore.record import utc
from imagestore.text import visible
from imagestore.webhooks.backoff import Answered, retry_after_s
from imagestore.webhooks.delivery import Attempt, Delivery
from imagestore.webhooks.events import CONTENT_TYPE
from imagestore.webhooks.signing import signed
from imagestore.webhooks.webhook import Webhook

SECONDS = 15.0
"""How long a receiver may take to answer, in all."""
_READ_BYTES = 1024
_LONGEST_SAID = 200
Send = Callable[[Webhook, Delivery, str], Answered]


@dataclass(frozen=True)
class Sending:
    """Sends to public addresses, and to these hosts wherever they are (WEBHOOK_HOSTS)."""

    hosts: Collection[str] = ()
    is_allowed: fetch.IsAllowed = fetch.is_public
    seconds: float = SECONDS

    def __call__(self, webhook: Webhook, delivery: Delivery, secret: str) -> Answered:
        """Send an event, signed with this secret, and say what came of it."""
        body = msgspec.json.encode(delivery.event)
        headers = {"Content-Type": CONTENT_TYPE, **signed(secret, str(delivery.event["id"]), int(time.time()), body)}
        began = time.monotonic()
        try:
            answer = fetch.post(webhook.url, body, headers, _READ_BYTES, self._guard(webhook.url), self.seconds)
        except NotFetched as error:
            return Answered(Attempt(utc(), None, _short(str(error)), _ms(began)))
        said = answer.beginning.decode("utf-8", "replace")
        if 300 <= answer.status < 400:
            said = f"It leads elsewhere ({answer.headers.get('location', '')}), and that is not followed."
        asked = retry_after_s(answer.headers.get("retry-after"), datetime.now(UTC))
        return Answered(Attempt(utc(), answer.status, _short(said), _ms(began)), asked)

    def _guard(self, url: str) -> fetch.IsAllowed:
        host = (urlsplit(url).hostname or "").lower()
        return (lambda address: True) if host in self.hosts else self.is_allowed


def _ms(began: float) -> int:
    return round((time.monotonic() - began) * 1000)


def _short(text: str) -> str:
    text = visible(" ".join(text.split()))
    return text if len(text) <= _LONGEST_SAID else text[: _LONGEST_SAID - 1] + "…"
