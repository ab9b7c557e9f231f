"""imagestore webhooks: where events are posted, what was delivered, and sending it again."""

from collections.abc import Sequence
from typing import Annotated, Protocol

import typer
from rich.table import Table
from rich.text import Text

from imagestore.cli import instance, servers, stores
from imagestore.cli.output import console, print_whole, safe
from imagestore.client import Client
from imagestore.configure import webhooks_of
from imagestore.settings import account
from imagestore.webhooks.delivery import DeliveryState
from imagestore.webhooks.registry import Webhooks
from imagestore.webhooks.status import DeliveryStatus, NewWebhook, WebhookStatus
from imagestore.webhooks.webhook import EventType

app = typer.Typer(no_args_is_help=True, help="Post what happens to pictures and models to an address of yours.")
Id = Annotated[str, typer.Argument(help="The webhook, as imagestore webhooks list shows it.")]
Delivery = Annotated[str, typer.Argument(help="The delivery, as imagestore webhooks deliveries shows it.")]
_SHORT = {str(event).removeprefix("imagestore."): event for event in EventType}


class Asked(Protocol):
    """Where webhooks are asked for: the stores themselves, or a distant web app."""

    def add(self, url: str, events: Sequence[EventType], name: str, prefix: str, project: str | None) -> NewWebhook:
        """Register one."""

    def all(self) -> list[WebhookStatus]:
        """All of them."""

    def read(self, id: str) -> WebhookStatus:
        """One of them. Raises NotFound."""

    def remove(self, id: str) -> None:
        """Remove one. Raises NotFound."""

    def turn(self, id: str, *, on: bool) -> WebhookStatus:
        """Turn one on or off. Raises NotFound."""

    def test(self, id: str) -> DeliveryStatus:
        """Have a test sent. Raises NotFound or Conflict."""

    def deliveries(self, id: str, most: int, state: DeliveryState | None) -> list[DeliveryStatus]:
        """The latest deliveries. Raises NotFound."""

    def resend(self, id: str, delivery: str) -> DeliveryStatus:
        """Send one again. Raises NotFound or Conflict."""


@app.callback()
def webhooks() -> None:
    """Post what happens to pictures and models to an address of yours."""


@app.command("add")
def add(
    url: Annotated[str, typer.Argument(help="Where events are posted, such as https://example.org/pictures.")],
    events: Annotated[
        list[str] | None,
        typer.Option("--event", help=f"Which events, again for each: {', '.join(_SHORT)}. Without it, all."),
    ] = None,
    name: Annotated[str, typer.Option(help="What it is for.")] = "",
    prefix: Annotated[str, typer.Option(help="Only pictures whose names begin so, such as garden/.")] = "",
    project: Annotated[str | None, typer.Option(help="Only pictures and models of this project.")] = None,
) -> None:
    """Register a webhook, and print its secret, this one time."""
    made = _asked().add(url, [_event(one) for one in events or _SHORT], name, prefix, project)
    console.print(f"{made.webhook.id}: its secret, shown this one time:", markup=False, highlight=False)
    print(made.secret)


@app.command("list")
def list_webhooks() -> None:
    """List the webhooks."""
    table = Table("Webhook", "Address", "Events", "", box=None, pad_edge=False)
    for one in _asked().all():
        of = " ".join(filter(None, (one.name, one.prefix and f"{one.prefix}*", one.project)))
        table.add_row(one.id, Text(safe(one.url)), str(len(one.events)), Text(safe(one.off or of)))
    if not table.row_count:
        return console.print("There are none.")
    return print_whole(table)


@app.command("show")
def show(id: Id) -> None:
    """Show where a webhook sends what."""
    one = _asked().read(id)
    lines = [f"{one.id}: {one.name}" if one.name else one.id, one.url, f"Registered {one.created_at} by {one.by}"]
    lines += [f"Names that begin with {one.prefix}"] if one.prefix else []
    lines += [f"Project {one.project}"] if one.project else []
    lines += [f"Off: {one.off}"] if one.off else [f"On since {one.since}"]
    for line in [*lines, *one.events]:
        console.print(safe(line), markup=False, highlight=False, soft_wrap=True)


@app.command("remove")
def remove(id: Id) -> None:
    """Remove a webhook, with all that is known of its deliveries."""
    _asked().remove(id)
    console.print("Removed.")


@app.command("off")
def off(id: Id) -> None:
    """Send nothing until it is turned on again. What happens meanwhile is not told."""
    _asked().turn(id, on=False)
    console.print("Off.")


@app.command("on")
def on(id: Id) -> None:
    """Send again: what still waits, and what happens from now on."""
    _asked().turn(id, on=True)
    console.print("On.")


@app.command("test")
def test(id: Id) -> None:
    """Have an event sent that says nothing but that it is a test."""
    _tell(_asked().test(id))


@app.command("deliveries")
def deliveries(
    id: Id,
    most: Annotated[int, typer.Option("--limit", min=1, max=50, help="At most so many.")] = 20,
    state: Annotated[DeliveryState | None, typer.Option(help="Only those in this state.")] = None,
) -> None:
    """List what was sent to a webhook in the last seven days and what is to be, the newest events first."""
    table = Table("Delivery", "Event", "State", "Tries", "Last answer", "Next", box=None, pad_edge=False)
    for one in _asked().deliveries(id, most, state):
        kind = one.type.removeprefix("imagestore.")
        table.add_row(one.id, kind, one.state, str(one.attempts), Text(safe(_answer(one))), one.next_at or "")
    if not table.row_count:
        return console.print("There are none.")
    return print_whole(table)


@app.command("resend")
def resend(id: Id, delivery: Delivery) -> None:
    """Have an event sent once more. Its id is the same, so that the receiver knows it again."""
    _tell(_asked().resend(id, delivery))


class _OverStores:
    def __init__(self, webhooks: Webhooks) -> None:
        self._webhooks = webhooks

    def add(self, url: str, events: Sequence[EventType], name: str, prefix: str, project: str | None) -> NewWebhook:
        webhook, secret = self._webhooks.add(url, events, account(), name=name, prefix=prefix, project=project)
        return NewWebhook(secret, WebhookStatus.of(webhook))

    def all(self) -> list[WebhookStatus]:
        return [WebhookStatus.of(one) for one in self._webhooks.all()]

    def read(self, id: str) -> WebhookStatus:
        return WebhookStatus.of(self._webhooks.read(id))

    def remove(self, id: str) -> None:
        self._webhooks.remove(id)

    def turn(self, id: str, *, on: bool) -> WebhookStatus:
        return WebhookStatus.of(self._webhooks.turn_on(id) if on else self._webhooks.turn_off(id))

    def test(self, id: str) -> DeliveryStatus:
        return DeliveryStatus.of(self._webhooks.test(id))

    def deliveries(self, id: str, most: int, state: DeliveryState | None) -> list[DeliveryStatus]:
        return [DeliveryStatus.of(one) for one in self._webhooks.deliveries(id, most, state=state)]

    def resend(self, id: str, delivery: str) -> DeliveryStatus:
        return DeliveryStatus.of(self._webhooks.resend(id, delivery))


class _OverApi:
    def __init__(self, client: Client) -> None:
        self._client = client

    def add(self, url: str, events: Sequence[EventType], name: str, prefix: str, project: str | None) -> NewWebhook:
        return self._client.add_webhook(url, events, name=name, prefix=prefix, project=project)

    def all(self) -> list[WebhookStatus]:
        return self._client.webhooks()

    def read(self, id: str) -> WebhookStatus:
        return self._client.read_webhook(id)

    def remove(self, id: str) -> None:
        self._client.remove_webhook(id)

    def turn(self, id: str, *, on: bool) -> WebhookStatus:
        return self._client.turn_webhook_on(id) if on else self._client.turn_webhook_off(id)

    def test(self, id: str) -> DeliveryStatus:
        return self._client.test_webhook(id)

    def deliveries(self, id: str, most: int, state: DeliveryState | None) -> list[DeliveryStatus]:
        return self._client.deliveries(id, most, state)

    def resend(self, id: str, delivery: str) -> DeliveryStatus:
        return self._client.resend(id, delivery)


def _asked() -> Asked:
    if (server := servers.given()) is not None:
        return _OverApi(instance.client_of(server))
    environment = stores.environment()
    return _OverStores(webhooks_of(stores.settings(), stores.opened(), environment))


def _event(text: str) -> EventType:
    found = _SHORT.get(text.removeprefix("imagestore."))
    if found is None:
        raise typer.BadParameter(f"'{safe(text[:80])}' is no event. There are {', '.join(_SHORT)}.")
    return found


def _answer(one: DeliveryStatus) -> str:
    return "" if one.last is None else " ".join(filter(None, (str(one.last.status or ""), one.last.said)))


def _tell(one: DeliveryStatus) -> None:
    said = f"{one.id} is sent as soon as a runner comes to it: imagestore webhooks deliveries."
    console.print(said, markup=False, highlight=False, soft_wrap=True)
